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
	session    bool   // live, and the user's
	assumed    bool   // the session of a global administrator inside the client
	home       string // of an assumed session: the one at home that it was begun with, which has to be live too
	restricted bool   // the session may do nothing but enrol a second factor
	user       bool   // active
	client     bool   // active; true for a global administrator, who has none
	role       tenant.Role
	within     tenant.Names
	ends       time.Time // the session's end
	until      time.Time // how long this may be used again
}

// admits returns the reason why the principal is not let in, or nil.
func (l life) admits(p tenant.Principal, now time.Time) error {
	const op = "authorizer.Authorize"
	role := p.Role
	if p.Assumed {
		role = tenant.GlobalAdmin // what the administrator must still be, at home
	}
	ended := !l.ends.IsZero() && !now.Before(l.ends)
	if !l.session || ended || l.assumed != p.Assumed || !l.user || l.role != role {
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
	// A token without the restriction that its session is remembered to have may be of after that was lifted: the row says.
	if l, ok := a.alive.Get(key); ok && now.Before(l.until) && (p.Restricted || !l.restricted) {
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

// read reads session, user and client, consistently and in one call, for they are in one partition: a global administrator's at home,
// without a client. One who works inside a client has session and client there and is a user at home, which costs a second call.
func (a *Authorizer) read(ctx context.Context, p tenant.Principal) (life, error) {
	l := life{client: p.Client == ""}
	session, user := keys.Session(p.Session), keys.User(p.User)
	var err error
	switch {
	case p.Client == "":
		err = a.take(ctx, &l, p, directory.Home(p.User), session, user)
	case !p.Assumed:
		err = a.take(ctx, &l, p, p.Client, session, user, keys.Client)
	default:
		if err = a.take(ctx, &l, p, p.Client, session, keys.Client); err == nil && l.session {
			err = a.takeHome(ctx, &l, p)
		}
	}
	return l, err
}

// takeHome adds what is at home of a global administrator inside a client. Whoever ends the session there that the assumed one was begun
// with, by signing out or by a new password after a theft, ends both.
func (a *Authorizer) takeHome(ctx context.Context, l *life, p tenant.Principal) error {
	begun := l.home
	l.session = false
	if begun == "" {
		return nil
	}
	var home life
	if err := a.take(ctx, &home, p, directory.Home(p.User), keys.Session(begun), keys.User(p.User)); err != nil {
		return err
	}
	l.session, l.user, l.role, l.within = home.session && !home.assumed, home.user, home.role, home.within
	if !home.ends.IsZero() {
		l.ends = earlier(l.ends, home.ends)
	}
	return nil
}

func (a *Authorizer) take(ctx context.Context, l *life, p tenant.Principal, partition tenant.ID, wanted ...string) error {
	rows, err := a.table.BatchGet(ctx, partition, wanted)
	if err != nil {
		return store.Fault("authorizer.Authorize", err)
	}
	for _, row := range rows {
		if err := l.add(row, p); err != nil {
			return fault.Wrap("authorizer.Authorize", fault.Internal, "internal", err)
		}
	}
	return nil
}

func (l *life) add(row store.Item, p tenant.Principal) error {
	if row.SK == keys.Client {
		var err error
		l.client, err = active(row)
		return err
	}
	var s struct {
		User       string       `json:"user"`
		Assumed    bool         `json:"assumed"`
		Home       string       `json:"home"`
		Restricted bool         `json:"restricted"`
		Role       tenant.Role  `json:"role"`
		Status     string       `json:"status"`
		Within     tenant.Names `json:"within"`
	}
	if err := row.Read(&s, nil); err != nil {
		return err
	}
	if row.SK == keys.User(p.User) {
		l.user, l.role, l.within = s.Status == string(identity.StatusActive), s.Role, s.Within
		return nil
	}
	l.session, l.ends, l.assumed, l.restricted, l.home = s.User == p.User, row.ExpiresAt, s.Assumed, s.Restricted, s.Home
	return nil
}

// active reports whether the client in the row lets people and machines in.
func active(row store.Item) (bool, error) {
	var s struct {
		Status string `json:"status"`
	}
	err := row.Read(&s, nil)
	return s.Status == "active", err
}
