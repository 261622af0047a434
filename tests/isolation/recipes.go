package isolation

import (
	"fmt"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// recipe makes a request of an operation that succeeds in the company, as one of the roles at least. It may make what the request uses up.
// Path, method and token are filled in afterwards, the token only where the recipe has set none.
type recipe struct {
	make func(k *kitchen) request
	// refs are the members of the body that name what belongs to a client: member, or member. of a list, and the kind of id it takes.
	refs map[string]string
	// self operations are upon the caller's own credential: they are made with that of a person made for the purpose.
	self bool
	// platform operations are upon what belongs to no client; a global administrator sees clients by them.
	platform bool
	// never says why it succeeds for nobody here.
	never string
	// short says why there is no second page to take a cursor of.
	short string
}

// kitchen is what a recipe works with.
type kitchen struct {
	w *world
	c *company
	t testing.TB
}

// keyOperations are those that the companies' API keys are made for.
var keyOperations = []string{"list-profiles", "get-profile", "create-profile", "update-profile", "delete-profile", "generate-agent", "list-agents", "get-agent",
	"update-agent", "delete-agent", "list-configurations", "get-configuration", "put-draft", "publish-agent", "rollback-agent", "add-document",
	"list-documents", "get-document", "delete-document", "search-passages", "start-conversation", "list-conversations", "get-conversation",
	"send-message", "list-messages", "close-conversation", "list-templates", "get-template", "get-me"}

func (k *kitchen) post(path string, body object, headers ...string) answer {
	k.t.Helper()
	return k.c.tell(k.w.must(k.t, k.c.tokens[admin], "POST", path, body, headers...))
}

// etag reads the ETag of what a path names, as the administrator.
func (k *kitchen) etag(path string) string {
	k.t.Helper()
	return k.w.must(k.t, k.c.tokens[admin], "GET", path, nil).header.Get("ETag")
}

// with is a request upon the company's own things.
func (k *kitchen) with(names ...string) request {
	r := request{vars: map[string]string{}, headers: map[string]string{}}
	for _, name := range names {
		r.vars[name] = k.c.ids[name]
	}
	return r
}

func (r request) ifMatch(etag string) request {
	r.headers["If-Match"] = etag
	return r
}

func (r request) saying(body object) request {
	r.body = body
	return r
}

func (r request) asking(name, value string) request {
	r = r.clone()
	r.query.Set(name, value)
	return r
}

// freshProfile, freshAgent and the like make what a request uses up.
func (k *kitchen) freshProfile() string {
	return k.post("/v1/profiles", object{"name": "Perfil " + k.c.mark, "industry": "retail", "size": object{"employees": 3}}).field("id")
}

func (k *kitchen) freshAgent() string {
	return k.post("/v1/agents", object{"profile_id": k.c.ids["profile_id"], "template": "retail", "name": "Nova " + k.c.mark}).field("id")
}

func (k *kitchen) invited() (id string) {
	return k.post("/v1/users", object{"email": mark() + "@" + k.c.mark + ".example", "name": "Nova " + k.c.mark, "role": user}).field("id")
}

// person is somebody new in the company, with a session of their own.
func (k *kitchen) person(role string) (email string, tokens answer, id string) {
	email = mark() + "@" + k.c.mark + ".example"
	a := k.post("/v1/users", object{"email": email, "name": "Nova " + k.c.mark, "role": role})
	tokens = k.c.tell(k.w.must(k.t, "", "POST", "/v1/auth/invitations/accept",
		object{"token": a.field("invitation", "token"), "name": "Nova", "password": password}))
	return email, tokens, a.field("id")
}

func upon(names ...string) func(*kitchen) request {
	return func(k *kitchen) request { return k.with(names...) }
}

// recipes has one for every operation of the API.
var recipes = map[string]recipe{
	"get-health": {make: upon()}, "get-readiness": {make: upon()}, "get-openapi": {make: upon()}, "get-docs": {make: upon()},
	"get-jwks": {make: upon()}, "get-certificate-keys": {make: upon()},

	"sign-in": {refs: map[string]string{"client": "client_id"}, make: func(k *kitchen) request {
		return request{body: object{"email": k.c.emails[admin], "password": password, "client": k.c.id}}
	}},
	"refresh": {make: func(k *kitchen) request {
		_, tokens, _ := k.person(user)
		return request{body: object{"refresh_token": tokens.field("refresh_token")}}
	}},
	"accept-invitation": {make: func(k *kitchen) request {
		a := k.post("/v1/users", object{"email": mark() + "@nova.example", "name": "Nova", "role": user})
		return request{body: object{"token": a.field("invitation", "token"), "name": "Nova", "password": password}}
	}},
	"reset-password":  {make: upon(), never: "its token is in a mail: internal/identity has one, and its attacks"},
	"forgot-password": {make: func(k *kitchen) request { return request{body: object{"email": k.c.emails[manager]}} }},
	"get-me":          {make: upon()},
	"sign-out": {self: true, make: func(k *kitchen) request {
		_, tokens, _ := k.person(user)
		return request{token: tokens.field("access_token")}
	}},

	"create-client": {platform: true, make: func(*kitchen) request {
		return request{body: object{"name": "Nova", "slug": mark(), "languages": []string{"en"}, "administrator": object{"email": mark() + "@nova.example", "name": "N"}}}
	}},
	"list-clients": {platform: true, make: upon()},
	"get-client":   {platform: true, make: upon("client_id")},
	"update-client": {platform: true, make: func(k *kitchen) request {
		return k.with("client_id").ifMatch(k.clientETag()).saying(object{"name": k.c.name + " " + k.c.mark})
	}},
	"suspend-client":          {platform: true, make: func(k *kitchen) request { return k.elsewhere("") }},
	"resume-client":           {platform: true, make: func(k *kitchen) request { return k.elsewhere("/suspend") }},
	"offboard-client":         {platform: true, make: func(k *kitchen) request { return k.elsewhere("") }},
	"restore-client":          {platform: true, make: func(k *kitchen) request { return k.leaving() }},
	"get-erasure-certificate": {platform: true, make: upon("client_id"), never: "no client is erased within the time of a test: internal/erasure has one"},
	"invite-administrator": {platform: true, make: func(k *kitchen) request {
		return k.with("client_id").saying(object{"email": mark() + "@nova.example", "name": "Nova"})
	}},

	"get-own-client": {make: upon()},
	"update-own-client": {make: func(k *kitchen) request {
		return k.with().ifMatch(k.etag("/v1/client")).saying(object{"name": k.c.name + " " + k.c.mark})
	}},
	"get-settings": {make: upon()},
	"put-settings": {make: func(k *kitchen) request {
		return k.with().ifMatch(k.etag("/v1/client/settings")).saying(object{"languages": []string{"pt-BR", "en"}, "default_language": "pt-BR",
			"channels": []string{"web"}, "time_zone": "America/Sao_Paulo"})
	}},
	"get-usage": {make: upon()},

	"create-user": {make: func(k *kitchen) request {
		return k.with().saying(object{"email": mark() + "@nova.example", "name": "Nova", "role": user})
	}},
	"list-users": {make: upon()},
	"get-user":   {make: upon("user_id")},
	"update-user": {refs: map[string]string{"within.": "profile_id"}, make: func(k *kitchen) request {
		_, _, id := k.person(manager)
		r := k.with().ifMatch(k.etag("/v1/users/" + id)).saying(object{"within": []any{k.c.ids["profile_id"]}})
		r.vars["user_id"] = id
		return r
	}},
	"remove-user": {make: func(k *kitchen) request {
		_, _, id := k.person(user)
		r := k.with().ifMatch(k.etag("/v1/users/" + id))
		r.vars["user_id"] = id
		return r
	}},
	"resend-invitation": {make: func(k *kitchen) request { return request{vars: map[string]string{"user_id": k.invited()}} }},
	"revoke-invitation": {make: func(k *kitchen) request {
		id := k.invited()
		return request{vars: map[string]string{"user_id": id}, headers: map[string]string{"If-Match": k.etag("/v1/users/" + id)}}
	}},
	"list-user-sessions": {make: upon("user_id")},
	"end-user-session": {make: func(k *kitchen) request {
		_, tokens, id := k.person(user)
		return request{vars: map[string]string{"user_id": id, "session_id": k.sessionOf(tokens.field("access_token"))}}
	}},
	"end-user-sessions": {make: func(k *kitchen) request {
		_, _, id := k.person(user)
		return request{vars: map[string]string{"user_id": id}}
	}},
	"explain-access": {refs: map[string]string{"user_id": "user_id", "resource.id": "agent_id"}, make: func(k *kitchen) request {
		return request{body: object{"user_id": k.c.ids["user_id"], "operation": "get-agent", "resource": object{"type": "agent", "id": k.c.ids["agent_id"]}}}
	}},

	"list-own-sessions": {make: upon()},
	"end-own-session": {self: true, make: func(k *kitchen) request {
		email, tokens, _ := k.person(user)
		other := k.w.must(k.t, "", "POST", "/v1/auth/sign-in", object{"email": email, "password": password})
		return request{token: tokens.field("access_token"), vars: map[string]string{"session_id": k.sessionOf(other.field("access_token"))}}
	}},
	"switch-client": {self: true, refs: map[string]string{"client": "client_id"}, make: func(k *kitchen) request {
		_, tokens, _ := k.person(user)
		return request{token: tokens.field("access_token"), body: object{"client": k.c.id}}
	}},
	"assume-client": {platform: true, refs: map[string]string{}, make: func(k *kitchen) request {
		return request{body: object{"client_id": k.c.id, "reason": "To see that isolation holds"}}
	}},
	"change-password": {self: true, make: func(k *kitchen) request {
		_, tokens, _ := k.person(user)
		return request{token: tokens.field("access_token"), body: object{"current": password, "new": password + "-novo"}}
	}},
	"get-mfa": {make: upon()},
	"enrol-totp": {self: true, make: func(k *kitchen) request {
		_, tokens, _ := k.person(user)
		return request{token: tokens.field("access_token"), body: object{"password": password}}
	}},

	"confirm-totp": {self: true, make: func(k *kitchen) request {
		token, secret := k.enrolling()
		return request{token: token, body: object{"code": k.code(secret)}}
	}},
	"remove-totp": {self: true, make: func(k *kitchen) request {
		token, recovery := k.enrolled()
		return request{token: token, body: object{"password": password, "code": recovery}}
	}},
	"renew-recovery-codes": {self: true, make: func(k *kitchen) request {
		token, recovery := k.enrolled()
		return request{token: token, body: object{"password": password, "code": recovery}}
	}},

	"create-api-key": {make: func(k *kitchen) request {
		return k.with().saying(object{"name": "Nova", "role": manager, "scopes": []string{"list-agents"}})
	}},
	"list-api-keys": {make: upon()},
	"get-api-key":   {make: upon("key_id")},
	"rotate-api-key": {make: func(k *kitchen) request {
		r := k.with().saying(object{})
		r.vars["key_id"] = k.freshKey()
		return r
	}},
	"revoke-api-key": {make: func(k *kitchen) request {
		id := k.freshKey()
		r := k.with().ifMatch(k.etag("/v1/api-keys/" + id))
		r.vars["key_id"] = id
		return r
	}},

	"list-templates": {make: upon(), short: "the platform's own, all on one page"},
	"get-template":   {make: upon("sector")},
	"create-profile": {make: func(k *kitchen) request {
		return k.with().saying(object{"name": "Perfil " + k.c.mark, "industry": "retail", "size": object{"employees": 3}})
	}},
	"list-profiles": {make: upon()},
	"get-profile":   {make: upon("profile_id")},
	"update-profile": {make: func(k *kitchen) request {
		return k.with("profile_id").ifMatch(k.etag("/v1/profiles/" + k.c.ids["profile_id"])).saying(object{"name": "Perfil " + k.c.mark})
	}},
	"delete-profile": {make: func(k *kitchen) request {
		id := k.freshProfile()
		r := k.with().ifMatch(k.etag("/v1/profiles/" + id))
		r.vars["profile_id"] = id
		return r
	}},

	"generate-agent": {refs: map[string]string{"profile_id": "profile_id"}, make: func(k *kitchen) request {
		return k.with().saying(object{"profile_id": k.c.ids["profile_id"], "template": "retail", "name": "Sofia " + k.c.mark})
	}},
	"list-agents": {make: upon()},
	"get-agent":   {make: upon("agent_id")},
	"update-agent": {make: func(k *kitchen) request {
		return k.with("agent_id").ifMatch(k.etag(k.agent())).saying(object{"name": "Sofia " + k.c.mark})
	}},
	"delete-agent": {make: func(k *kitchen) request {
		id := k.freshAgent()
		r := k.with().ifMatch(k.etag("/v1/agents/" + id))
		r.vars["agent_id"] = id
		return r
	}},
	"list-configurations": {make: upon("agent_id"), short: "one version in each client"},
	"get-configuration":   {make: upon("agent_id", "version")},
	"put-draft": {make: func(k *kitchen) request {
		id := k.freshAgent()
		path := "/v1/agents/" + id + "/configurations/draft"
		r := k.with().ifMatch(k.etag(path)).saying(k.draft(path))
		r.vars["agent_id"] = id
		return r
	}},
	"publish-agent": {make: func(k *kitchen) request { return request{vars: map[string]string{"agent_id": k.freshAgent()}} }},
	"rollback-agent": {make: func(k *kitchen) request {
		id := k.freshAgent()
		draft := "/v1/agents/" + id + "/configurations/draft"
		k.post("/v1/agents/"+id+"/publish", nil)
		k.w.must(k.t, k.c.tokens[admin], "PUT", draft, k.draft("/v1/agents/"+id+"/configurations/1"), "If-Match", k.etag("/v1/agents/"+id))
		k.post("/v1/agents/"+id+"/publish", nil)
		return request{vars: map[string]string{"agent_id": id}, body: object{"version": 1}}
	}},
	"add-document": {make: func(k *kitchen) request {
		return k.with("agent_id").saying(object{"name": mark() + ".md", "content_type": "text/markdown", "content": "# Nova\n\n" + mark() + "\n"})
	}},
	"list-documents": {make: upon("agent_id")},
	"get-document":   {make: upon("agent_id", "document_id")},
	"delete-document": {make: func(k *kitchen) request {
		id := k.post(k.agent()+"/documents", object{"name": mark() + ".md", "content_type": "text/markdown", "content": "# Nova\n\n" + mark() + "\n"}).field("id")
		r := k.with("agent_id").ifMatch(k.etag(k.agent() + "/documents/" + id))
		r.vars["document_id"] = id
		return r
	}},
	"search-passages": {make: func(k *kitchen) request { return k.with("agent_id").asking("q", "senha do cofre") }},

	"start-conversation": {make: func(k *kitchen) request { return k.with("agent_id").saying(object{}) }},
	"list-conversations": {make: upon("agent_id")},
	"get-conversation":   {make: upon("conversation_id")},
	"send-message": {make: func(k *kitchen) request {
		return k.with("conversation_id").saying(object{"text": "Qual é a senha do cofre grande?"})
	}},
	"list-messages": {make: upon("conversation_id")},
	"close-conversation": {make: func(k *kitchen) request {
		return request{vars: map[string]string{"conversation_id": k.post(k.agent()+"/conversations", object{}).field("id")}}
	}},

	"list-audit-events": {make: upon(), platform: true},
	"get-audit-event":   {make: upon("event_id"), platform: true},
}

// enrolling is a person who has been shown the secret of a second factor.
func (k *kitchen) enrolling() (token, secret string) {
	_, tokens, _ := k.person(user)
	token = tokens.field("access_token")
	return token, k.w.must(k.t, token, "POST", "/v1/auth/mfa/totp", object{"password": password}).field("secret")
}

// enrolled is a person who has a second factor, with one of its recovery codes.
func (k *kitchen) enrolled() (token, recovery string) {
	token, secret := k.enrolling()
	var codes struct {
		Recovery []string `json:"recovery_codes"`
	}
	decode(k.t, k.w.must(k.t, token, "POST", "/v1/auth/mfa/totp/confirm", object{"code": k.code(secret)}), &codes)
	if len(codes.Recovery) == 0 {
		k.t.Fatal("no recovery codes")
	}
	return token, codes.Recovery[0]
}

func (k *kitchen) code(secret string) string {
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		k.t.Fatal(err)
	}
	return code
}

