package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// A key is given no scope that the policies refuse its role: what it may not do is said when it is made, and not only when it is used.
func TestAKeyIsGivenNoScopeThatItsRoleHasNot(t *testing.T) {
	e := newEstate(t)
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []tenant.Role{tenant.ClientAdmin, tenant.AgentManager, tenant.StandardUser} {
		issue := func(operation string) (int, string) {
			return e.do(e.admin, "POST", "/v1/api-keys", fmt.Sprintf(`{"name":"K","role":%q,"scopes":["list-agents",%q]}`, role, operation))
		}
		beyond := 0
		for _, op := range route.Operations() {
			p := tenant.Principal{Client: e.admin.Client, User: "key_x", Role: role, Scopes: tenant.Names(op.ID)}
			if !identity.KeyOperation(op.ID) || decider.Grant(p, op.ID) != access.No {
				continue
			}
			beyond++
			if status, answer := issue(op.ID); status != 422 || !strings.Contains(answer, `"body.scopes"`) {
				t.Errorf("%s of a %s: %d %s", op.ID, role, status, answer)
			}
		}
		if beyond == 0 && role != tenant.ClientAdmin {
			t.Errorf("nothing is beyond a %s", role)
		}
		if status, answer := issue("get-agent"); status != 201 {
			t.Errorf("a scope that a %s has: %d %s", role, status, answer)
		}
	}
}
