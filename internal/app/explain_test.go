package app_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/tenant"
)

type explained struct {
	Allowed       bool
	Reason, Grant string
	Policies      []struct{ ID, Effect, Description string }
	ids           []string
}

// explain asks why, as the administrator; the body is JSON without its braces.
func (e estate) explain(as tenant.Principal, body string, headers ...string) (int, explained, string) {
	e.t.Helper()
	status, answer := e.do(as, "POST", "/v1/access/explain", "{"+body+"}", headers...)
	var out explained
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		e.t.Fatalf("%s: %d %s", body, status, answer)
	}
	for _, p := range out.Policies {
		out.ids = append(out.ids, p.ID)
	}
	return status, out, answer
}

func TestExplainNamesThePolicy(t *testing.T) {
	e := newEstate(t)
	upon := func(kind, id string) string { return fmt.Sprintf(`,"resource":{"type":%q,"id":%q}`, kind, id) }
	for _, c := range []struct {
		body, reason, grant string
		allowed             bool
		policies            []string
	}{
		{`"role":"client_admin","operation":"create-user"`, "permitted", "yes", true, []string{"own-client-manage"}},
		{`"role":"standard_user","operation":"create-user"`, "not_permitted", "no", false, nil},
		{`"role":"standard_user","operation":"create-client"`, "not_permitted", "no", false, nil},
		{`"role":"standard_user","operation":"get-agent"` + upon("agent", e.agent[0]), "permitted", "yes", true, []string{"agents-read"}},
		{`"role":"standard_user","operation":"get-conversation"`, "permitted", "own", true, []string{"conversations"}},
		{`"role":"standard_user","operation":"get-conversation"` + upon("conversation", e.talk[0]), "forbidden", "own", false, []string{"own-conversations-only"}},
		{`"role":"agent_manager","operation":"get-conversation"` + upon("conversation", e.talk[0]), "permitted", "yes", true, []string{"conversations"}},
		{`"role":"client_admin","operation":"send-message"` + upon("conversation", e.talk[0]), "forbidden", "own", false, []string{"own-words-only"}},
		{`"role":"client_admin","operation":"sign-in"`, "permitted", "yes", true, []string{"public"}},
		{`"role":"agent_manager","operation":"update-profile"` + upon("profile", e.profile[1]), "permitted", "yes", true, []string{"profiles-manage"}},
	} {
		status, got, answer := e.explain(e.admin, c.body)
		if status != 200 || got.Allowed != c.allowed || got.Reason != c.reason || got.Grant != c.grant || !slices.Equal(got.ids, c.policies) {
			t.Errorf("%s: %d %s", c.body, status, answer)
		}
	}
}

func TestExplainSpeaksTheReadersLanguage(t *testing.T) {
	e := newEstate(t)
	for language, want := range map[string]string{"pt-BR": "Administradores do cliente", "en": "Client administrators"} {
		_, got, answer := e.explain(e.admin, `"role":"client_admin","operation":"create-user"`, "Accept-Language", language)
		if len(got.Policies) != 1 || !strings.HasPrefix(got.Policies[0].Description, want) || got.Policies[0].Effect != "permit" {
			t.Errorf("%s: %s", language, answer)
		}
	}
}

