package identity

import (
	"context"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Me is who is signed in.
type Me struct {
	User        User
	Name        string    // the person's
	Client      tenant.ID // empty for a global administrator
	Role        tenant.Role
	Memberships []directory.Membership // of the person, in every client
}

// Me returns who makes the call in ctx. Errors: fault.Unauthenticated, those of the table.
func (s *Service) Me(ctx context.Context) (Me, error) {
	const op = "identity.Me"
	p := tenant.CallFrom(ctx).Principal
	if p.Anonymous() {
		return Me{}, fault.New(op, fault.Unauthenticated, "unauthenticated")
	}
	home := partitionOf(p)
	if p.Assumed {
		home = directory.Home(p.User)
	}
	user, err := s.user(ctx, home, p.User)
	if isAbsent(err) {
		return Me{}, fault.Wrap(op, fault.Unauthenticated, "unauthenticated", err)
	}
	if err != nil {
		return Me{}, store.Fault(op, err)
	}
	person, err := s.Directory.PersonByEmail(ctx, user.Email)
	if err != nil {
		return Me{}, store.Fault(op, err)
	}
	return Me{user, person.Name, p.Client, p.Role, person.Memberships}, nil
}
