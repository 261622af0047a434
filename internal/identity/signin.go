package identity

import (
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Platform stands for the platform itself where a person with several memberships names the one to sign in to.
const Platform tenant.ID = "platform"

// SignIn is an attempt to sign in.
type SignIn struct {
	Email    string
	Password string
	Client   tenant.ID // which of several memberships; empty where there is one. [Platform]: as global administrator
	Code     string    // of the second factor, or a recovery code, where the person has one
}

// How a session is asked for.
const (
	methodPassword   = "password"
	methodInvitation = "invitation"
)

// The reasons of a refusal, in the event alone: the caller learns none of the first four.
const (
	reasonCredentials = "bad_credentials"
	reasonNotMember   = "not_a_member"
	reasonInactive    = "user_inactive"
	reasonNoClient    = "client_gone"
	reasonSuspended   = "client_suspended"
)

// SignIn starts a session. Errors, after the same work whether the address has a login or not: fault.Unauthenticated
// `invalid_credentials`; and only with the right password fault.Conflict `client_required`, with a field for each choice,
// fault.Forbidden `client_suspended`, and fault.Unauthenticated `second_factor_required` or `invalid_code`. After failures, of the
// caller's network and whatever the address, fault.RateLimited `too_many_attempts`: see slow.go. Success and refusal are recorded.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Tokens, error) {
	const op = "identity.SignIn"
	for try := 1; ; try++ { // where the person was changed meanwhile, what they are now decides: a code works for one of two
		tokens, err := s.signIn(ctx, op, in)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return tokens, store.Fault(op, err)
		}
	}
}

func (s *Service) signIn(ctx context.Context, op string, in SignIn) (Tokens, error) {
	done, err := s.slow(ctx, op, guessPassword, in.Email)
	if err != nil {
		return Tokens{}, err
	}
	person, right, err := s.authenticate(ctx, in.Email, in.Password)
	if err != nil {
		return Tokens{}, store.Fault(op, err)
	}
	done(right)
	if !right {
		return Tokens{}, s.refuse(ctx, op, refusal{methodPassword, reasonCredentials, person, nil, in.Email})
	}
	m, err := choose(op, person, in.Client)
	if fault.Is(err, fault.Conflict) {
		return Tokens{}, err
	}
	if err != nil {
		return Tokens{}, s.refuse(ctx, op, refusal{methodPassword, reasonNotMember, person, nil, in.Email})
	}
	user, reason, err := s.admit(ctx, op, m)
	if err != nil {
		return Tokens{}, err
	}
	if reason != "" {
		return Tokens{}, s.refuse(ctx, op, refusal{methodPassword, reason, person, &m, in.Email})
	}
	start := sessionStart{method: methodPassword, factors: []string{factorPassword}, epoch: person.SessionsFrom}
	// The password is right, and the membership and its user are known: a second factor is asked for here.
	shown, err := s.askFactor(ctx, op, refusal{methodPassword, "", person, &m, in.Email}, in.Code)
	if err != nil {
		return Tokens{}, err
	}
	if shown.person, shown.again, err = s.rehashed(ctx, shown.person, in.Password); err != nil {
		return Tokens{}, err
	}
	return s.enter(ctx, op, m.Partition(), user, start, shown)
}

