package identity

import (
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// EraseUsers takes at most limit (1 to 100) users of a client that is being erased away, its administrators too, and with each the
// membership off the person's login, or the login where there is no other. It returns how many users and logins went; none when
// none is left. Errors: those of the table.
func (s *Service) EraseUsers(ctx context.Context, client tenant.ID, limit int) (users, logins int, err error) {
	const op = "identity.EraseUsers"
	page, err := s.Table.Query(ctx, client, store.Query{Prefix: keys.UserPrefix, Limit: limit})
	if err != nil {
		return 0, 0, store.Fault(op, err)
	}
	for _, it := range page.Items {
		u, err := userOf(it)
		if err != nil {
			return users, logins, store.Fault(op, err)
		}
		last, err := s.eraseUser(ctx, client, u)
		if err != nil {
			return users, logins, store.Fault(op, err)
		}
		users++
		if last {
			logins++
		}
	}
	return users, logins, nil
}

// eraseUser reports whether the user's login went with it.
func (s *Service) eraseUser(ctx context.Context, client tenant.ID, u User) (bool, error) {
	for try := 1; ; try++ {
		login, gone, err := s.leave(ctx, client, u)
		if err != nil {
			return false, err
		}
		e, err := s.event(ctx, client, audit.Fact{Type: events.TypeUserRemoved, Target: audit.Target{Type: "user", ID: u.ID},
			Change: events.UserRemoved{Role: string(u.Role), Status: string(u.Status)}})
		if err != nil {
			return false, err
		}
		err = s.Table.Commit(ctx, client, audit.Of(e, gone...), append(login, store.Delete(keys.User(u.ID), u.Version))...)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return len(gone) > 0 && err == nil, err
		}
		if u, err = s.user(ctx, client, u.ID); errors.Is(err, store.ErrNotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
}

// EraseAPIKeys takes at most limit (1 to 100) API keys of a client that is being erased away, and what they are found by. It returns how
// many; none when none is left. Errors: those of the table.
func (s *Service) EraseAPIKeys(ctx context.Context, client tenant.ID, limit int) (int, error) {
	const op = "identity.EraseAPIKeys"
	page, err := s.Table.Query(ctx, client, store.Query{Prefix: keys.APIKeyPrefix, Limit: limit})
	if err != nil {
		return 0, store.Fault(op, err)
	}
	for i, it := range page.Items {
		k, err := APIKeyOf(it)
		if err != nil {
			return i, store.Fault(op, err)
		}
		if err := s.RevokeAPIKey(ctx, client, k.ID, 0); err != nil && !fault.Is(err, fault.NotFound) {
			return i, err
		}
	}
	return len(page.Items), nil
}
