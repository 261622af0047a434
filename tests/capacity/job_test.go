package capacity

import (
	"testing"
	"time"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/faq"
)

var nobody tenant.Principal

// mainJob goes through every operation of the platform, in the order of the main job.
func mainJob(t *testing.T, p *platform) []measurement {
	t.Helper()
	j := &job{t: t, p: p}
	if _, _, err := p.app.Identity.EnsureGlobalAdmin(t.Context(), adminEmail, adminPassword); err != nil {
		t.Fatal(err)
	}
	j.monitoring()
	root := j.administrator()
	ana := j.clients(root)
	rui := j.users(root, ana)
	profile := j.profiles(ana)
	agent := j.agents(ana, profile)
	j.keys(ana)
	j.conversations(ana, agent)
	j.rollback(ana, agent)
	j.removals(ana, agent)
	j.assumed(root, ana)
	there := j.second(root, ana)
	j.sessions(ana, rui)
	j.factor(rui)
	j.passwords(ana, rui)
	j.offboarding(root, there)
	return j.all
}

func (j *job) monitoring() {
	j.do("get-health", nodata, 200, nobody, "GET", "/healthz", nil)
	j.do("get-readiness", byID, 200, nobody, "GET", "/readyz", nil)
	j.do("get-openapi", nodata, 200, nobody, "GET", "/openapi.json", nil)
	j.raw("get-docs", nodata, "/docs")
	j.do("get-jwks", nodata, 200, nobody, "GET", "/.well-known/jwks.json", nil)
	j.do("get-certificate-keys", nodata, 200, nobody, "GET", "/.well-known/certificate-keys.json", nil)
}

// administrator signs the global administrator in.
func (j *job) administrator() tenant.Principal {
	signedIn := j.do("sign-in, a global administrator", change, 200, nobody, "POST", "/v1/auth/sign-in", object{"email": adminEmail, "password": adminPassword})
	return j.enter("authorizer, a global administrator's token", byID, text(signedIn, "access_token"))
}

// clients makes a client with an administrator, Ana, and returns her.
func (j *job) clients(root tenant.Principal) tenant.Principal {
	made := j.do("create-client", change, 201, root, "POST", "/v1/clients", object{"name": "Loja Azul", "slug": "loja-azul",
		"languages": []string{"pt-BR", "en"}, "administrator": object{"email": anaEmail, "name": "Ana"}})
	invitation := j.p.mails.token(j.t, anaEmail)
	path := "/v1/clients/" + text(made, "id")
	seen := j.do("get-client", byID, 200, root, "GET", path, nil)
	seen = j.do("update-client", change, 200, root, "PATCH", path, object{"name": "Loja Azul Ltda"}, "If-Match", text(seen, "etag"))
	seen = j.do("suspend-client", change, 200, root, "POST", path+"/suspend", object{"reason": "unpaid"}, "If-Match", text(seen, "etag"))
	j.do("resume-client", change, 200, root, "POST", path+"/resume", nil, "If-Match", text(seen, "etag"))
	accepted := j.do("accept-invitation", change, 200, nobody, "POST", "/v1/auth/invitations/accept",
		object{"token": invitation, "name": "Ana", "password": password})
	ana := j.tokens(text(accepted, "access_token"))
	j.do("refresh", change, 200, nobody, "POST", "/v1/auth/refresh", object{"refresh_token": text(accepted, "refresh_token")})
	j.do("get-me", twice, 200, ana, "GET", "/v1/auth/me", nil)
	seen = j.do("get-own-client", byID, 200, ana, "GET", "/v1/client", nil)
	j.do("update-own-client", change, 200, ana, "PATCH", "/v1/client", object{"name": "Loja Azul"}, "If-Match", text(seen, "etag"))
	settings := j.do("get-settings", byID, 200, ana, "GET", "/v1/client/settings", nil)
	etag := text(settings, "etag")
	delete(settings, "etag")
	j.do("put-settings", change, 200, ana, "PUT", "/v1/client/settings", object{"languages": settings["languages"],
		"default_language": settings["default_language"], "channels": settings["channels"], "time_zone": "Europe/Lisbon"}, "If-Match", etag)
	j.do("list-clients", spread, 200, root, "GET", "/v1/clients", nil)
	return ana
}

// tokens measures what a token costs from its first call on.
func (j *job) tokens(token string) tenant.Principal {
	who := j.enter("authorizer, the token of a client's person", byID, token)
	j.enter("authorizer, the same token at once", nodata, token)
	j.p.wait(authorizer.LivenessLifetime)
	j.enter("authorizer, the same token after 15 seconds", byID, token)
	return who
}

func (j *job) profiles(ana tenant.Principal) string {
	j.do("list-templates", nodata, 200, ana, "GET", "/v1/templates", nil)
	j.do("get-template", nodata, 200, ana, "GET", "/v1/templates/retail", nil)
	profile := text(j.do("create-profile", change, 201, ana, "POST", "/v1/profiles", object{"name": "Loja Azul", "industry": "retail",
		"size": object{"employees": 120}, "metrics": []object{{"key": "first_response", "name": "Primeira resposta", "unit": "minutes",
			"direction": "down", "baseline": 30, "target": 5, "current": 30}}}), "id")
	again := object{"name": "Loja Rosa", "industry": "retail", "size": object{"employees": 3}}
	j.do("create-profile, with an Idempotency-Key", change, 201, ana, "POST", "/v1/profiles", again, "Idempotency-Key", "capacity-1")
	j.do("create-profile, the same again", byID, 201, ana, "POST", "/v1/profiles", again, "Idempotency-Key", "capacity-1")
	seen := j.do("get-profile", byID, 200, ana, "GET", "/v1/profiles/"+profile, nil)
	j.do("update-profile", change, 200, ana, "PATCH", "/v1/profiles/"+profile, object{"name": "Loja"}, "If-Match", text(seen, "etag"))
	j.do("list-profiles", listed, 200, ana, "GET", "/v1/profiles", nil)
	return profile
}

