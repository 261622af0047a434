package identity

import (
	"context"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// candidates is how many users a page of the search for another administrator has.
const candidates = 25

// otherAdministrator returns the condition that somebody else than the user is an active administrator of the client, by name: the row
// of one, at the version at which it was read. A commit that takes an administrator away holds it, so that of two administrators who
// take each other away at once one fails: each needs the other's row as it was. The caller is asked first, for it is one read.
//
// INVARIANT: a client that has an active administrator keeps one. Every commit that ends an active administrator's being one holds
// this condition, and commits are serializable.
//
// Errors: fault.Conflict `last_administrator`, those of the table.
func (s *Service) otherAdministrator(ctx context.Context, op string, client tenant.ID, user string) (store.Change, error) {
	if p := tenant.CallFrom(ctx).Principal; p.Client == client && p.User != user {
		if check, ok, err := s.administrator(ctx, client, p.User); ok || err != nil {
			return check, err
		}
	}
	q := store.Query{Index: store.ByParent, Prefix: keys.RoleUsers(string(tenant.ClientAdmin)), Limit: candidates}
	for {
		page, err := s.Table.Query(ctx, client, q)
		if err != nil {
			return store.Change{}, err
		}
		for _, it := range page.Items {
			u, err := userOf(it)
			if err != nil {
				return store.Change{}, err
			}
			if u.ID == user || !u.administers() {
				continue
			}
			// The index may lag: the row itself decides.
			if check, ok, err := s.administrator(ctx, client, u.ID); ok || err != nil {
				return check, err
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return store.Change{}, fault.New(op, fault.Conflict, "last_administrator")
		}
	}
}

// administrator returns the condition that the user is as it is now, and whether that is an active administrator.
func (s *Service) administrator(ctx context.Context, client tenant.ID, id string) (store.Change, bool, error) {
	u, err := s.user(ctx, client, id)
	if isAbsent(err) {
		return store.Change{}, false, nil
	}
	return store.Check(keys.User(id), u.Version), u.administers(), err
}

// happened returns the event of a fact for the client's trail and, where a global administrator did it, the same for the platform's.
func (s *Service) happened(ctx context.Context, client tenant.ID, f audit.Fact) ([]audit.Event, error) {
	e, err := s.event(ctx, client, f)
	if err != nil {
		return nil, err
	}
	if tenant.CallFrom(ctx).Principal.Role != tenant.GlobalAdmin {
		return []audit.Event{e}, nil
	}
	return []audit.Event{e, directory.PlatformEvent(e)}, nil
}
