package identity

import (
	"context"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Resend is how an invitation is sent again.
type Resend struct {
	Language   string // of the mail, where the invitation before had none: pt-BR or en; empty: pt-BR
	ClientName string // the company, as the mail names it
}

// ResendInvitation gives a user who has not accepted a new invitation, whether the one before has run out or not: that one is dead from
// then on. It returns after the mail, if any, was accepted for delivery.
//
// Errors: fault.NotFound `user_not_found`, fault.Conflict `user_not_invited` (has accepted), fault.RateLimited `too_many_invitations`, those
// of [Service.Deliver] and of the table.
func (s *Service) ResendInvitation(ctx context.Context, client tenant.ID, user string, in Resend) (Invited, error) {
	const op = "identity.ResendInvitation"
	return s.send(ctx, op, client, func() (Prepared, error) {
		u, err := s.GetUser(ctx, client, user)
		if err != nil {
			return Prepared{}, err
		}
		if u.Status != StatusInvited {
			return Prepared{}, fault.New(op, fault.Conflict, "user_not_invited")
		}
		old, err := s.held(ctx, client, u)
		if err != nil {
			return Prepared{}, err
		}
		if u.language == "" {
			u.language = in.Language
		}
		return s.prepare(ctx, client, u, &old, in.ClientName, func(inv Invitation) audit.Fact {
			return audit.Fact{Type: events.TypeInvitationResent, Change: events.InvitationResent{InvitationID: inv.ID,
				Replaces: old.user.invitation, Role: string(u.Role), ExpiresAt: inv.ExpiresAt}}
		})
	})
}

// RevokeInvitation takes the invitation of a user at version seen away, and the user with it: its address can be invited anew.
//
// Errors: fault.NotFound `user_not_found`, fault.PreconditionFailed `version_mismatch`, fault.Conflict `user_not_invited` (has
// accepted: see [Service.RemoveUser]), those of the table.
func (s *Service) RevokeInvitation(ctx context.Context, client tenant.ID, user string, seen int64) error {
	const op = "identity.RevokeInvitation"
	return store.Fault(op, s.remove(ctx, op, client, user, seen, func(u User) (audit.Fact, error) {
		if u.Status != StatusInvited {
			return audit.Fact{}, fault.New(op, fault.Conflict, "user_not_invited")
		}
		return audit.Fact{Type: events.TypeInvitationRevoked,
			Change: events.InvitationRevoked{InvitationID: u.invitation, Role: string(u.Role)}}, nil
	}))
}
