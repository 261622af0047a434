package identity

import (
	"context"
	"errors"
	"slices"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	reasonRemoved  = "user_removed" // of ended sessions
	reasonDisabled = "user_disabled"
)

// RemoveUser takes a user at version seen out of the client, with its invitation if it has not accepted, and in the same commit the
// membership off the person's login. A login without a membership left is removed as well. The user's sessions end; what it made, its
// API keys among it, is the client's and stays.
//
// Errors: fault.NotFound `user_not_found`, fault.PreconditionFailed `version_mismatch`, fault.Conflict `last_administrator`, those of
// the table.
func (s *Service) RemoveUser(ctx context.Context, client tenant.ID, user string, seen int64) error {
	const op = "identity.RemoveUser"
	return store.Fault(op, s.remove(ctx, op, client, user, seen, func(u User) (audit.Fact, error) {
		return audit.Fact{Type: events.TypeUserRemoved, Change: events.UserRemoved{Role: string(u.Role), Status: string(u.Status)}}, nil
	}))
}

// remove removes a user at version seen, as often as it loses a race over another row. Told returns the event's type and change,
// or why the user stays.
func (s *Service) remove(ctx context.Context, op string, client tenant.ID, id string, seen int64, told func(User) (audit.Fact, error)) error {
	for try := 1; ; try++ {
		u, err := s.seenUser(ctx, op, client, id, seen)
		if err != nil {
			return err
		}
		f, err := told(u)
		if err != nil {
			return err
		}
		f.Target, f.Private = audit.Target{Type: "user", ID: u.ID}, contactValues{u.Email, u.Name}
		err = s.removeOnce(ctx, op, client, u, f)
		if _, lost := store.FailedOn(err); lost && store.Again(ctx, try) {
			continue
		}
		if err == nil && u.Status != StatusInvited {
			err = s.endUserSessions(ctx, client, u.ID, reasonRemoved)
		}
		return err
	}
}

func (s *Service) removeOnce(ctx context.Context, op string, client tenant.ID, u User, f audit.Fact) error {
	record, err := s.happened(ctx, client, f)
	if err != nil {
		return err
	}
	changes := []store.Change{store.Delete(keys.User(u.ID), u.Version)}
	if u.administers() {
		other, err := s.otherAdministrator(ctx, op, client, u.ID)
		if err != nil {
			return err
		}
		changes = append(changes, other)
	}
	email, err := s.Table.Get(ctx, client, keys.Email(emailHash(u.Email)))
	if err == nil {
		changes = append(changes, store.Delete(email.SK, email.Version))
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	h, err := s.held(ctx, client, u)
	if err != nil {
		return err
	}
	login, gone, err := s.leave(ctx, client, u)
	if err != nil {
		return err
	}
	idempotency.Answer(ctx, nil)
	return s.Table.Commit(ctx, client, audit.Of(record[0], append(record[1:], gone...)...), slices.Concat(changes, h.dead(), login)...)
}

// leave returns the change that takes the user's membership off its person's login, or the login away where it was the last, with
// the event of that. There is none for a user without a person.
func (s *Service) leave(ctx context.Context, client tenant.ID, u User) ([]store.Change, []audit.Event, error) {
	if u.Person == "" {
		return nil, nil, nil
	}
	person, err := s.Directory.PersonByEmail(ctx, u.Email)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	left := person.Leave(directory.Membership{Client: client, User: u.ID})
	if len(left.Memberships) > 0 || len(person.Memberships) == 0 {
		return []store.Change{s.Directory.UpdatePerson(left)}, nil, nil
	}
	e, err := s.event(ctx, "", audit.Fact{Type: events.TypeLoginRemoved, Target: audit.Target{Type: "person", ID: person.ID},
		Change: events.LoginRemoved{Reason: "last_membership"}})
	if err != nil {
		return nil, nil, err
	}
	return []store.Change{s.Directory.DeletePerson(left)}, []audit.Event{directory.PlatformEvent(e)}, nil
}

// seenUser returns a user of the client that is at version seen.
func (s *Service) seenUser(ctx context.Context, op string, client tenant.ID, id string, seen int64) (User, error) {
	u, err := s.GetUser(ctx, client, id)
	if err == nil && u.Version != seen {
		return User{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	return u, err
}

// endUserSessions ends all sessions of a user whose own row keeps them out by now. The answer that was announced for the
// request stays as it is.
func (s *Service) endUserSessions(ctx context.Context, client tenant.ID, user, reason string) error {
	ctx = idempotency.With(context.WithoutCancel(ctx), nil)
	return s.EndUserSessions(ctx, client, user, "", reason)
}
