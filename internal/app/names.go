package app

import (
	"context"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/tenant"
)

// keyMay reports whether the policies let an API key of the role, with no other scope, do the operation in its own client.
func (a *App) keyMay(role tenant.Role, operation string) bool {
	const client, key = "cli_probe", tenant.KeyPrefix + "probe"
	p := tenant.Principal{Client: client, User: key, Role: role, Scopes: tenant.Names(operation)}
	return a.decider.Decide(p, operation, access.Resource{Client: client}).Allow
}

// clientName returns how mails name a client, and the language in which they speak to its people.
func (a *App) clientName(ctx context.Context, client tenant.ID) (name, language string, err error) {
	c, err := a.clients.Client(ctx, client)
	if err != nil {
		return "", "", err
	}
	s, err := a.clients.Settings(ctx, client)
	return c.Name, s.DefaultLanguage, err
}
