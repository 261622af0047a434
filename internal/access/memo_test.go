package access_test

import (
	"fmt"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// What is remembered grows with what there is to ask, not with who asks, about what, or with what they make up.
func TestTheMemoIsBounded(t *testing.T) {
	d := newDecider(t)
	ask := func(i int) {
		p := tenant.Principal{Client: tenant.ID(fmt.Sprintf("cli_%d", i)), User: fmt.Sprintf("usr_%d", i), Role: tenant.AgentManager,
			Within: tenant.NamesOf(fmt.Sprintf("agt_%d", i)), Scopes: tenant.NamesOf(fmt.Sprintf("scope-%d", i), "get-agent")}
		d.Decide(p, "get-agent", access.Resource{Type: "Agent", ID: fmt.Sprintf("agt_%d", i), Client: p.Client, Profile: fmt.Sprintf("pro_%d", i)})
	}
	ask(0)
	one := d.Questions()
	for i := range 1000 {
		ask(i)
		p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.ClientAdmin}
		d.Decide(p, fmt.Sprintf("operation-%d", i), access.Resource{Client: "cli_a"})
		d.Decide(p, "get-agent", access.Resource{Type: fmt.Sprintf("Kind%d", i), Client: "cli_a"})
		p.Role = tenant.Role(fmt.Sprintf("role-%d", i))
		d.Decide(p, "get-agent", access.Resource{Client: "cli_a"})
	}
	if got := d.Questions(); one != 1 || got != one {
		t.Errorf("%d questions after one, %d after many alike", one, got)
	}
}

// The memo answers as Cedar did: a second decider, asked each question once, agrees with one that was asked before.
func TestRememberedAnswersAreTheSame(t *testing.T) {
	d := newDecider(t)
	for name, p := range unlike() {
		for _, op := range route.Operations() {
			r := access.Resource{Type: "Conversation", Client: p.Client, Agent: "agt_1", Owner: "usr_2"}
			first, again := d.Decide(p, op.ID, r), d.Decide(p, op.ID, r)
			if first.Allow != again.Allow || fmt.Sprint(first.Policies) != fmt.Sprint(again.Policies) {
				t.Errorf("%s: %s: %+v, then %+v", name, op.ID, first, again)
			}
		}
	}
}
