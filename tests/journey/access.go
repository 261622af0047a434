package journey

import (
	"slices"
	"strings"
	"testing"
)

// estate is a client with two profiles, an agent of each, and a user's conversation with each agent.
type estate struct {
	company
	profile, agent, talk [2]string
	manager, user        member
}

// Access is who may do what, down to the single agent, and how an administrator finds out why.
func Access(t *testing.T, d Deployment) {
	e := estate{company: onboard(t, d, "Loja dos Acessos", unique("access"))}
	e.manager, e.user = e.join(t, "Gestora", "agent_manager"), e.join(t, "Rui", "standard_user")
	for i := range e.profile {
		e.profile[i] = e.admin.Must(201, "POST", "/v1/profiles", object{"name": "P", "industry": "retail", "size": object{"employees": 2}}).Text("id")
		e.agent[i] = e.admin.Must(201, "POST", "/v1/agents", object{"profile_id": e.profile[i], "template": "retail", "name": "A"}).Text("id")
		e.admin.Must(200, "POST", "/v1/agents/"+e.agent[i]+"/publish", nil)
		e.talk[i] = e.user.Must(201, "POST", "/v1/agents/"+e.agent[i]+"/conversations", object{}).Text("id")
	}
	t.Run("permissions are what works", func(t *testing.T) { permissions(t, e) })
	e.admin.t = t
	if a := e.change("PATCH", e.manager.id, object{"within": []string{e.profile[0]}}); a.Status != 200 {
		t.Fatalf("limited: %d %s", a.Status, a.Raw)
	}
	e.manager.Caller = signIn(t, d, e.manager.email, password)
	t.Run("a limited manager reaches what is named", func(t *testing.T) { limited(t, e) })
	t.Run("an administrator learns why", func(t *testing.T) { why(t, e) })
}

// me is what get-me says of permissions.
type me struct {
	Within      []string
	Permissions []struct{ Operation, Grant string }
}

func (m me) grant(operation string) string {
	for _, p := range m.Permissions {
		if p.Operation == operation {
			return p.Grant
		}
	}
	return ""
}

// permissions holds what get-me says against every operation of the document: what is not in it is refused, and what is read is not.
func permissions(t *testing.T, e estate) {
	e.admin.t = t
	var document struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}
	e.d.As(t, "").Must(200, "GET", "/openapi.json", nil).Into(&document)
	ids := strings.NewReplacer("{profile_id}", e.profile[0], "{agent_id}", e.agent[0], "{conversation_id}", e.talk[0], "{sector}", "retail",
		"{version}", "1", "{document_id}", "doc_absent", "{user_id}", e.user.id, "{session_id}", "ses_absent", "{key_id}", "key_absent",
		"{event_id}", "absent", "{client_id}", e.id)
	// Others than those of whom single denials are looked for: of one source ten a minute are listed.
	manager, user := e.join(t, "Outra", "agent_manager").Caller, e.join(t, "Outro", "standard_user").Caller
	for role, who := range map[string]*Caller{"client_admin": e.admin, "agent_manager": manager, "standard_user": user} {
		who.t = t
		var m me
		who.Must(200, "GET", "/v1/auth/me", nil).Into(&m)
		tried := 0
		for path, methods := range document.Paths {
			for method, op := range methods {
				switch grant := m.grant(op.ID); {
				case grant == "":
					who.Refused(403, "forbidden", strings.ToUpper(method), ids.Replace(path), nil)
				case method == "get" && grant == "yes":
					if a := who.Do("GET", ids.Replace(path), nil); a.Status == 403 || a.Status == 401 {
						t.Errorf("%s may %s, and is told %d %s", role, op.ID, a.Status, a.Raw)
					}
				}
				tried++
			}
		}
		if tried < 50 || len(m.Within) != 0 || role != "client_admin" && m.grant("create-user") != "" || m.grant("send-message") != "own" {
			t.Errorf("%s: %d operations, %+v", role, tried, m)
		}
	}
}