// What is another client's is as unknown as what nobody has, and only administrators may ask.
func TestExplainStaysInItsClient(t *testing.T) {
	e := newEstate(t)
	other := tenant.Principal{Client: "cli_green", User: "usr_other", Role: tenant.ClientAdmin, Session: "ses_9"}
	for _, c := range []struct{ kind, operation, id, made string }{
		{"agent", "get-agent", e.agent[0], "agt_absent"}, {"profile", "get-profile", e.profile[0], "pro_absent"},
		{"conversation", "get-conversation", e.talk[0], "cnv_absent"},
	} {
		body := `"role":"client_admin","operation":"` + c.operation + `","resource":{"type":"` + c.kind + `","id":"%s"}`
		status, _, answer := e.explain(other, fmt.Sprintf(body, c.id))
		absent, _, want := e.explain(other, fmt.Sprintf(body, c.made))
		if status != 404 || absent != 404 || answer != want {
			t.Errorf("%s of another client: %d %s, and one that nobody has %d %s", c.kind, status, answer, absent, want)
		}
	}
	for body, want := range map[string]int{
		`"user_id":"usr_absent","operation":"get-agent"`:                                                                  404,
		`"user_id":"key_absent","operation":"get-agent"`:                                                                  404,
		`"user_id":"usr#x","operation":"get-agent"`:                                                                       404,
		`"operation":"get-agent"`:                                                                                         422,
		`"user_id":"usr_1","role":"client_admin","operation":"get-agent"`:                                                 422,
		`"role":"global_admin","operation":"get-agent"`:                                                                   422,
		`"role":"client_admin","operation":"drop-tables"`:                                                                 422,
		`"role":"client_admin","operation":"get-agent","resource":{"type":"profile","id":"` + e.profile[0] + `"}`:         422,
		`"role":"client_admin","operation":"create-user","resource":{"type":"agent","id":"` + e.agent[0] + `"}`:           422,
		`"role":"client_admin","operation":"get-agent","resource":{"type":"agent","id":"` + e.agent[0] + `","client":""}`: 422,
		`"role":"client_admin","operation":"get-agent","resource":{"type":"agent","id":"conversation#x"}`:                 404,
	} {
		if status, _, answer := e.explain(e.admin, body); status != want {
			t.Errorf("%s: %d, not %d: %s", body, status, want, answer)
		}
	}
	user := tenant.Principal{Client: e.admin.Client, User: "usr_x", Role: tenant.StandardUser}
	for name, p := range map[string]tenant.Principal{"a user": user, "a manager": e.manager(), "the platform": {User: "usr_root", Role: tenant.GlobalAdmin}} {
		if status, _, answer := e.explain(p, `"role":"client_admin","operation":"get-agent"`); status != 403 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

// People and keys are explained as they are: with their role, their limits and their scopes.
func TestExplainKnowsPeopleAndKeys(t *testing.T) {
	e := newEstate(t)
	root := tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_0"}
	var ids [2]tenant.ID
	for i, name := range []string{"one", "two"} {
		ids[i] = tenant.ID(e.made(root, "/v1/clients", fmt.Sprintf(`{"name":%q,"slug":"client-%s","languages":["en"],"administrator":{"email":"a@%s.example","name":"A"}}`, name, name, name)))
	}
	admin := tenant.Principal{Client: ids[0], User: "usr_admin", Role: tenant.ClientAdmin, Session: "ses_0"}
	user := e.made(admin, "/v1/users", `{"email":"b@one.example","name":"B","role":"agent_manager"}`)
	key := e.made(admin, "/v1/api-keys", `{"name":"K","role":"agent_manager","scopes":["list-agents"]}`)
	for _, c := range []struct {
		id, operation, reason, grant string
		policies                     []string
	}{
		{key, "list-agents", "permitted", "yes", []string{"agents-read"}},
		{key, "get-agent", "forbidden", "no", []string{"scopes-only"}},
		{user, "get-agent", "not_active", "no", nil},
		{user, "sign-in", "permitted", "yes", []string{"public"}},
	} {
		body := fmt.Sprintf(`"user_id":%q,"operation":%q`, c.id, c.operation)
		status, got, answer := e.explain(admin, body)
		if status != 200 || got.Allowed != (c.reason == "permitted") || got.Reason != c.reason || got.Grant != c.grant || !slices.Equal(got.ids, c.policies) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
		other := admin
		other.Client = ids[1]
		if status, _, answer := e.explain(other, body); status != 404 {
			t.Errorf("%s, as another client: %d %s", body, status, answer)
		}
	}
	machine := tenant.Principal{Client: ids[0], User: key, Role: tenant.AgentManager, Scopes: "get-me"}
	if status, answer := e.do(machine, "GET", "/v1/auth/me", ""); status != 200 || !strings.Contains(answer, `"name":"K"`) ||
		!strings.Contains(answer, `{"operation":"get-me","grant":"yes"}`) || strings.Contains(answer, "list-agents") {
		t.Errorf("a key asks who it is: %d %s", status, answer)
	}
	e.clock.Advance(91 * 24 * time.Hour)
	if _, got, answer := e.explain(admin, fmt.Sprintf(`"user_id":%q,"operation":"list-agents"`, key)); got.Reason != "not_active" {
		t.Errorf("an expired key: %s", answer)
	}
}
