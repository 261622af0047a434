package agents

import (
	"context"

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

// may reports whether the policies let the principal do the call's operation upon r.
func (h handlers) may(ctx context.Context, r access.Resource) bool {
	call := tenant.CallFrom(ctx)
	return h.access.Decide(call.Principal, call.Operation, r).Allow
}

// errAbsent is the answer about an agent that the policies keep from the principal: that of one that does not exist.
func errAbsent() error { return fault.New("agents.visible", fault.NotFound, "agent_not_found") }

// visible returns the agent if the policies let the principal do the call's operation upon it.
func (h handlers) visible(ctx context.Context, id string) (agent.Agent, error) {
	a, err := h.agents.Agent(ctx, own(ctx), id)
	if err != nil {
		return agent.Agent{}, err
	}
	if !h.may(ctx, thing(ctx, a)) {
		return agent.Agent{}, errAbsent()
	}
	return a, nil
}

// upon is visible for operations that need not have read the agent themselves, or whose service does: it returns the client whose agent
// it is. It costs a read for managers who are limited to profiles, and nothing for anybody else.
func (h handlers) upon(ctx context.Context, id string) (tenant.ID, error) {
	call := tenant.CallFrom(ctx)
	ok, err := h.access.Reaches(call.Principal, call.Operation, thing(ctx, agent.Agent{ID: id}), func() (access.Resource, error) {
		a, err := h.agents.Agent(ctx, own(ctx), id)
		return thing(ctx, a), err
	})
	if err == nil && !ok {
		err = errAbsent()
	}
	return own(ctx), err
}

// profile returns the client whose profile an agent is made from, if the policies let the principal do that. The id says it all.
func (h handlers) profile(ctx context.Context, id string) (tenant.ID, error) {
	if !h.may(ctx, access.Resource{Type: "Profile", ID: id, Client: own(ctx)}) {
		return "", fault.New("agents.profile", fault.NotFound, "profile_not_found")
	}
	return own(ctx), nil
}
