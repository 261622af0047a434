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
	"github.com/nowgo/agents/internal/tenant"
)

// SupersededFor is how long a refresh token that was used up is answered with `refresh_superseded` rather than with the end of its
// session.
const SupersededFor = 10 * time.Second

// Refresh exchanges a refresh token for new tokens, which carry the user's present role. The token works once: of several uses at once
// exactly one wins. What the others are answered depends on which generation they hold and on when they come:
//
//   - The generation right before the current one, within [SupersededFor] of its replacement: fault.Conflict `refresh_superseded`. Two
//     tabs of one person race like this, and the one that is late should use the tokens that the other has stored.
//   - Any other generation that was used up ends the session, for one of its two holders stole it (RFC 9700 §4.14.2).
//
// This is no grace: `refresh_superseded` comes without tokens, revives nothing and prolongs nothing. A thief with a used token gains
// from it that the session is not ended by his using it in the first seconds, which he had not if he did nothing. A thief who is
// faster than the owner leaves the owner with `refresh_superseded` and no tokens stored by anybody: a tab that finds none sends its
// token again after [SupersededFor], which ends the thief's session as well.
//
// A refresh reads session and user in one call, the client's status, and the person, whose SessionsFrom ends sessions in every client.
//
// Errors: fault.Unauthenticated `invalid_refresh_token` (unknown, expired, used, ended, or its user may not sign in), or
// `second_factor_required` (the client has come to ask one that this session never showed: it ends), fault.Conflict
// `refresh_superseded`, fault.Forbidden `client_suspended`, those of the table. Refusals are recorded: of a session that is known in its
// own trail, once a minute for each reason, the others as [Deps.Refused] does.
func (s *Service) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	const op = "identity.Refresh"
	token, err := parseRefreshToken(refresh)
	if err != nil {
		return Tokens{}, s.unknown(ctx, op)
	}
	for try := 1; ; try++ { // who lost the race finds the session's next generation, or none
		tokens, err := s.refresh(ctx, op, token)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return tokens, store.Fault(op, err)
		}
	}
}

func (s *Service) refresh(ctx context.Context, op string, token refreshToken) (Tokens, error) {
	held, err := s.sessionOf(ctx, token)
	if err != nil {
		return Tokens{}, err
	}
	switch held.state(token, s.now()) {
	case unknownToken:
		return Tokens{}, s.unknown(ctx, op)
	case supersededToken:
		return Tokens{}, s.refuseRefresh(ctx, token, reasonSuperseded, fault.New(op, fault.Conflict, "refresh_superseded"))
	case usedToken:
		return Tokens{}, s.endRefused(ctx, op, token, reasonReused)
	}
	reason, err := s.barred(ctx, op, &held, token)
	if err != nil {
		return Tokens{}, err
	}
	switch reason {
	case "":
		return s.rotate(ctx, held, token)
	case reasonNoClient: // nor has it a trail
		return Tokens{}, s.unknown(ctx, op)
	case reasonSuspended: // the session goes on when the client does
		return Tokens{}, s.refuseRefresh(ctx, token, reason, fault.New(op, fault.Forbidden, "client_suspended"))
	}
	return Tokens{}, s.endRefused(ctx, op, token, reason)
}

// heldSession is what the table has of a session. Its row is empty where there is none, its user where that is gone.
type heldSession struct {
	row  store.Item
	sum  sessionSummary
	data sessionData
	user User
}

func (s *Service) sessionOf(ctx context.Context, t refreshToken) (heldSession, error) {
	rows, err := s.Table.BatchGet(ctx, t.partition(), []string{keys.Session(t.session), keys.User(t.user)})
	if err != nil {
		return heldSession{}, err
	}
	var h heldSession
	for _, row := range rows {
		if row.SK == keys.User(t.user) {
			h.user, err = userOf(row)
		} else {
			h.row, err = row, row.Read(&h.sum, &h.data)
		}
		if err != nil {
			return heldSession{}, err
		}
	}
	return h, nil
}

type tokenState uint8

const (
	unknownToken    tokenState = iota
	currentToken               // of the current generation
	supersededToken            // of the one before, which was used up a moment ago
	usedToken                  // of this session's family, but neither of these
)

func (h heldSession) state(t refreshToken, now time.Time) tokenState {
	secret := hashSecret(t.secret)
	switch {
	case h.row.SK == "" || h.sum.User != t.user || !sameHash(h.data.FamilyHash, hashSecret(t.family)):
		return unknownToken
	case sameHash(h.data.SecretHash, secret):
		return currentToken
	case sameHash(h.data.PreviousHash, secret) && now.Before(h.data.ReplacedAt.Add(SupersededFor)):
		return supersededToken
	}
	return usedToken
}

// barred returns why a session may not go on, or no reason. It finds out whether the session is restricted from now on.
func (s *Service) barred(ctx context.Context, op string, h *heldSession, t refreshToken) (string, error) {
	if h.user.Status != StatusActive { // or gone
		return reasonInactive, nil
	}
	if t.client != "" {
		err := s.clientActive(ctx, op, t.client)
		switch {
		case fault.Is(err, fault.Unauthenticated):
			return reasonNoClient, nil
		case fault.Is(err, fault.Forbidden):
			return reasonSuspended, nil
		case err != nil:
			return "", err
		}
	}
	person, err := s.Directory.PersonByEmail(ctx, h.user.Email)
	if errors.Is(err, store.ErrNotFound) {
		return reasonInactive, nil
	}
	if err != nil {
		return "", err
	}
	if person.SessionsFrom.After(h.data.Epoch) {
		return reasonRevoked, nil
	}
	h.sum.Restricted, err = s.restricts(ctx, op, t.client, h.user.Role, h.sum.Factors, person)
	if fault.Is(err, fault.Unauthenticated) {
		return reasonNoFactor, nil
	}
	return "", err
}

// rotate replaces the session's generation; the condition is the version that was read, so that one of two racers loses.
func (s *Service) rotate(ctx context.Context, h heldSession, t refreshToken) (Tokens, error) {
	t.secret = s.System.NewSecret()
	caller := callerIn(ctx, "")
	h.sum.RefreshedAt, h.sum.Address, h.sum.UserAgent = s.now(), caller.Address, caller.UserAgent
	h.data.PreviousHash, h.data.ReplacedAt = h.data.SecretHash, h.sum.RefreshedAt
	h.data.SecretHash = hashSecret(t.secret)
	h.data.Generation++
	next, err := store.Row(h.row.SK, 1, h.sum, h.data)
	if err != nil {
		return Tokens{}, err
	}
	next.ParentSK, next.ExpiresAt = h.row.ParentSK, h.row.ExpiresAt
	tokens, err := s.tokens(tenant.Principal{Client: t.client, User: h.user.ID, Role: h.user.Role, Session: t.session,
		Restricted: h.sum.Restricted}, t)
	if err != nil {
		return Tokens{}, err
	}
	e, err := s.sessionEvent(ctx, t.partition(), h.user.ID, t.session, events.TypeSessionRefreshed,
		events.SessionRefreshed{SessionID: t.session, Generation: h.data.Generation, ExpiresAt: h.row.ExpiresAt.UTC()})
	if err != nil {
		return Tokens{}, err
	}
	if err := s.Table.Commit(ctx, t.partition(), audit.Of(e), store.Update(next, h.row.Version)); err != nil {
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
