package identity

import (
	"context"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Refresh exchanges a refresh token for new tokens, which carry the user's present role. The token works once: of two that race
// exactly one wins, and one that was used before ends its session, for one of its two holders stole it (RFC 9700 §4.14.2).
//
// Errors: fault.Unauthenticated `invalid_refresh_token` (unknown, expired, used, or its user may not sign in),
// fault.Forbidden `client_suspended`, those of the table.
func (s *Service) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	const op = "identity.Refresh"
	refused := fault.New(op, fault.Unauthenticated, "invalid_refresh_token")
	token, err := parseRefreshToken(refresh)
	if err != nil {
		return Tokens{}, refused
	}
	partition := token.partition()
	rows, err := s.Table.BatchGet(ctx, partition, []string{keys.Session(token.session), keys.User(token.user)})
	if err != nil {
		return Tokens{}, store.Fault(op, err)
	}
	if len(rows) != 2 {
		return Tokens{}, refused
	}
	held, state, err := heldSession(rows[0], token)
	if err != nil {
		return Tokens{}, store.Fault(op, err)
	}
	switch state {
	case unknownToken:
		return Tokens{}, refused
	case usedToken:
		if _, err := s.endSessions(ctx, partition, token.user, []string{token.session}, "token_reused"); err != nil {
			return Tokens{}, store.Fault(op, err)
		}
		return Tokens{}, refused
	}
	user, err := userOf(rows[1])
	if err != nil {
		return Tokens{}, store.Fault(op, err)
	}
	if user.Status != StatusActive {
		return Tokens{}, refused
	}
	if token.client != "" {
		if err := s.clientActive(ctx, op, token.client); fault.Is(err, fault.Unauthenticated) {
			return Tokens{}, refused
		} else if err != nil {
			return Tokens{}, err
		}
	}
	next, err := s.rotate(ctx, partition, rows[0], held, user, token)
	if _, lost := store.FailedOn(err); lost {
		return Tokens{}, refused
	}
	return next, store.Fault(op, err)
}

type tokenState uint8

const (
	unknownToken tokenState = iota
	currentToken
	usedToken // of this session's family, but not its current generation
)

func heldSession(row store.Item, t refreshToken) (sessionData, tokenState, error) {
	var sum sessionSummary
	var held sessionData
	if err := row.Read(&sum, &held); err != nil {
		return held, unknownToken, err
	}
	switch {
	case sum.User != t.user || !sameHash(held.FamilyHash, hashSecret(t.family)):
		return held, unknownToken, nil
	case !sameHash(held.SecretHash, hashSecret(t.secret)):
		return held, usedToken, nil
	}
	return held, currentToken, nil
}

// rotate replaces the session's generation; the condition is the version that was read, so that one of two racers loses.
func (s *Service) rotate(ctx context.Context, partition tenant.ID, row store.Item, held sessionData, user User, t refreshToken) (Tokens, error) {
	t.secret = s.System.NewSecret()
	held.SecretHash = hashSecret(t.secret)
	held.Generation++
	next, err := store.Row(row.SK, 1, row.Summary, held)
	if err != nil {
		return Tokens{}, err
	}
	next.ParentSK, next.ExpiresAt = row.ParentSK, row.ExpiresAt
	tokens, err := s.tokens(tenant.Principal{Client: t.client, User: user.ID, Role: user.Role, Session: t.session}, t)
	if err != nil {
		return Tokens{}, err
	}
	e, err := s.sessionEvent(ctx, partition, user.ID, t.session, events.TypeSessionRefreshed,
		events.SessionRefreshed{SessionID: t.session, Generation: held.Generation, ExpiresAt: row.ExpiresAt.UTC()})
	if err != nil {
		return Tokens{}, err
	}
	if err := s.Table.Commit(ctx, partition, audit.Of(e), store.Update(next, row.Version)); err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// partitionOf is where a principal's own rows are kept: its client's, or a global administrator's home.
func partitionOf(p tenant.Principal) tenant.ID {
	if p.Client == "" {
		return directory.Home(p.User)
	}
	return p.Client
}
