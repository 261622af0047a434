package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
)

const methodRefresh = "refresh"

// The reasons of a refused refresh, beside those of a refused sign-in.
const (
	reasonSuperseded = "superseded"       // the session goes on
	reasonReused     = "token_reused"     // this and the next end it
	reasonRevoked    = "sessions_revoked" // the person has put an end to all sessions since
)

func invalidRefresh(op string) error {
	return fault.New(op, fault.Unauthenticated, "invalid_refresh_token")
}

// unknown returns the refusal of a token that proves nothing: anybody can make one up, so it is not recorded here.
func (s *Service) unknown(ctx context.Context, op string) error {
	err := invalidRefresh(op)
	if s.Refused != nil {
		s.Refused(ctx, err)
	}
	return err
}

// refuseRefresh records that a session was not refreshed and goes on, once a minute for each reason, and returns answer.
func (s *Service) refuseRefresh(ctx context.Context, t refreshToken, reason string, answer error) error {
	if !s.first(ctx, meterKey("refresh", t.session, reason), time.Minute, 1) {
		return answer
	}
	e, err := s.refreshRefused(ctx, t, reason)
	if err != nil {
		return err
	}
	if err := s.Table.Commit(ctx, t.partition(), audit.Of(e)); err != nil {
		return err
	}
	return answer
}

// endRefused ends a session in one commit with the record of the refusal, and returns that refusal.
func (s *Service) endRefused(ctx context.Context, op string, t refreshToken, reason string) error {
	e, err := s.refreshRefused(ctx, t, reason)
	if err != nil {
		return err
	}
	if _, err := s.endSessions(ctx, t.partition(), t.user, []string{t.session}, reason, e); err != nil {
		return err
	}
	if reason == reasonNoFactor { // who held the current token may know what to do about it
		return factorRequired(op)
	}
	return invalidRefresh(op)
}

func (s *Service) refreshRefused(ctx context.Context, t refreshToken, reason string) (audit.Event, error) {
	return s.event(ctx, t.partition(), audit.Fact{Type: events.TypeSessionRefused, Result: "failure",
		Actor: audit.Actor{Type: "anonymous"}, Target: audit.Target{Type: "session", ID: t.session}, Private: callerOf(ctx, ""),
		Change: events.SessionRefused{Method: methodRefresh, Reason: reason}})
}
