package authentication

import (
	"context"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// Membership is a client that the person belongs to.
type Membership struct {
	ClientID tenant.ID `json:"client_id,omitempty" doc:"Absent for the platform itself"`
	UserID   string    `json:"user_id"`
}

// Permission is an operation that whoever is signed in may do.
type Permission struct {
	Operation string       `json:"operation" example:"get-agent" doc:"The operation's id in this document"`
	Grant     access.Grant `json:"grant" enum:"yes,own,limited" doc:"own: only upon what is one's own; limited: only upon the profiles and agents that one is limited to"`
}

// Me is who is signed in.
type Me struct {
	UserID      string       `json:"user_id" doc:"Of an API key its id"`
	Name        string       `json:"name"`
	Email       string       `json:"email,omitempty" format:"email" doc:"Absent for an API key"`
	Role        tenant.Role  `json:"role"`
	ClientID    tenant.ID    `json:"client_id,omitempty"`
	Memberships []Membership `json:"memberships"`
	Within      []string     `json:"within,omitempty" doc:"The profiles and agents that one is limited to; absent: no such limit"`
	Permissions []Permission `json:"permissions" nullable:"false" doc:"What one may do; every other operation is refused"`
}

// known is what is known of who is signed in: of the person, and of the call's principal.
type known struct {
	identity.Me
	within      tenant.Names
	permissions []access.Permission
}

func registerMe(api *httpapi.API, users *identity.Service, decider *access.Decider) {
	httpapi.Register(api, httpapi.Op{ID: "get-me", Summary: "Who is signed in, and what they may do"},
		func(ctx context.Context, _ *struct{}) (known, error) {
			p := tenant.CallFrom(ctx).Principal
			m, err := who(ctx, users, p)
			return known{m, p.Within, decider.Permissions(p)}, err
		}, me)
}

// who returns what is known of the principal: of a machine, its key.
func who(ctx context.Context, users *identity.Service, p tenant.Principal) (identity.Me, error) {
	if !p.Machine() {
		return users.Me(ctx)
	}
	k, err := users.APIKey(ctx, p.Client, p.User)
	return identity.Me{User: identity.User{ID: k.ID}, Name: k.Name, Client: p.Client, Role: p.Role}, err
}

func me(m known) httpapi.Out[Me] {
	out := Me{UserID: m.User.ID, Name: m.Name, Email: m.User.Email, Role: m.Role, ClientID: m.Client, Memberships: []Membership{},
		Within: m.within.List(), Permissions: make([]Permission, 0, len(m.permissions))}
	for _, membership := range m.Memberships {
		out.Memberships = append(out.Memberships, Membership{membership.Client, membership.User})
	}
	for _, p := range m.permissions {
		out.Permissions = append(out.Permissions, Permission(p))
	}
	return httpapi.Out[Me]{Body: out}
}