func (j *job) agents(ana tenant.Principal, profile string) string {
	agent := text(j.do("generate-agent", change, 201, ana, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}), "id")
	path := "/v1/agents/" + agent
	seen := j.do("get-agent", byID, 200, ana, "GET", path, nil)
	j.do("update-agent", change, 200, ana, "PATCH", path, object{"name": "Sofia Azul"}, "If-Match", text(seen, "etag"))
	j.p.wait(time.Minute)
	j.first("get-agent, and its client's plan after 15 seconds", twice, 200, ana, "GET", path, nil)
	j.do("list-agents", listed, 200, ana, "GET", "/v1/agents", nil)
	j.do("list-configurations", listed, 200, ana, "GET", path+"/configurations", nil)
	j.do("get-configuration", byID, 200, ana, "GET", path+"/configurations/1", nil)
	draft := j.do("get-configuration, the draft", twice, 200, ana, "GET", path+"/configurations/draft", nil)
	j.do("put-draft", change, 200, ana, "PUT", path+"/configurations/draft", object{"texts": draft["texts"], "workflows": draft["workflows"]},
		"If-Match", text(draft, "etag"))
	document := text(j.do("add-document, 31 questions", change, 201, ana, "POST", path+"/documents", object{"name": "faq-pt.md",
		"content_type": "text/markdown", "content": faq.Document(j.t, faq.Portuguese)}), "id")
	j.do("list-documents", listed, 200, ana, "GET", path+"/documents", nil)
	j.do("get-document", byID, 200, ana, "GET", path+"/documents/"+document, nil)
	j.do("publish-agent", change, 200, ana, "POST", path+"/publish", nil)
	return agent
}

func (j *job) conversations(ana tenant.Principal, agent string) {
	talk := text(j.do("start-conversation", change, 201, ana, "POST", "/v1/agents/"+agent+"/conversations", object{}), "id")
	path := "/v1/conversations/" + talk
	j.do("get-conversation", byID, 200, ana, "GET", path, nil)
	j.do("send-message, nothing in the caches", cold, 201, ana, "POST", path+"/messages", object{"text": "Vocês abrem no domingo?"})
	j.do("send-message", turn, 201, ana, "POST", path+"/messages", object{"text": "Qual é o prazo de troca?"})
	j.do("list-messages", ofOne, 200, ana, "GET", path+"/messages", nil)
	j.do("list-conversations", listed, 200, ana, "GET", "/v1/agents/"+agent+"/conversations", nil)
	j.do("get-usage", twice, 200, ana, "GET", "/v1/usage", nil)
	j.do("search-passages", byID, 200, ana, "GET", "/v1/agents/"+agent+"/search?q=domingo", nil)
	j.do("close-conversation", change, 200, ana, "POST", path+"/close", nil)
	trail := j.do("list-audit-events", listed, 200, ana, "GET", "/v1/audit-events", nil)
	items, _ := trail["items"].([]any)
	if len(items) == 0 {
		j.t.Fatal("an empty trail")
	}
	event, _ := items[0].(object)
	j.do("get-audit-event", byID, 200, ana, "GET", "/v1/audit-events/"+text(event, "id"), nil)
}

// rollback publishes another version and takes it back.
func (j *job) rollback(ana tenant.Principal, agent string) {
	path := "/v1/agents/" + agent
	draft := j.p.must(j.t, 200, ana, "GET", path+"/configurations/1", nil)
	seen := j.p.must(j.t, 200, ana, "GET", path, nil)
	j.p.must(j.t, 200, ana, "PUT", path+"/configurations/draft", object{"texts": draft["texts"], "workflows": draft["workflows"]},
		"If-Match", text(seen, "etag"))
	j.p.must(j.t, 200, ana, "POST", path+"/publish", nil)
	j.do("rollback-agent", change, 200, ana, "POST", path+"/rollback", object{"version": 1})
}

// removals deletes what can be deleted: a document, and an agent and a profile that nothing hangs on.
func (j *job) removals(ana tenant.Principal, agent string) {
	documents := j.p.must(j.t, 200, ana, "GET", "/v1/agents/"+agent+"/documents", nil)
	items, _ := documents["items"].([]any)
	document, _ := items[0].(object)
	j.remove("delete-document", change, ana, "/v1/agents/"+agent+"/documents/"+text(document, "id"))
	profile := text(j.p.must(j.t, 201, ana, "POST", "/v1/profiles", object{"name": "Outra", "industry": "retail",
		"size": object{"employees": 1}}), "id")
	other := text(j.p.must(j.t, 201, ana, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Rita"}), "id")
	j.remove("delete-agent", change, ana, "/v1/agents/"+other)
	j.remove("delete-profile", change, ana, "/v1/profiles/"+profile)
	signedIn := j.do("sign-in", change, 200, nobody, "POST", "/v1/auth/sign-in", object{"email": anaEmail, "password": password})
	j.do("sign-out", change, 204, j.enter("", byID, text(signedIn, "access_token")), "POST", "/v1/auth/sign-out", nil)
}

func (j *job) remove(operation string, k kind, who tenant.Principal, path string) {
	j.t.Helper()
	seen := j.p.must(j.t, 200, who, "GET", path, nil)
	j.do(operation, k, 204, who, "DELETE", path, nil, "If-Match", text(seen, "etag"))
}
