package access_test

import (
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// An assumed session does what the client's administrator does, but for what would go on without it and for what is a person's own.
func TestAnAssumedSessionIsAnAdministrators(t *testing.T) {
	d := newDecider(t)
	admin := tenant.Principal{Client: "cli_a", User: "usr_root", Role: tenant.ClientAdmin, Session: "ses_1"}
	inside := admin
	inside.Assumed = true
	kept := []string{"create-api-key", "rotate-api-key"}
	theirs := []string{"get-me", "sign-out"}
	for _, op := range route.Operations() {
		r := access.Resource{Client: "cli_a"}
		want := d.Decide(admin, op.ID, r).Allow && !slices.Contains(kept, op.ID) &&
			(op.Public || op.Capability != route.Authentication || slices.Contains(theirs, op.ID))
		if got := d.Decide(inside, op.ID, r); got.Allow != want {
			t.Errorf("%s: %v by %v, want %v: name it in policies/assumed.cedar", op.ID, got.Allow, got.Policies, want)
		}
		if !op.Public && d.Decide(inside, op.ID, access.Resource{Client: "cli_b"}).Allow {
			t.Errorf("%s in another client", op.ID)
		}
	}
	talk := access.Resource{Type: "Conversation", Client: "cli_a", Owner: "usr_ana", Agent: "agt_1", Profile: "pro_1"}
	if d.Decide(inside, "send-message", talk).Allow {
		t.Error("speaks for another")
	}
}
