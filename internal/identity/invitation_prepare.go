package identity

import (
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Prepared is an invitation that is not committed yet: its changes and events belong into one commit of the client.
// [Service.Deliver] sends it afterwards.
type Prepared struct {
	User       User
	Invitation Invitation
	Changes    []store.Change
	Events     []audit.Event
	Mail       *mail.Message // nil where no mail is configured

	fact audit.Fact // what the events say
}

type invitationSummary struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
}

type invitationData struct {
	SecretHash string `json:"secret_hash"` // SHA-256 of the token's secret
}

// emailTaken is the row that makes an address unique within its client.
type emailTaken struct {
	User string `json:"user"`
}

type contactValues struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// held is a user who has not accepted, as it was read, and the version of the invitation's row: 0 where it ran out or was withdrawn.
type held struct {
	user       User
	invitation int64
}

func (s *Service) held(ctx context.Context, client tenant.ID, u User) (held, error) {
	if u.invitation == "" {
		return held{user: u}, nil
	}
	it, err := s.Table.Get(ctx, client, keys.Invitation(u.invitation))
	if errors.Is(err, store.ErrNotFound) {
		return held{user: u}, nil
	}
	return held{u, it.Version}, err
}

// dead returns the changes that take an invitation away.
func (h held) dead() []store.Change {
	if h.invitation == 0 {
		return nil
	}
	return []store.Change{store.Delete(keys.Invitation(h.user.invitation), h.invitation)}
}

// send commits the invitation that prepare makes, anew for each race it loses, and delivers it.
func (s *Service) send(ctx context.Context, op string, client tenant.ID, prepare func() (Prepared, error)) (Invited, error) {
	for try := 1; ; try++ {
		p, err := prepare()
		if err != nil {
			return Invited{}, store.Fault(op, err)
		}
		if try == 1 {
			if err := s.mayMail(ctx, op, client, p); err != nil {
				return Invited{}, err
			}
		}
		out := Invited{p.User, p.Invitation}
		idempotency.Answer(ctx, out)
		err = s.Table.Commit(ctx, client, audit.Of(p.Events[0], p.Events[1:]...), p.Changes...)
		if err == nil {
			return out, s.Deliver(ctx, client, p)
		}
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return Invited{}, store.Fault(op, err)
		}
	}
}

// What invitations may be mailed. They come from the platform's one address, whose good name is everybody's (invariant 10), and go to
// whomever a client names.
const (
	invitationsPerAddress = 5   // of one client to one address at once, and as many an hour
	invitationsPerClient  = 200 // of one client at once, and as many an hour
)

// mayMail counts the mail of an invitation. It is counted by the client: no client can keep another from inviting somebody, or find out
// that it has. Where the meter does not answer, mails are sent (fail open).
//
// Errors: fault.RateLimited `too_many_invitations`.
func (s *Service) mayMail(ctx context.Context, op string, client tenant.ID, p Prepared) error {
	if p.Mail == nil {
		return nil
	}
	for _, bound := range []struct {
		key  cache.Key
		most int
	}{
		{cache.Of(client, "invitations to", emailHash(p.User.Email)), invitationsPerAddress},
		{cache.Of(client, "invitations", ""), invitationsPerClient},
	} {
		each := time.Hour / time.Duration(bound.most)
		taken, err := s.Meter.Take(ctx, bound.key, cache.Bucket{PerSecond: 1 / each.Seconds(), Burst: bound.most}, 1)
		if err == nil && !taken.OK {
			return &fault.Error{Op: op, Kind: fault.RateLimited, Code: "too_many_invitations", RetryAfter: taken.Wait}
		}
	}
	return nil
}

// prepare makes a new invitation of user, whose rows are new unless old has them. Told
// returns the type of the event and its change.
func (s *Service) prepare(ctx context.Context, client tenant.ID, user User, old *held, clientName string, told func(Invitation) audit.Fact) (Prepared, error) {
	now := s.now()
	inv := Invitation{ID: s.System.NewID("inv"), ExpiresAt: now.Add(InvitationLifetime).Truncate(time.Second)}
	user.invitation = inv.ID
	user.Version++
	token := invitationToken{client: client, id: inv.ID, secret: s.System.NewSecret()}
	p := Prepared{User: user}
	var err error
	if p.Changes, err = invitationRows(user, old, inv, hashSecret(token.secret), now); err != nil {
		return Prepared{}, err
	}
	p.fact = told(inv)
	p.fact.Target, p.fact.Private = audit.Target{Type: "user", ID: user.ID}, contactValues{user.Email, user.Name}
	if p.Events, err = s.happened(ctx, client, p.fact); err != nil {
		return Prepared{}, err
	}
	url := s.PublicURL + "/invitation#token=" + token.String() // a fragment: it reaches neither logs nor a referrer
	if s.Mailer == nil {
		inv.Token, inv.URL = token.String(), url
	} else {
		p.Mail = invitationMail(user, clientName, url, inv.ExpiresAt)
	}
	p.Invitation = inv
	return p, nil
}

// invitationRows returns the changes of an invitation and its user.
func invitationRows(u User, old *held, inv Invitation, hash string, now time.Time) ([]store.Change, error) {
	userRow, err := u.item()
	if err != nil {
		return nil, err
	}
	row, err := store.Row(keys.Invitation(inv.ID), 1, invitationSummary{inv.ID, u.ID, now}, invitationData{hash})
	if err != nil {
		return nil, err
	}
	row.ParentSK, row.ExpiresAt = keys.UserInvitation(u.ID, now), inv.ExpiresAt
	if old != nil {
		return append(old.dead(), store.Create(row), store.Update(userRow, old.user.Version)), nil
	}
	taken, err := store.Row(keys.Email(emailHash(u.Email)), 1, emailTaken{u.ID}, emailTaken{u.ID})
	if err != nil {
		return nil, err
	}
	taken.ActorSK = keys.UserAddress(folded(u.Email), u.ID)
	return []store.Change{store.Create(row), store.Create(userRow), store.Create(taken)}, nil
}

// Deliver sends the mail of an invitation that was committed; it does nothing where no mail is configured. If the mail is
// refused the invitation is withdrawn, so that the person can be invited again, and the error is fault.Unavailable
// `mail_failed`.
func (s *Service) Deliver(ctx context.Context, client tenant.ID, p Prepared) error {
	const op = "identity.Deliver"
	if p.Mail == nil {
		return nil
	}
	failed := s.Mailer.Send(ctx, *p.Mail)
	if failed == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx) // what was committed is taken back even if the caller has gone
	p.fact.Result, p.fact.Private = "failure", nil
	withdrawn, err := s.happened(ctx, client, p.fact)
	if err == nil {
		idempotency.Withdraw(ctx) // INVARIANT 12: there is no effect whose answer could be given again
		err = s.Table.Commit(ctx, client, audit.Of(withdrawn[0], withdrawn[1:]...), store.Delete(keys.Invitation(p.Invitation.ID), 1))
	}
	return fault.Wrap(op, fault.Unavailable, "mail_failed", errors.Join(failed, err))
}
