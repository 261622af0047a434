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
// `invalid_credentials`; and only with the right password fault.Conflict `client_required`, with a field for each choice, and
// fault.Forbidden `client_suspended`. Success and refusal are recorded.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Tokens, error) {
	const op = "identity.SignIn"
	person, right, err := s.authenticate(ctx, in.Email, in.Password)
	if err != nil {
		return Tokens{}, store.Fault(op, err)
	}
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
	started, err := s.startSession(ctx, m.Partition(), user, sessionStart{method: methodPassword,
		factors: []string{factorPassword}, epoch: person.SessionsFrom})
	if err != nil {
		return Tokens{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	if err := s.Table.Commit(ctx, m.Partition(), audit.Of(started.event), started.change); err != nil {
		return Tokens{}, store.Fault(op, err)
	}
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
	if r.reason == reasonSuspended {
		answer = fault.New(op, fault.Forbidden, "client_suspended")
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
	if m != nil && !m.Global {
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