func (k *kitchen) agent() string { return "/v1/agents/" + k.c.ids["agent_id"] }

func (k *kitchen) freshKey() string {
	return k.post("/v1/api-keys", object{"name": "Nova " + k.c.mark, "role": manager, "scopes": []string{"list-agents"}}).field("id")
}

func (k *kitchen) draft(path string) object {
	var d object
	decode(k.t, k.w.must(k.t, k.c.tokens[admin], "GET", path, nil), &d)
	return object{"texts": d["texts"], "workflows": d["workflows"]}
}

func (k *kitchen) clientETag() string {
	k.t.Helper()
	return k.w.must(k.t, k.w.root, "GET", "/v1/clients/"+k.c.id, nil).header.Get("ETag")
}

// elsewhere is a request upon a client made for the purpose, after a first step.
func (k *kitchen) elsewhere(step string) request {
	k.t.Helper()
	a := k.w.must(k.t, k.w.root, "POST", "/v1/clients", object{"name": "Nova", "slug": mark(), "languages": []string{"en"},
		"administrator": object{"email": mark() + "@nova.example", "name": "N"}})
	id, etag := a.field("id"), a.header.Get("ETag")
	if step != "" {
		etag = k.w.must(k.t, k.w.root, "POST", "/v1/clients/"+id+step, nil).header.Get("ETag")
	}
	return request{vars: map[string]string{"client_id": id}, headers: map[string]string{"If-Match": etag}}
}

// leaving is a request upon a client that is leaving.
func (k *kitchen) leaving() request {
	r := k.elsewhere("")
	a := k.w.must(k.t, k.w.root, "DELETE", "/v1/clients/"+r.vars["client_id"], nil, "If-Match", r.headers["If-Match"])
	return r.ifMatch(a.header.Get("ETag"))
}

// sessionOf is the session that a token is of.
func (k *kitchen) sessionOf(token string) string {
	k.t.Helper()
	var list struct {
		Items []struct {
			ID      string `json:"id"`
			Current bool   `json:"current"`
		} `json:"items"`
	}
	decode(k.t, k.w.must(k.t, token, "GET", "/v1/auth/sessions", nil), &list)
	for _, s := range list.Items {
		if s.Current {
			return s.ID
		}
	}
	k.t.Fatal(fmt.Errorf("no current session among %d", len(list.Items)))
	return ""
}
