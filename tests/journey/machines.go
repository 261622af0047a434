package journey

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Machines is what API keys may and may not do, and what a global administrator may inside a client.
func Machines(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja Azul", unique("machines"))
	profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 2}}).Text("id")
	agent := c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	c.admin.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
	t.Run("scopes", func(t *testing.T) { scopes(t, c, agent) })
	t.Run("keys that are not made", func(t *testing.T) { keysNotMade(t, d, c) })
	t.Run("another client's keys", func(t *testing.T) { othersKeys(t, d, c) })
	t.Run("guesses", func(t *testing.T) { guesses(t, d, c) })
	t.Run("rotation", func(t *testing.T) { rotation(t, d, c) })
	var revoked, left *Caller
	t.Run("revocation", func(t *testing.T) { revoked = revocation(t, d, c) })
	t.Run("assume", func(t *testing.T) { left = assume(t, d, c) })
	t.Run("who may not assume", func(t *testing.T) { notAssumed(t, d, c) })
	t.Run("out within a minute", func(t *testing.T) { outWithinAMinute(t, revoked, left) })
}

// key makes an API key and returns its answer.
func (c company) key(t *testing.T, role string, scopes ...string) Answer {
	c.admin.t = t
	return c.admin.Must(201, "POST", "/v1/api-keys", object{"name": "Site", "role": role, "scopes": scopes})
}

