package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Session is a signed-in session as its user, and an administrator of the client, may see it. It holds nothing that lets anybody in.
type Session struct {
	ID          string // ses_…
	CreatedAt   time.Time
	RefreshedAt time.Time // when it was last refreshed; zero: never
	ExpiresAt   time.Time
	Method      string   // password, invitation, switch or another
	Factors     []string // what the person has shown: pwd, otp, recovery, invitation
	Restricted  bool     // until a second factor is enrolled
	Address     string   // network address of the last sign-in or refresh
	UserAgent   string   // of the same
	Current     bool     // the session of the call
}

// OwnSessions returns a page of at most limit (1 to 100) sessions that the user who makes the call has in the client they are in, the
// newest first, and the cursor of the next. It is one query of an index, which on DynamoDB lags by milliseconds. Errors:
// fault.Unauthenticated, fault.Forbidden `people_only` for a machine, fault.Invalid (cursor), those of the table.
func (s *Service) OwnSessions(ctx context.Context, limit int, cursor string) ([]Session, string, error) {
	const op = "identity.OwnSessions"
	p, err := signedIn(ctx, op)
	if err != nil {
		return nil, "", err
	}
	return s.sessions(ctx, op, partitionOf(p), p.User, limit, cursor)
}

// UserSessions is OwnSessions of a user of the client. Errors: fault.NotFound `user_not_found`, fault.Invalid (cursor), those of the
// table.
func (s *Service) UserSessions(ctx context.Context, client tenant.ID, user string, limit int, cursor string) ([]Session, string, error) {
	if _, err := s.GetUser(ctx, client, user); err != nil {
		return nil, "", err
	}
	return s.sessions(ctx, "identity.UserSessions", client, user, limit, cursor)
}

func (s *Service) sessions(ctx context.Context, op string, partition tenant.ID, user string, limit int, cursor string) ([]Session, string, error) {
	current := tenant.CallFrom(ctx).Principal.Session
	return store.List(ctx, op, s.Table, partition, store.Query{Index: store.ByParent, Prefix: keys.UserSessions(user), Limit: limit,
		Cursor: cursor, Descending: true}, func(it store.Item) (Session, error) {
		var sum sessionSummary
		err := it.Read(&sum, nil)
		return Session{sum.ID, sum.CreatedAt, sum.RefreshedAt, it.ExpiresAt.UTC(), sum.Method, sum.Factors, sum.Restricted, sum.Address,
			sum.UserAgent, sum.ID == current}, err
	})
}

// EndOwnSession ends a session of the user who makes the call, in the client they are in; it may be the call's own. Access tokens of
// the session die with it, where a verdict on them is remembered after the lifetimes of package authorizer: within a minute. Errors:
// fault.NotFound `session_not_found` (also for another user's), fault.Unauthenticated, fault.Forbidden `people_only`, those of the table.
func (s *Service) EndOwnSession(ctx context.Context, id string) error {
	const op = "identity.EndOwnSession"
	p, err := signedIn(ctx, op)
	if err != nil {
		return err
	}
	return s.endOne(ctx, op, partitionOf(p), p.User, id, "ended_by_user")
}

// EndUserSession ends a session of a user of the client, as EndOwnSession does. Errors: fault.NotFound `session_not_found`, those of the
// table.
func (s *Service) EndUserSession(ctx context.Context, client tenant.ID, user, id string) error {
	idempotency.Answer(ctx, nil)
	return s.endOne(ctx, "identity.EndUserSession", client, user, id, reasonAdministrator)
}

// EndSessionsOf ends all sessions of a user of the client, as EndOwnSession does. Errors: fault.NotFound `user_not_found`, those of the
// table.
func (s *Service) EndSessionsOf(ctx context.Context, client tenant.ID, user string) error {
	if _, err := s.GetUser(ctx, client, user); err != nil {
		return err
	}
	return s.EndUserSessions(ctx, client, user, "", reasonAdministrator)
}

const reasonAdministrator = "ended_by_administrator"

func (s *Service) endOne(ctx context.Context, op string, partition tenant.ID, user, id, reason string) error {
	n, err := s.endSessions(ctx, partition, user, []string{id}, reason)
	if isAbsent(err) || err == nil && n == 0 {
		return fault.New(op, fault.NotFound, "session_not_found")
	}
	return store.Fault(op, err)
}

// signedIn returns the principal of the call, who has a session.
func signedIn(ctx context.Context, op string) (tenant.Principal, error) {
	p := tenant.CallFrom(ctx).Principal
	switch {
	case p.Anonymous():
		return p, fault.New(op, fault.Unauthenticated, "unauthenticated")
	case p.Session == "":
		return p, fault.New(op, fault.Forbidden, "people_only")
	}
	return p, nil
}
