package access_test

import (
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/tenant"
)

// Whoever is stopped at the edge is told what stopped them there: the thing that they asked for was never looked at.
func TestExplainStopsWhereTheOperationStops(t *testing.T) {
	d := newDecider(t)
	restricted := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.ClientAdmin, Session: "ses_1", Restricted: true}
	edge := d.Explain(restricted, "get-agent", nil, "en")
	if edge.Allow || edge.Reason != access.Forbidden || len(edge.Policies) != 1 || edge.Policies[0].ID != "second-factor-first" {
		t.Fatalf("at the edge: %+v", edge)
	}
	for name, r := range map[string]access.Resource{
		"a thing of another client": {Type: "Agent", ID: "agt_1", Client: "cli_b"},
		"a thing of another kind":   {Type: "Conversation", Client: "cli_a"},
	} {
		got := d.Explain(restricted, "get-agent", &r, "en")
		if got.Allow || got.Reason != edge.Reason || !slices.Equal(got.Policies, edge.Policies) {
			t.Errorf("%s: %+v, want %+v", name, got, edge)
		}
	}
}

// Beyond the edge it is the thing that decides.
func TestExplainAsksAboutTheThing(t *testing.T) {
	d := newDecider(t)
	limited := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.AgentManager, Session: "ses_1", Within: "agt_1"}
	for id, want := range map[string]access.Reason{"agt_1": access.Permitted, "agt_2": access.Forbidden} {
		got := d.Explain(limited, "get-agent", &access.Resource{Type: "Agent", ID: id, Client: "cli_a"}, "en")
		if got.Reason != want || got.Allow != (want == access.Permitted) || len(got.Policies) == 0 {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if got := d.Explain(limited, "create-client", nil, "en"); got.Allow || got.Reason != access.NotPermitted || len(got.Policies) != 0 {
		t.Errorf("what nothing permits: %+v", got)
	}
}
