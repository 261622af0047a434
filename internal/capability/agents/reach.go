package agents

import (
	"context"
	"slices"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

func own(ctx context.Context) tenant.ID { return tenant.CallFrom(ctx).Principal.Client }

// thing is an agent as the policies see it.
func thing(ctx context.Context, a agent.Agent) access.Resource {
	return access.Resource{Type: "Agent", ID: a.ID, Profile: a.ProfileID, Client: own(ctx)}
}

// errAbsent is the answer about an agent that does not exist, and about one that the policies keep from the principal.
var errAbsent = fault.New("agents.visible", fault.NotFound, "agent_not_found")

// visible returns the agent if the policies let the principal do the call's operation upon it.
func (h handlers) visible(ctx context.Context, id string) (agent.Agent, error) {
	a, err := h.agents.Agent(ctx, own(ctx), id)
	if err == nil {
		err = h.api.Reach(ctx, thing(ctx, a), nil, errAbsent)
	}
	if err != nil {
		return agent.Agent{}, err
	}
	return a, nil
}

// upon is visible for operations that need not have read the agent themselves, or whose service does: it returns the client whose agent
// it is. It costs a read for managers who are limited to profiles, and nothing for anybody else.
func (h handlers) upon(ctx context.Context, id string) (tenant.ID, error) {
	return own(ctx), h.api.Reach(ctx, thing(ctx, agent.Agent{ID: id}), func() (access.Resource, error) {
		a, err := h.agents.Agent(ctx, own(ctx), id)
		return thing(ctx, a), err
	}, errAbsent)
}

// named returns those of a page's agents that the policies let the principal see: a page may be shorter than its limit.
func (h handlers) named(ctx context.Context, page []agent.Agent) []agent.Agent {
	return slices.DeleteFunc(page, func(a agent.Agent) bool {
		d, err := h.api.Decide(ctx, thing(ctx, a), nil)
		return err != nil || !d.Allow
	})
}

// profile returns the client whose profile an agent is made from, if the policies let the principal do that. The id says it all.
func (h handlers) profile(ctx context.Context, id string) (tenant.ID, error) {
	return own(ctx), h.api.Reach(ctx, access.Resource{Type: "Profile", ID: id, Client: own(ctx)}, nil,
		fault.New("agents.profile", fault.NotFound, "profile_not_found"))
}
