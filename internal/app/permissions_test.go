package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// everybody is a principal of every kind.
func (e estate) everybody() map[string]tenant.Principal {
	people := map[string]tenant.Principal{"nobody": {}, "global": {User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_1"},
		"limited": e.manager(e.profile[0])}
	for _, role := range []tenant.Role{tenant.ClientAdmin, tenant.AgentManager, tenant.StandardUser} {
		p := tenant.Principal{Client: e.admin.Client, User: "usr_x", Role: role, Session: "ses_1"}
		people[string(role)] = p
		p.Restricted = true
		people["restricted "+string(role)] = p
	}
	p := people[string(tenant.ClientAdmin)]
	p.Assumed = true
	people["assumed"] = p
	people["key"] = tenant.Principal{Client: e.admin.Client, User: "key_x", Role: tenant.ClientAdmin,
		Scopes: tenant.NamesOf("get-agent", "list-agents", "create-user", "sign-out", "generate-agent")}
	return people
}

// What get-me says that one may do is what the edge lets through, for every operation and every kind of principal.
func TestPermissionsAreWhatTheEdgeAnswers(t *testing.T) {
	e := newEstate(t)
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range e.everybody() {
		granted := map[string]bool{}
		for _, permission := range decider.Permissions(p) {
			granted[permission.Operation] = true
		}
		for _, op := range route.Operations() {
			status, body := e.call(p, op, "pro_absent", "agt_absent", "cnv_absent")
			var problem struct{ Code string }
			if strings.HasPrefix(body, "{") {
				if err := json.Unmarshal([]byte(body), &problem); err != nil {
					t.Fatalf("%s: %s: %v", op.ID, body, err)
				}
			}
			refused := status == 403 && problem.Code == "forbidden" || status == 401 && problem.Code == "authentication_required"
			if refused == granted[op.ID] {
				t.Errorf("%s: %s: permitted %v, and answered %d %s", name, op.ID, granted[op.ID], status, body)
			}
		}
	}
}