func limited(t *testing.T, e estate) {
	e.admin.t, e.user.t = t, t
	m := e.manager
	m.t = t
	m.Refused(404, "agent_not_found", "GET", "/v1/agents/"+e.agent[1], nil)
	denied := e.admin.Must(200, "GET", "/v1/audit-events?target_type=agent&target_id="+e.agent[1], nil)
	if raw := string(denied.Raw); !strings.Contains(raw, `"access.denied"`) || !strings.Contains(raw, `"named-only"`) || !strings.Contains(raw, m.id) {
		t.Errorf("what was denied is not in the trail: %s", raw)
	}
	var who me
	m.Must(200, "GET", "/v1/auth/me", nil).Into(&who)
	if !slices.Equal(who.Within, []string{e.profile[0]}) || who.grant("get-agent") != "limited" || who.grant("create-profile") != "" {
		t.Errorf("permissions: %+v", who)
	}
	for list, want := range map[string][2]string{"/v1/agents": e.agent, "/v1/profiles": e.profile} {
		if raw := string(m.Must(200, "GET", list, nil).Raw); !strings.Contains(raw, `"id":"`+want[0]) || strings.Contains(raw, `"id":"`+want[1]) {
			t.Errorf("%s: %s", list, raw)
		}
	}
	tag := e.admin.Must(200, "GET", "/v1/agents/"+e.agent[1], nil).Header.Get("ETag")
	m.Refused(404, "agent_not_found", "PATCH", "/v1/agents/"+e.agent[1], object{"name": "Mine"}, "If-Match", tag)
	m.Refused(404, "agent_not_found", "GET", "/v1/agents/"+e.agent[1]+"/configurations/1", nil)
	m.Refused(404, "agent_not_found", "GET", "/v1/agents/"+e.agent[1]+"/documents", nil)
	m.Refused(404, "agent_not_found", "GET", "/v1/agents/"+e.agent[1]+"/conversations", nil)
	m.Refused(404, "agent_not_found", "POST", "/v1/agents/"+e.agent[1]+"/conversations", object{})
	m.Refused(404, "conversation_not_found", "GET", "/v1/conversations/"+e.talk[1]+"/messages", nil)
	m.Refused(404, "profile_not_found", "GET", "/v1/profiles/"+e.profile[1], nil)
	made := object{"profile_id": e.profile[1], "template": "retail", "name": "New"}
	m.Refused(404, "profile_not_found", "POST", "/v1/agents", made)
	m.Refused(403, "forbidden", "POST", "/v1/profiles", object{"name": "P", "industry": "retail", "size": object{"employees": 2}})
	if after := e.admin.Must(200, "GET", "/v1/agents/"+e.agent[1], nil).Header.Get("ETag"); after != tag {
		t.Errorf("the agent out of reach was changed: %s, then %s", tag, after)
	}
	made["profile_id"] = e.profile[0]
	agent := m.Must(201, "POST", "/v1/agents", made).Text("id")
	m.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
	m.Must(200, "GET", "/v1/conversations/"+e.talk[0]+"/messages", nil)
	m.Must(200, "GET", "/v1/agents/"+e.agent[0]+"/conversations", nil)
}

func why(t *testing.T, e estate) {
	e.admin.t, e.user.t = t, t
	const path = "/v1/access/explain"
	upon := func(i int) object {
		return object{"user_id": e.manager.id, "operation": "get-agent", "resource": object{"type": "agent", "id": e.agent[i]}}
	}
	type answer struct {
		Allowed  bool
		Reason   string
		Policies []struct{ ID, Effect, Description string }
	}
	said := []string{"Todas as pessoas", "Quem está limitado"}
	for i, want := range []string{"agents-read", "named-only"} {
		var got answer
		e.admin.Must(200, "POST", path, upon(i), "Accept-Language", "pt-BR").Into(&got)
		if got.Allowed != (i == 0) || len(got.Policies) != 1 || got.Policies[0].ID != want || !strings.HasPrefix(got.Policies[0].Description, said[i]) {
			t.Errorf("agent %d: %+v", i, got)
		}
	}
	var talk answer
	e.admin.Must(200, "POST", path, object{"role": "standard_user", "operation": "list-messages", "resource": object{"type": "conversation", "id": e.talk[0]}}).Into(&talk)
	if talk.Allowed || talk.Reason != "forbidden" {
		t.Errorf("somebody's conversation: %+v", talk)
	}
	e.user.Refused(403, "forbidden", "POST", path, upon(0))
	other := onboard(t, e.d, "Outra", unique("other"))
	other.admin.Refused(404, "user_not_found", "POST", path, upon(0))
	other.admin.Refused(404, "agent_not_found", "POST", path, object{"role": "client_admin", "operation": "get-agent", "resource": object{"type": "agent", "id": e.agent[0]}})
}