// enter starts a session in one commit with what the second factor that was shown for it used up.
func (s *Service) enter(ctx context.Context, op string, partition tenant.ID, user User, start sessionStart, shown factorShown) (Tokens, error) {
	client := partition
	if partition.Platform() {
		client = ""
	}
	start, err := s.started(ctx, op, client, user.Role, start, shown)
	if err != nil {
		return Tokens{}, err
	}
	started, err := s.startSession(ctx, partition, user, start)
	if err != nil {
		return Tokens{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	also, changes, err := s.spent(ctx, partition, user.ID, shown)
	if err != nil {
		return Tokens{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	if err := s.Table.Commit(ctx, partition, audit.Of(started.event, also...), append(changes, started.change)...); err != nil {
		return Tokens{}, err
	}
	s.tellSpent(ctx, shown)
	return started.tokens, nil
}

// authenticate returns the person with the address, if there is one, and whether the password is theirs. It hashes the password once in
// every case, so that time does not tell which it was.
func (s *Service) authenticate(ctx context.Context, email, password string) (directory.Person, bool, error) {
	person, err := s.Directory.PersonByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, directory.ErrEmail) {
		return directory.Person{}, false, err
	}
	normal, possible := normalizePassword(password)
	right, err := s.Hasher.Verify(ctx, person.PasswordHash, normal)
	if err != nil {
		return directory.Person{}, false, err
	}
	return person, right && possible, nil
}

// choose returns the membership to sign in to.
func choose(op string, p directory.Person, client tenant.ID) (directory.Membership, error) {
	if client == "" && len(p.Memberships) == 1 {
		return p.Memberships[0], nil
	}
	required := fault.New(op, fault.Conflict, "client_required")
	for _, m := range p.Memberships {
		id := m.Client
		if m.Global {
			id = Platform
		}
		if client != "" && id == client {
			return m, nil
		}
		required.Fields = append(required.Fields, fault.Field{Location: "body.client", Message: string(id)})
	}
	if client != "" || len(p.Memberships) == 0 {
		return directory.Membership{}, badCredentials(op)
	}
	return directory.Membership{}, required
}

// admit returns the membership's user, or the reason why it is not let in.
func (s *Service) admit(ctx context.Context, op string, m directory.Membership) (User, string, error) {
	user, err := s.user(ctx, m.Partition(), m.User)
	if err != nil && !isAbsent(err) {
		return User{}, "", store.Fault(op, err)
	}
	if err != nil || user.Status != StatusActive {
		return User{}, reasonInactive, nil
	}
	if m.Global {
		return user, "", nil
	}
	err = s.clientActive(ctx, op, m.Client)
	switch {
	case fault.Is(err, fault.Forbidden):
		return User{}, reasonSuspended, nil
	case fault.Is(err, fault.Unauthenticated):
		return User{}, reasonNoClient, nil
	}
	return user, "", err
}

// refusal is somebody not let in.
type refusal struct {
	method, reason string
	person         directory.Person      // zero: the address has no login
	membership     *directory.Membership // where they wanted in, if that is known
	email          string                // as it was typed
}

// refuse records a refusal and returns the caller's error. It belongs in the trail of the membership's client, or of the person's only
// client; otherwise in the platform's.
func (s *Service) refuse(ctx context.Context, op string, r refusal) error {
	answer := badCredentials(op)
	switch r.reason {
	case reasonSuspended:
		answer = fault.New(op, fault.Forbidden, "client_suspended")
	case reasonNoFactor:
		answer = factorRequired(op)
	case reasonCode:
		answer = badCode(op)
	}
	m := r.membership
	if m == nil && len(r.person.Memberships) == 1 {
		m = &r.person.Memberships[0]
	}
	target := audit.Target{Type: "login", ID: "unknown"}
	if r.person.ID != "" {
		target = audit.Target{Type: "person", ID: r.person.ID}
	}
	var client tenant.ID
	if m != nil && !m.Global && r.reason != reasonNoClient { // a client that is gone has no trail, nor any other row
		client = m.Client
	}
	e, err := s.event(ctx, client, audit.Fact{Type: events.TypeSessionRefused, Target: target, Actor: audit.Actor{Type: "anonymous"},
		Result: "failure", Change: events.SessionRefused{Method: r.method, Reason: r.reason}, Private: callerOf(ctx, r.email)})
	if err != nil {
		return fault.Wrap(op, fault.Internal, "internal", err)
	}
	if client == "" {
		e = directory.PlatformEvent(e)
	}
	if err := s.Table.Commit(ctx, e.Partition, audit.Of(e)); err != nil {
		return store.Fault(op, err)
	}
	return answer
}
