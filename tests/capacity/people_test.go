package capacity

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	anaEmail = "ana@loja.example"
	ruiEmail = "rui@loja.example"
	eveEmail = "eve@loja.example"
	changed  = "outro-segredo-bem-comprido-43"
)

// populate makes n clients, each with an administrator who was invited.
func (p *platform) populate(t *testing.T, n int) {
	t.Helper()
	root := tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_root"}
	for i := range n {
		p.pass()
		slug := "cliente-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		p.must(t, 201, root, "POST", "/v1/clients", object{"name": slug, "slug": slug, "languages": []string{"pt-BR"},
			"administrator": object{"email": "ana@" + slug + ".example", "name": "Ana"}})
	}
}

// users goes through what an administrator does with users, and returns one who has accepted: Rui.
func (j *job) users(root, ana tenant.Principal) tenant.Principal {
	j.do("create-user", change, 201, ana, "POST", "/v1/users", object{"email": ruiEmail, "name": "Rui", "role": "agent_manager"})
	rui := j.accept(ruiEmail)
	path := "/v1/users/" + rui.User
	j.do("list-users", listed, 200, ana, "GET", "/v1/users", nil)
	j.do("list-users, those whose name or address begins so", found, 200, ana, "GET", "/v1/users?q=ru", nil)
	seen := j.do("get-user", byID, 200, ana, "GET", path, nil)
	j.do("update-user", change, 200, ana, "PATCH", path, object{"name": "Rui Costa"}, "If-Match", text(seen, "etag"))
	j.do("list-user-sessions", ofOne, 200, ana, "GET", path+"/sessions", nil)

	eve := "/v1/users/" + text(j.p.must(j.t, 201, ana, "POST", "/v1/users", object{"email": eveEmail, "name": "Eve", "role": "standard_user"}), "id")
	j.do("resend-invitation", change, 201, ana, "POST", eve+"/invitation", nil)
	seen = j.p.must(j.t, 200, ana, "GET", eve, nil)
	j.do("revoke-invitation", change, 204, ana, "DELETE", eve+"/invitation", nil, "If-Match", text(seen, "etag"))

	j.do("invite-administrator", change, 201, root, "POST", "/v1/clients/"+string(ana.Client)+"/administrators", object{"email": eveEmail, "name": "Eve"})
	out := j.accept(eveEmail)
	eve = "/v1/users/" + out.User
	seen = j.p.must(j.t, 200, ana, "GET", eve, nil)
	seen = j.do("update-user, one with a session is disabled", ending(1), 200, ana, "PATCH", eve, object{"status": "disabled"}, "If-Match", text(seen, "etag"))
	j.p.must(j.t, 200, ana, "PATCH", eve, object{"status": "active"}, "If-Match", text(seen, "etag"))
	j.signIn(eveEmail, password, ana.Client)
	seen = j.p.must(j.t, 200, ana, "GET", eve, nil)
	j.do("remove-user, one with a session", ending(1), 204, ana, "DELETE", eve, nil, "If-Match", text(seen, "etag"))
	return rui
}

// accept takes the invitation in the last mail.
func (j *job) accept(email string) tenant.Principal {
	j.t.Helper()
	in := j.p.must(j.t, 200, nobody, "POST", "/v1/auth/invitations/accept", object{"token": j.p.mails.token(j.t, email), "password": password})
	return j.enter("", byID, text(in, "access_token"))
}

func (j *job) signIn(email, password string, client tenant.ID) tenant.Principal {
	j.t.Helper()
	in := j.p.must(j.t, 200, nobody, "POST", "/v1/auth/sign-in", object{"email": email, "password": password, "client": client})
	return j.enter("", byID, text(in, "access_token"))
}

// keys makes an API key, uses it, and ends it.
func (j *job) keys(ana tenant.Principal) {
	made := j.do("create-api-key", change, 201, ana, "POST", "/v1/api-keys", object{"name": "Site", "role": "standard_user", "scopes": []string{"get-agent"}})
	path, key := "/v1/api-keys/"+text(made, "id"), text(made, "key")
	machine := j.enter("authorizer, an API key's first use", placed, key)
	j.enter("authorizer, the same key at once", nodata, key)
	j.p.wait(authorizer.LivenessLifetime)
	j.enter("authorizer, the same key after 15 seconds", byID, key)
	j.p.wait(identity.KeyNoteEvery)
	j.enter("authorizer, the same key after an hour", noted, key)
	j.do("list-api-keys", listed, 200, ana, "GET", "/v1/api-keys", nil)
	j.do("get-api-key", byID, 200, ana, "GET", path, nil)
	j.do("explain-access, of an API key", byID, 200, ana, "POST", "/v1/access/explain", object{"user_id": machine.User, "operation": "get-agent"})
	seen := j.do("rotate-api-key", change, 200, ana, "POST", path+"/rotate", object{})
	j.do("revoke-api-key", change, 204, ana, "DELETE", path, nil, "If-Match", text(seen, "etag"))
}

// assumed lets the global administrator into Ana's client.
func (j *job) assumed(root, ana tenant.Principal) {
	in := j.do("assume-client", told, 200, root, "POST", "/v1/auth/assume", object{"client_id": ana.Client, "reason": "Ticket 4711: the agent is silent"})
	token := text(in, "access_token")
	inside := j.enter("authorizer, the token of an assumed session", twice, token)
	j.enter("authorizer, the same token of an assumed session at once", nodata, token)
	j.p.wait(authorizer.LivenessLifetime)
	j.enter("authorizer, the same token of an assumed session after 15 seconds", twice, token)
	j.do("get-me, in an assumed session", twice, 200, inside, "GET", "/v1/auth/me", nil)
	j.do("explain-access, of a user upon a thing", twice, 200, ana, "POST", "/v1/access/explain", object{"user_id": ana.User,
		"operation": "get-profile", "resource": object{"type": "profile", "id": j.profile(ana)}})
	j.do("explain-access, of a role", nodata, 200, ana, "POST", "/v1/access/explain", object{"role": "standard_user", "operation": "get-agent"})
}

