package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// A manager who is limited to names has what a manager has, upon what is named; that the operation is upon is in its path.
func TestGrantsOfALimitedManager(t *testing.T) {
	d := newDecider(t)
	p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.AgentManager, Within: tenant.NamesOf("agt_1", "pro_1")}
	upon := []string{"generate-agent", "list-agents", "list-profiles"}
	for _, op := range route.Operations() {
		free, got := d.GrantOf(tenant.AgentManager, op.ID), d.Grant(p, op.ID)
		want := free
		for _, variable := range []string{"{agent_id}", "{profile_id}", "{conversation_id}"} {
			if free != no && (strings.Contains(op.Path, variable) || slices.Contains(upon, op.ID)) {
				want = access.Limited
			}
		}
		if op.ID == "create-profile" {
			want = no
		}
		if got != want {
			t.Errorf("%s: %s, not %s", op.ID, got, want)
		}
	}
	p.Within = "agt_1" // no profile: there is none that an agent could be made from
	for id, want := range map[string]access.Grant{"generate-agent": no, "get-profile": no, "get-agent": access.Limited, "send-message": access.Limited} {
		if got := d.Grant(p, id); got != want {
			t.Errorf("limited to an agent, %s: %s, not %s", id, got, want)
		}
	}
}

func TestPermissionsAreTheGrantsThatAreNotNo(t *testing.T) {
	d := newDecider(t)
	for name, p := range unlike() {
		of := map[string]access.Grant{}
		for _, permission := range d.Permissions(p) {
			of[permission.Operation] = permission.Grant
		}
		for _, op := range route.Operations() {
			got, ok := of[op.ID]
			if want := d.Grant(p, op.ID); want == no && ok || want != no && got != want {
				t.Errorf("%s: %s: %q, not %q", name, op.ID, got, want)
			}
		}
	}
	if got := d.Permissions(tenant.Principal{}); len(got) == 0 || got[0].Operation != "sign-in" {
		t.Errorf("nobody may %v", got)
	}
}
