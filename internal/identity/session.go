package identity

import (
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Tokens is what signing in or refreshing gives.
type Tokens struct {
	AccessToken  string
	TokenType    string // Bearer (RFC 6750)
	ExpiresIn    int    // seconds that the access token lives
	RefreshToken string // works once; the answer to its use has the next one
}

// sessionSummary is also what the authorizer reads, and what lists of sessions show.
type sessionSummary struct {
	ID          string    `json:"id"`
	User        string    `json:"user"`
	CreatedAt   time.Time `json:"created_at"`
	RefreshedAt time.Time `json:"refreshed_at,omitzero"` // zero: never refreshed
	Method      string    `json:"method,omitempty"`
	Factors     []string  `json:"factors,omitempty"`
	Restricted  bool      `json:"restricted,omitempty"`
	Address     string    `json:"address,omitempty"` // of the last sign-in or refresh, as is the next
	UserAgent   string    `json:"user_agent,omitempty"`
}

// What a person has shown to be let in.
const (
	factorPassword   = "pwd" // this and the next: RFC 8176 §2
	factorOTP        = "otp"
	factorRecovery   = "recovery"
	factorInvitation = "invitation"
)

// sessionStart is how a session comes to be.
type sessionStart struct {
	method     string   // password, invitation or switch
	factors    []string // in the order in which they were shown
	restricted bool     // see [tenant.Principal.Restricted]
	// epoch is directory.Person.SessionsFrom as it was when the person was recognized. A refresh holds it against what it is by then, so
	// that a sign-in under way while the person ends all sessions, after a theft say, makes none that outlives it.
	epoch time.Time
	// ends is when the session ends at the latest, that of the session which another begins with; zero: after [SessionLifetime].
	ends time.Time
}

// sessionData is what a refresh is checked against: SHA-256 of the family and of the current generation's secret.
type sessionData struct {
	FamilyHash string `json:"family_hash"`
	SecretHash string `json:"secret_hash"`
	Generation int64  `json:"generation"` // 1 at sign-in
	// PreviousHash is that of the generation before this one, and ReplacedAt when it was used up.
	PreviousHash string    `json:"previous_hash,omitempty"`
	ReplacedAt   time.Time `json:"replaced_at,omitzero"`
	Epoch        time.Time `json:"epoch,omitzero"` // see sessionStart
}

// newSession is a session about to be committed, with the tokens that its maker gets.
type newSession struct {
	tokens Tokens
	change store.Change
	event  audit.Event
}

// startSession prepares a session of a user in the partition of its rows.
func (s *Service) startSession(ctx context.Context, partition tenant.ID, user User, start sessionStart) (newSession, error) {
	now := s.now()
	p := tenant.Principal{User: user.ID, Role: user.Role, Session: s.System.NewID("ses"), Restricted: start.restricted}
	if !partition.Platform() {
		p.Client = partition
	}
	token := refreshToken{p.Client, p.User, p.Session, s.System.NewSecret(), s.System.NewSecret()}
	caller := callerIn(ctx, "")
	it, err := store.Row(keys.Session(p.Session), 1, sessionSummary{ID: p.Session, User: user.ID, CreatedAt: now, Method: start.method,
		Factors: start.factors, Restricted: start.restricted, Address: caller.Address, UserAgent: caller.UserAgent},
		sessionData{FamilyHash: hashSecret(token.family), SecretHash: hashSecret(token.secret), Generation: 1, Epoch: start.epoch})
	if err != nil {
		return newSession{}, err
	}
	it.ParentSK = keys.UserSession(user.ID, now)
	it.ExpiresAt = now.Add(SessionLifetime).Truncate(time.Second)
	if !start.ends.IsZero() && start.ends.Before(it.ExpiresAt) {
		it.ExpiresAt = start.ends
	}
	tokens, err := s.tokens(p, token)
	if err != nil {
		return newSession{}, err
	}
	e, err := s.sessionEvent(ctx, partition, user.ID, p.Session, events.TypeSessionStarted,
		events.SessionStarted{SessionID: p.Session, Method: start.method, Role: string(user.Role), ExpiresAt: it.ExpiresAt,
			Factors: start.factors, Restricted: start.restricted})
	return newSession{tokens, store.Create(it), e}, err
}

func (s *Service) tokens(p tenant.Principal, refresh refreshToken) (Tokens, error) {
	access, err := s.Signer.Issue(p)
	return Tokens{access, "Bearer", int(AccessLifetime / time.Second), refresh.String()}, err
}

// sessionEvent returns an event about a session by its own user, with the caller's network address in the private part.
func (s *Service) sessionEvent(ctx context.Context, partition tenant.ID, user, session, kind string, change any) (audit.Event, error) {
	e, err := s.event(ctx, partition, audit.Fact{Type: kind, Actor: audit.Actor{Type: "user", ID: user},
		Target: audit.Target{Type: "session", ID: session}, Change: change, Private: callerOf(ctx, "")})
	return e, err
}

// callerValues is what is personal about a caller; it goes into private parts alone.
type callerValues struct {
	Email     string `json:"email,omitempty"`
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

// callerOf returns the private part about the caller, or nil where nothing is known.
func callerOf(ctx context.Context, email string) any {
	v := callerIn(ctx, email)
	if v == (callerValues{}) {
		return nil
	}
	return v
}

func callerIn(ctx context.Context, email string) callerValues {
	call := tenant.CallFrom(ctx)
	return callerValues{clip(email, 2*256), clip(call.Address, 64), clip(call.UserAgent, 256)}
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func isAbsent(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey)
}