func scopes(t *testing.T, c company, agent string) {
	made := c.key(t, "agent_manager", "list-agents", "get-agent", "start-conversation", "send-message", "list-messages")
	if key := made.Text("key"); !strings.HasPrefix(key, "nowgo_"+made.Text("prefix")+"_") {
		t.Errorf("the key is no credential of its prefix %q", made.Text("prefix"))
	}
	machine := c.d.As(t, made.Text("key"))
	if raw := string(machine.Must(200, "GET", "/v1/agents", nil).Raw); !strings.Contains(raw, agent) {
		t.Errorf("it lists %s", raw)
	}
	for path, body := range map[string]object{"/v1/profiles": {"name": "X", "industry": "retail", "size": object{"employees": 2}},
		"/v1/agents":   {"profile_id": "pro_x", "template": "retail", "name": "X"},
		"/v1/api-keys": {"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}},
		"/v1/users":    {"email": "x@x.example", "name": "X", "role": "client_admin"}, "/v1/auth/sign-out": {},
		"/v1/auth/assume": {"client_id": c.id, "reason": "a reason that is long enough"},
		"/v1/clients":     {"name": "X", "slug": "x-y-z", "languages": []string{"en"}, "administrator": object{"email": "x@x.example", "name": "X"}}} {
		machine.Refused(403, "forbidden", "POST", path, body)
	}
	for _, path := range []string{"/v1/profiles", "/v1/users", "/v1/api-keys", "/v1/auth/me", "/v1/audit-events", "/v1/client/settings",
		"/v1/agents/" + agent + "/configurations", "/v1/agents/" + agent + "/search?q=x"} {
		machine.Refused(403, "forbidden", "GET", path, nil)
	}
	talk := machine.Must(201, "POST", "/v1/agents/"+agent+"/conversations", object{}).Text("id")
	machine.Must(201, "POST", "/v1/conversations/"+talk+"/messages", object{"text": "Bom dia"})
	other := c.d.As(t, c.key(t, "standard_user", "get-conversation", "list-messages", "send-message", "list-agents").Text("key"))
	other.Must(200, "GET", "/v1/agents", nil)
	other.Refused(404, "conversation_not_found", "GET", "/v1/conversations/"+talk, nil)
	other.Refused(404, "conversation_not_found", "GET", "/v1/conversations/"+talk+"/messages", nil)
	other.Refused(404, "conversation_not_found", "POST", "/v1/conversations/"+talk+"/messages", object{"text": "Olá"})

	shown := c.admin.Must(200, "GET", "/v1/api-keys/"+made.Text("id"), nil)
	shown.Text("last_used_at")
	list := string(c.admin.Must(200, "GET", "/v1/api-keys?limit=100", nil).Raw)
	if secret := strings.TrimPrefix(made.Text("key"), "nowgo_"+made.Text("prefix")); strings.Contains(list, secret) ||
		strings.Contains(string(shown.Raw), secret) || !strings.Contains(list, made.Text("prefix")) {
		t.Error("the secret is shown again, or the prefix is not")
	}
	events := string(c.admin.Must(200, "GET", "/v1/audit-events?limit=100", nil).Raw)
	for _, want := range []string{"api_key.created", "api_key.used", `"type":"key","id":"` + made.Text("id") + `"`} {
		if !strings.Contains(events, want) {
			t.Errorf("no %s in the trail", want)
		}
	}
}

func keysNotMade(t *testing.T, d Deployment, c company) {
	c.admin.t = t
	for name, body := range map[string]object{
		"a scope that makes keys":  {"name": "X", "role": "client_admin", "scopes": []string{"create-api-key"}},
		"a scope that makes users": {"name": "X", "role": "client_admin", "scopes": []string{"get-agent", "create-user"}},
		"a scope of the platform":  {"name": "X", "role": "client_admin", "scopes": []string{"list-clients"}},
		"a scope beyond the role":  {"name": "X", "role": "standard_user", "scopes": []string{"generate-agent"}},
		"a scope that is none":     {"name": "X", "role": "client_admin", "scopes": []string{"drop-tables"}},
		"no scope":                 {"name": "X", "role": "client_admin", "scopes": []string{}},
		"a global administrator":   {"name": "X", "role": "global_admin", "scopes": []string{"get-agent"}},
		"a life of two years":      {"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}, "expires_at": time.Now().AddDate(2, 0, 0).UTC()},
		"an end in the past":       {"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}, "expires_at": time.Now().Add(-time.Hour).UTC()},
		"another client":           {"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}, "client_id": "cli_other"},
	} {
		if a := c.admin.Do("POST", "/v1/api-keys", body); a.Status != 422 {
			t.Errorf("%s: %d: %.300s", name, a.Status, a.Raw)
		}
	}
	invited := c.admin.Must(201, "POST", "/v1/users", object{"email": "m@" + unique("m") + ".example", "name": "M", "role": "agent_manager"})
	manager := accept(t, d, invited.Text("invitation", "token"), "M")
	manager.Refused(403, "forbidden", "POST", "/v1/api-keys", object{"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}})
	manager.Refused(403, "forbidden", "GET", "/v1/api-keys", nil)
	body := object{"name": "Once", "role": "standard_user", "scopes": []string{"get-agent"}}
	once := c.admin.Must(201, "POST", "/v1/api-keys", body, "Idempotency-Key", "one-key")
	if again := c.admin.Must(201, "POST", "/v1/api-keys", body, "Idempotency-Key", "one-key"); again.Text("key") != once.Text("key") {
		t.Error("two keys of one request")
	}
}

func othersKeys(t *testing.T, d Deployment, c company) {
	made := c.key(t, "agent_manager", "list-agents")
	path := "/v1/api-keys/" + made.Text("id")
	other := onboard(t, d, "Outra", unique("machines-other"))
	other.admin.t = t
	other.admin.Refused(404, "api_key_not_found", "GET", path, nil)
	other.admin.Refused(404, "api_key_not_found", "POST", path+"/rotate", object{})
	other.admin.Refused(404, "api_key_not_found", "DELETE", path, nil, "If-Match", made.Header.Get("ETag"))
	if raw := string(other.admin.Must(200, "GET", "/v1/api-keys", nil).Raw); strings.Contains(raw, made.Text("id")) {
		t.Errorf("listed: %s", raw)
	}
	mine := d.As(t, made.Text("key"))
	theirs := other.admin.Must(201, "POST", "/v1/profiles", object{"name": "L", "industry": "retail", "size": object{"employees": 2}}).Text("id")
	agent := other.admin.Must(201, "POST", "/v1/agents", object{"profile_id": theirs, "template": "retail", "name": "S"}).Text("id")
	if raw := string(mine.Must(200, "GET", "/v1/agents?limit=100", nil).Raw); strings.Contains(raw, agent) {
		t.Errorf("another client's agent: %s", raw)
	}
}

// guess is a credential of the prefix as far as anybody can tell without its secret.
func guess(prefix string) string {
	body := "nowgo_" + prefix + "_" + strings.Repeat("A", 43)
	return body + fmt.Sprintf("%07s", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 36))
}

func guesses(t *testing.T, d Deployment, c company) {
	made := c.key(t, "agent_manager", "list-agents")
	key := made.Text("key")
	for name, credential := range map[string]string{
		"the right prefix and another secret": guess(made.Text("prefix")),
		"a prefix that nobody has":            guess("aaaaaaaaaaaa"),
		"without its end":                     key[:len(key)-1],
		"a typing error":                      key[:30] + "!" + key[31:],
		"the prefix alone":                    "nowgo_" + made.Text("prefix"),
		"twice":                               key + "," + key,
		"huge":                                key + strings.Repeat("x", 6000),
		"its id":                              made.Text("id"),
	} {
		if a := d.As(t, credential).Do("GET", "/v1/agents", nil); a.Status != 401 || strings.Contains(string(a.Raw), made.Text("prefix")) {
			t.Errorf("%s: %d: %.200s", name, a.Status, a.Raw)
		}
	}
	d.As(t, key).Must(200, "GET", "/v1/agents", nil)
	c.admin.t = t
	events := string(c.admin.Must(200, "GET", "/v1/audit-events?limit=50", nil).Raw)
	if !strings.Contains(events, `"target":{"type":"credential","id":"`+made.Text("id")+`"}`) {
		t.Errorf("the guess is not in the trail: %s", events)
	}
}

func rotation(t *testing.T, d Deployment, c company) {
	made := c.key(t, "agent_manager", "list-agents")
	path := "/v1/api-keys/" + made.Text("id")
	c.admin.Refused(412, "version_mismatch", "POST", path+"/rotate", object{}, "If-Match", `"v7"`)
	next := c.admin.Must(200, "POST", path+"/rotate", object{"overlap_minutes": 5}, "If-Match", made.Header.Get("ETag"))
	if next.Text("key") == made.Text("key") || next.Text("prefix") != made.Text("prefix") || next.Header.Get("ETag") == made.Header.Get("ETag") {
		t.Errorf("rotated into %s", next.Raw)
	}
	d.As(t, made.Text("key")).Must(200, "GET", "/v1/agents", nil)
	d.As(t, next.Text("key")).Must(200, "GET", "/v1/agents", nil)
	unused := c.key(t, "agent_manager", "list-agents")
	c.admin.Must(200, "POST", "/v1/api-keys/"+unused.Text("id")+"/rotate", object{"overlap_minutes": 0})
	if a := d.As(t, unused.Text("key")).Do("GET", "/v1/agents", nil); a.Status != 401 {
		t.Errorf("without overlap the old secret: %d", a.Status)
	}
}

// revocation returns the caller of a key that was revoked just after it was used.
func revocation(t *testing.T, d Deployment, c company) *Caller {
	unused := c.key(t, "agent_manager", "list-agents")
	path := "/v1/api-keys/" + unused.Text("id")
	c.admin.Refused(428, "if_match_required", "DELETE", path, nil)
	c.admin.Refused(412, "version_mismatch", "DELETE", path, nil, "If-Match", `"v7"`)
	c.admin.Must(204, "DELETE", path, nil, "If-Match", unused.Header.Get("ETag"))
	c.admin.Refused(404, "api_key_not_found", "GET", path, nil)
	if a := d.As(t, unused.Text("key")).Do("GET", "/v1/agents", nil); a.Status != 401 {
		t.Errorf("revoked: %d", a.Status)
	}
	used := c.key(t, "agent_manager", "list-agents")
	machine := d.As(t, used.Text("key"))
	machine.Must(200, "GET", "/v1/agents", nil)
	c.admin.Must(204, "DELETE", "/v1/api-keys/"+used.Text("id"), nil, "If-Match", used.Header.Get("ETag"))
	return machine
}

// outWithinAMinute waits until the callers, who were put out just before, are out. INVARIANT 11: that takes no more than a minute.
func outWithinAMinute(t *testing.T, callers ...*Caller) {
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for _, who := range callers {
		if who == nil {
			t.Fatal("nobody was put out")
		}
		who.t = t
		for who.Do("GET", "/v1/agents", nil).Status != 401 {
			if time.Now().After(deadline) {
				t.Fatal("still in after a minute")
			}
			<-tick.C
		}
	}
}

const reason = "Chamado 4711: o agente responde na língua errada"

// assume returns the caller of an assumed session that has signed out.
func assume(t *testing.T, d Deployment, c company) *Caller {
	c.admin.t = t
	root := signIn(t, d, d.AdminEmail, d.AdminPassword)
	rootID := root.Must(200, "GET", "/v1/auth/me", nil).Text("user_id")
	root.Refused(403, "forbidden", "GET", "/v1/agents", nil) // from outside it is not its client
	a := root.Must(200, "POST", "/v1/auth/assume", object{"client_id": c.id, "reason": reason, "minutes": 30})
	inside := d.As(t, a.Text("access_token"))
	me := inside.Must(200, "GET", "/v1/auth/me", nil)
	if me.Text("client_id") != c.id || me.Text("role") != "client_admin" || me.Text("user_id") != rootID {
		t.Errorf("inside: %s", me.Raw)
	}
	profile := inside.Must(201, "POST", "/v1/profiles", object{"name": "Reparo", "industry": "retail", "size": object{"employees": 2}}).Text("id")
	inside.Refused(403, "forbidden", "POST", "/v1/api-keys", object{"name": "X", "role": "standard_user", "scopes": []string{"get-agent"}})
	inside.Refused(403, "forbidden", "POST", "/v1/auth/assume", object{"client_id": c.id, "reason": reason})
	inside.Refused(403, "forbidden", "GET", "/v1/clients", nil)
	own := string(c.admin.Must(200, "GET", "/v1/audit-events?limit=50", nil).Raw)
	for _, want := range []string{"session.assumed", a.Text("session_id"), `"id":"` + rootID + `","assumed":true`, profile} {
		if !strings.Contains(own, want) {
			t.Errorf("the client's trail has no %s", want)
		}
	}
	platform := string(root.Must(200, "GET", "/v1/audit-events?limit=50", nil).Raw)
	if !strings.Contains(platform, a.Text("session_id")) {
		t.Error("the platform's trail does not have it")
	}
	inside.Must(204, "POST", "/v1/auth/sign-out", nil)
	root.Must(200, "GET", "/v1/auth/me", nil) // their own session goes on
	return inside
}

func notAssumed(t *testing.T, d Deployment, c company) {
	body := object{"client_id": c.id, "reason": reason}
	c.admin.t = t
	c.admin.Refused(403, "forbidden", "POST", "/v1/auth/assume", body)
	if a := d.As(t, "").Do("POST", "/v1/auth/assume", body); a.Status != 401 {
		t.Errorf("nobody: %d", a.Status)
	}
	root := signIn(t, d, d.AdminEmail, d.AdminPassword)
	root.Refused(404, "client_not_found", "POST", "/v1/auth/assume", object{"client_id": "cli_none", "reason": reason})
	root.Refused(422, "validation_failed", "POST", "/v1/auth/assume", object{"client_id": c.id, "reason": "porque"})
	root.Refused(422, "validation_failed", "POST", "/v1/auth/assume", object{"client_id": c.id, "reason": reason, "minutes": 61})
	root.Refused(422, "validation_failed", "POST", "/v1/auth/assume", object{"client_id": c.id, "reason": reason, "role": "global_admin"})
	stopped := onboard(t, d, "Loja Parada", unique("assume-suspended"))
	inside := d.As(t, root.Must(200, "POST", "/v1/auth/assume", object{"client_id": stopped.id, "reason": reason}).Text("access_token"))
	key := stopped.key(t, "agent_manager", "list-agents").Text("key")
	root.Must(200, "POST", "/v1/clients/"+stopped.id+"/suspend", nil)
	root.Refused(403, "client_suspended", "POST", "/v1/auth/assume", object{"client_id": stopped.id, "reason": reason})
	for name, token := range map[string]string{"an assumed session": inside.token, "a key": key} {
		if a := d.As(t, token).Do("GET", "/v1/agents", nil); a.Status != 401 && a.Status != 403 {
			t.Errorf("%s of a suspended client, not seen before: %d", name, a.Status)
		}
	}
}
