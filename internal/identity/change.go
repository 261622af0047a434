package identity

import (
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
)

// PasswordChange is a new password in place of one that is known.
type PasswordChange struct {
	Current string
	New     string
}

// ChangePassword sets the caller's password and ends all their other sessions, in every client; a link to set it anew that is under way
// stops working. The session of the call goes on.
//
// Errors: fault.Unauthenticated `unauthenticated`, or `invalid_credentials` where the current password is wrong, which is slowed down
// and recorded as at sign-in; fault.Forbidden `people_only` for machines and assumed sessions; fault.Invalid (the new password);
// fault.RateLimited; fault.Unavailable `sessions_not_ended`, where the password is set and some sessions end only with their access
// token; those of the table.
func (s *Service) ChangePassword(ctx context.Context, in PasswordChange) error {
	const op = "identity.ChangePassword"
	for try := 1; ; try++ { // where the person or the session was changed meanwhile, what they are now decides
		me, err := s.change(ctx, op, in)
		if _, lost := store.FailedOn(err); lost && store.Again(ctx, try) {
			continue
		}
		if err != nil {
			return store.Fault(op, err)
		}
		s.tellPassword(ctx, me.person)
		return s.endEverySession(ctx, op, me.person, me.principal.Session, endedByChange)
	}
}

func (s *Service) change(ctx context.Context, op string, in PasswordChange) (caller, error) {
	me, err := s.proven(ctx, op, in.Current)
	if err != nil {
		return me, err
	}
	if me.person, err = s.withPassword(ctx, op, "body.new", me.person, in.New); err != nil {
		return me, err
	}
	partition := partitionOf(me.principal)
	row, err := s.Table.Get(ctx, partition, keys.Session(me.principal.Session))
	if errors.Is(err, store.ErrNotFound) {
		return me, fault.Wrap(op, fault.Unauthenticated, "unauthenticated", err)
	}
	if err != nil {
		return me, err
	}
	session, err := withEpoch(row, me.person.SessionsFrom)
	if err != nil {
		return me, err
	}
	changes := []store.Change{session, s.Directory.UpdatePerson(me.person)}
	name := directory.LoginOf(me.person.Email)
	login, err := s.Directory.Login(ctx, name)
	if err != nil {
		return me, err
	}
	if login.Reset.Version > 0 {
		changes = append(changes, s.Directory.EndReset(name, login.Reset))
	}
	e, err := s.event(ctx, partition, audit.Fact{Type: events.TypePasswordChanged, Private: callerOf(ctx, ""),
		Target: audit.Target{Type: "person", ID: me.person.ID}, Change: events.PasswordChanged{SessionID: me.principal.Session}})
	if err != nil {
		return me, err
	}
	return me, s.Table.Commit(ctx, partition, audit.Of(e), changes...)
}

// withEpoch returns the change that lets a session go on after its person has ended all sessions.
func withEpoch(row store.Item, epoch time.Time) (store.Change, error) {
	var held sessionData
	if err := row.Read(nil, &held); err != nil {
		return store.Change{}, err
	}
	held.Epoch = epoch
	next, err := store.Row(row.SK, row.Schema, row.Summary, held)
	next.ParentSK, next.ActorSK, next.ExpiresAt = row.ParentSK, row.ActorSK, row.ExpiresAt
	return store.Update(next, row.Version), err
}
