package authorizer

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// liveKey is what liveness is remembered by. The user is in it, so that no token speaks for another user's session.
type liveKey struct {
	client  tenant.ID
	user    string
	session string
}

// life is the state of a session, its user and its client, as the table had it.
type life struct {
	session bool // live, and the user's
	user    bool // active
	client  bool // active; true for a global administrator, who has none
	role    tenant.Role
	ends    time.Time // the session's end
	until   time.Time // how long this may be used again
}

// admits returns the reason why the principal is not let in, or nil.
func (l life) admits(p tenant.Principal) error {
	const op = "authorizer.Authorize"
	if !l.session || !l.user || l.role != p.Role {
		return fault.New(op, fault.Unauthenticated, "session_ended")
	}
	if !l.client {
		return fault.New(op, fault.Forbidden, "client_suspended")
	}
	return nil
}

// life returns what is known of a principal, from memory if that is fresh. A session that is gone is not remembered: its id never
// comes back, and ids of refused tokens should not push out those in use.
func (a *Authorizer) life(ctx context.Context, p tenant.Principal, now time.Time) (life, error) {
	key := liveKey{p.Client, p.User, p.Session}
	if l, ok := a.alive.Get(key); ok && now.Before(l.until) {
		return l, nil
	}
	l, err := a.read(ctx, p)
	if err != nil {
		return life{}, err
	}
	if !l.session {
		a.alive.Remove(key)
		return l, nil
	}
	l.until = now.Add(LivenessLifetime) // from before the read: what changes after it counts from then
	a.alive.Add(key, l)
	return l, nil
}

// read reads session, user and client, consistently and in one call. They are in one partition; a global administrator's are at
// home, without a client.
func (a *Authorizer) read(ctx context.Context, p tenant.Principal) (life, error) {
	partition, wanted := p.Client, []string{keys.Session(p.Session), keys.User(p.User), keys.Client}
	if p.Client == "" {
		partition, wanted = directory.Home(p.User), wanted[:2]
	}
	rows, err := a.table.BatchGet(ctx, partition, wanted)
	if err != nil {
		return life{}, store.Fault("authorizer.Authorize", err)
	}
	l := life{client: p.Client == ""}
	for _, row := range rows {
		if err := l.take(row, p); err != nil {
			return life{}, fault.Wrap("authorizer.Authorize", fault.Internal, "internal", err)
		}
	}
	return l, nil
}

func (l *life) take(row store.Item, p tenant.Principal) error {
	var s struct {
		User   string      `json:"user"`
		Role   tenant.Role `json:"role"`
		Status string      `json:"status"`
	}
	if err := row.Read(&s, nil); err != nil {
		return err
	}
	switch row.SK {
	case keys.Client:
		l.client = s.Status == "active"
	case keys.User(p.User):
		l.user, l.role = s.Status == string(identity.StatusActive), s.Role
	case keys.Session(p.Session):
		l.session, l.ends = s.User == p.User, row.ExpiresAt
	}
	return nil
}
