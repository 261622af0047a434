package app

import (
	"context"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// things reads what decisions are about, each by the service that keeps it.
type things struct{ app *App }

// Thing returns the client's profile, agent or conversation of that id, as the policies see it.
func (t things) Thing(ctx context.Context, client tenant.ID, kind, id string) (access.Resource, error) {
	r := access.Resource{Type: kind, ID: id, Client: client}
	switch kind {
	case "Profile":
		_, err := t.app.profiles.Profile(ctx, client, id)
		return r, err
	case "Agent":
		a, err := t.app.agents.Agent(ctx, client, id)
		r.Profile = a.ProfileID
		return r, err
	case "Conversation":
		c, err := t.app.conversations.Conversation(ctx, client, id)
		if err != nil {
			return r, err
		}
		a, err := t.app.agents.Agent(ctx, client, c.AgentID)
		r.Owner, r.Agent, r.Profile = c.UserID, c.AgentID, a.ProfileID
		return r, err
	}
	return r, fault.New("app.Thing", fault.NotFound, "not_found")
}