// profile returns one of the client's profiles.
func (j *job) profile(ana tenant.Principal) string {
	items, _ := j.p.must(j.t, 200, ana, "GET", "/v1/profiles", nil)["items"].([]any)
	if len(items) == 0 {
		j.t.Fatal("no profiles")
	}
	profile, _ := items[0].(object)
	return text(profile, "id")
}

// second makes another client, of which Ana is an administrator too, and returns her there.
func (j *job) second(root, ana tenant.Principal) tenant.Principal {
	made := j.p.must(j.t, 201, root, "POST", "/v1/clients", object{"name": "Padaria", "slug": "padaria", "languages": []string{"pt-BR"},
		"administrator": object{"email": anaEmail, "name": "Ana"}})
	j.do("accept-invitation, of somebody who has a login", change, 200, nobody, "POST", "/v1/auth/invitations/accept",
		object{"token": j.p.mails.token(j.t, anaEmail), "password": password})
	from := j.signIn(anaEmail, password, ana.Client)
	in := j.do("switch-client", change, 200, from, "POST", "/v1/auth/switch", object{"client": text(made, "id")})
	return j.enter("", byID, text(in, "access_token"))
}

// sessions ends sessions of Rui's in each way.
func (j *job) sessions(ana, rui tenant.Principal) {
	path := "/v1/users/" + rui.User + "/sessions"
	rui = j.signIn(ruiEmail, password, rui.Client)
	j.do("list-own-sessions", listed, 200, rui, "GET", "/v1/auth/sessions", nil)
	j.do("end-own-session", change, 204, rui, "DELETE", "/v1/auth/sessions/"+j.signIn(ruiEmail, password, rui.Client).Session, nil)
	j.do("end-user-session", change, 204, ana, "DELETE", path+"/"+rui.Session, nil)
	for range 2 {
		j.signIn(ruiEmail, password, rui.Client)
	}
	j.do("end-user-sessions, three of them", change, 204, ana, "DELETE", path, nil)
}

// factor gives Rui a second factor, uses it and takes it away.
func (j *job) factor(rui tenant.Principal) {
	rui = j.signIn(ruiEmail, password, rui.Client)
	j.do("get-mfa", thrice, 200, rui, "GET", "/v1/auth/mfa", nil)
	secret := text(j.do("enrol-totp", change, 200, rui, "POST", "/v1/auth/mfa/totp", object{"password": password}), "secret")
	code := func() string { // of a step that comes after every step whose code was used
		j.p.wait(time.Minute)
		code, err := totp.GenerateCode(secret, j.p.now)
		if err != nil {
			j.t.Fatal(err)
		}
		return code
	}
	j.do("confirm-totp", change, 200, rui, "POST", "/v1/auth/mfa/totp/confirm", object{"code": code()})
	j.do("sign-in, with a code", change, 200, nobody, "POST", "/v1/auth/sign-in", object{"email": ruiEmail, "password": password, "code": code()})
	j.do("renew-recovery-codes", change, 200, rui, "POST", "/v1/auth/mfa/recovery-codes", object{"password": password, "code": code()})
	j.do("remove-totp", change, 204, rui, "POST", "/v1/auth/mfa/totp/remove", object{"password": password, "code": code()})
}

// passwords changes Rui's and Ana's passwords. Ana has sessions in two clients.
func (j *job) passwords(ana, rui tenant.Principal) {
	j.p.must(j.t, 204, ana, "DELETE", "/v1/users/"+rui.User+"/sessions", nil)
	rui = j.signIn(ruiEmail, password, rui.Client)
	j.do("change-password, no other session", change, 204, rui, "POST", "/v1/auth/password/change", object{"current": password, "new": changed})
	ana = j.signIn(anaEmail, password, ana.Client)
	j.do("change-password, other sessions in two clients", ending(2), 204, ana, "POST", "/v1/auth/password/change", object{"current": password, "new": changed})
	j.do("forgot-password", change, 202, nobody, "POST", "/v1/auth/password/forgot", object{"email": ruiEmail})
	token := j.p.mails.token(j.t, ruiEmail)
	j.do("forgot-password, nobody's address", change, 202, nobody, "POST", "/v1/auth/password/forgot", object{"email": "zoe@loja.example"})
	j.do("reset-password, sessions in one client", ending(1), 204, nobody, "POST", "/v1/auth/password/reset", object{"token": token, "password": password})
}

// offboarding ends the second client: it is taken back once, and then erased.
func (j *job) offboarding(root, there tenant.Principal) {
	path := "/v1/clients/" + string(there.Client)
	seen := j.p.must(j.t, 200, root, "GET", path, nil)
	seen = j.do("offboard-client", change, 202, root, "DELETE", path, nil, "If-Match", text(seen, "etag"))
	seen = j.do("restore-client", change, 200, root, "POST", path+"/restore", nil, "If-Match", text(seen, "etag"))
	j.p.must(j.t, 202, root, "DELETE", path+"?grace_days=0", nil, "If-Match", text(seen, "etag"))
	eraser := j.p.app.Eraser(app.Erasure{Rows: j.p.table, Settle: time.Second})
	for range 2 { // what was under way has the settling time to arrive
		j.p.wait(time.Minute)
		if err := eraser.Run(j.t.Context()); err != nil {
			j.t.Fatal(err)
		}
	}
	j.do("get-erasure-certificate", byID, 200, root, "GET", path+"/certificate", nil)
}
