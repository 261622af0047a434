package identity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Accept is the acceptance of an invitation.
type Accept struct {
	Token    string
	Name     string // empty: the name of the invitation
	Password string // a new one, or the one of the login that the address has already
	Code     string // of that login's second factor, where it has one
}

// Accept makes the invited person a user of the client and signs them in, all in one commit. An address without a login gets one with
// the given password; where there is a login already, the password must be that login's own (invariant 14).
//
// Errors: fault.Unauthenticated `invalid_invitation` (unknown, used, expired), fault.Unauthenticated `invalid_credentials` (not
// the login's password), `second_factor_required` and `invalid_code` (that login's own, too), fault.RateLimited `too_many_attempts` (to guess it), fault.Forbidden `client_suspended`, fault.Invalid (name, a
// new password), those of the table.
func (s *Service) Accept(ctx context.Context, in Accept) (Tokens, error) {
	const op = "identity.Accept"
	token, err := parseInvitationToken(in.Token)
	if err != nil {
		return Tokens{}, s.refuseInvitation(ctx, op, "")
	}
	if in.Name = strings.TrimSpace(in.Name); in.Name != "" && !validName(in.Name) {
		return Tokens{}, fault.BadField(op, "body.name", "must have 1 to 120 characters, none of them control characters")
	}
	for range 3 { // again where the invitation, its user or the login changed meanwhile: what they are now decides
		tokens, err := s.accept(ctx, op, token, in)
		if _, lost := store.FailedOn(err); !lost {
			return tokens, store.Fault(op, err)
		}
	}
	return Tokens{}, fault.New(op, fault.Unavailable, "busy")
}

// refuseInvitation records that a token was no invitation, in the trail of the client where it named one of its invitations and in the
// platform's otherwise, and returns the caller's error.
func (s *Service) refuseInvitation(ctx context.Context, op string, client tenant.ID) error {
	r := refusal{method: methodInvitation, reason: reasonInvitation}
	if client != "" {
		r.membership = &directory.Membership{Client: client}
	}
	if err := s.refuse(ctx, op, r); !fault.Is(err, fault.Unauthenticated) {
		return err
	}
	return fault.New(op, fault.Unauthenticated, "invalid_invitation")
}

func (s *Service) accept(ctx context.Context, op string, token invitationToken, in Accept) (Tokens, error) {
	inv, user, err := s.invited(ctx, op, token)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.clientActive(ctx, op, token.client); err != nil {
		return Tokens{}, err
	}
	seen := user.Version
	user.Status, user.invitation = StatusActive, ""
	if in.Name != "" {
		user.Name = in.Name
	}
	shown, login, err := s.loginOf(ctx, op, token.client, user, in)
	if err != nil {
		return Tokens{}, err
	}
	user.Person = shown.person.ID
	row, err := user.item()
	if err != nil {
		return Tokens{}, err
	}
	e, err := s.event(ctx, token.client, audit.Fact{Type: events.TypeInvitationAccepted, Actor: audit.Actor{Type: "user", ID: user.ID},
		Target: audit.Target{Type: "user", ID: user.ID}, Private: contactValues{user.Email, user.Name},
		Change: events.InvitationAccepted{InvitationID: inv.id, UserID: user.ID, Role: string(user.Role)}})
	if err != nil {
		return Tokens{}, err
	}
	record := []audit.Event{e}
	if login.Op == store.OpCreate { // in the platform's trail alone: whether somebody had a login is no client's to know
		made, err := s.event(ctx, "", audit.Fact{Type: events.TypeLoginCreated, Actor: e.Body.Actor,
			Target: audit.Target{Type: "person", ID: user.Person}, Change: events.LoginCreated{Method: methodInvitation}})
		if err != nil {
			return Tokens{}, err
		}
		record = append(record, directory.PlatformEvent(made))
	}
	start, err := s.started(ctx, op, token.client, user.Role, sessionStart{method: methodInvitation,
		factors: []string{factorInvitation, factorPassword}, epoch: shown.person.SessionsFrom}, shown)
	if err != nil {
		return Tokens{}, err
	}
	started, err := s.startSession(ctx, token.client, user, start)
	if err != nil {
		return Tokens{}, err
	}
	spent, _, err := s.spent(ctx, token.client, user.ID, shown) // the change of the person is that of the login
	if err != nil {
		return Tokens{}, err
	}
	err = s.Table.Commit(ctx, token.client, audit.Of(started.event, slices.Concat(record, spent)...),
		login, store.Update(row, seen), store.Delete(keys.Invitation(inv.id), inv.version), started.change)
	if err != nil {
		return Tokens{}, err
	}
	s.tellSpent(ctx, shown)
	return started.tokens, nil
}

// reasonInvitation is why a token was refused that is no open invitation.
const reasonInvitation = "bad_invitation"

type openInvitation struct {
	id      string
	version int64
}

// invited returns the invitation that the token is of, and its user, who has not accepted yet.
func (s *Service) invited(ctx context.Context, op string, token invitationToken) (openInvitation, User, error) {
	it, err := s.Table.Get(ctx, token.client, keys.Invitation(token.id))
	if isAbsent(err) {
		return openInvitation{}, User{}, s.refuseInvitation(ctx, op, "")
	}
	var sum invitationSummary
	var data invitationData
	if err == nil {
		err = it.Read(&sum, &data)
	}
	if err != nil {
		return openInvitation{}, User{}, err
	}
	if !sameHash(data.SecretHash, hashSecret(token.secret)) {
		return openInvitation{}, User{}, s.refuseInvitation(ctx, op, token.client)
	}
	user, err := s.user(ctx, token.client, sum.User)
	if isAbsent(err) {
		return openInvitation{}, User{}, s.refuseInvitation(ctx, op, token.client)
	}
	if err != nil {
		return openInvitation{}, User{}, err
	}
	if user.Status != StatusInvited || user.invitation != sum.ID {
		return openInvitation{}, User{}, s.refuseInvitation(ctx, op, token.client)
	}
	return openInvitation{sum.ID, it.Version}, user, nil
}

// loginOf returns the person who accepts, and the change that makes them, or adds the membership, in the directory.
func (s *Service) loginOf(ctx context.Context, op string, client tenant.ID, user User, in Accept) (factorShown, store.Change, error) {
	m := directory.Membership{Client: client, User: user.ID}
	person, err := s.Directory.PersonByEmail(ctx, user.Email)
	if errors.Is(err, store.ErrNotFound) {
		person, err = s.newPerson(ctx, op, user.Email, user.Name, in.Password)
		if err != nil {
			return factorShown{}, store.Change{}, err
		}
		person = person.Join(m)
		return factorShown{person: person}, s.Directory.CreatePerson(person), nil
	}
	if err != nil {
		return factorShown{}, store.Change{}, err
	}
	// INVARIANT 14: an address that has a login is joined by who signs in to that login, and it stays as it is.
	done, err := s.slow(ctx, op, guessPassword, user.Email)
	if err != nil {
		return factorShown{}, store.Change{}, err
	}
	normal, possible := normalizePassword(in.Password)
	right, err := s.Hasher.Verify(ctx, person.PasswordHash, normal)
	if err != nil {
		return factorShown{}, store.Change{}, err
	}
	done(right && possible)
	if !right || !possible {
		return factorShown{}, store.Change{}, s.refuse(ctx, op, refusal{methodInvitation, reasonCredentials, person, &m, user.Email})
	}
	shown, err := s.askFactor(ctx, op, refusal{methodInvitation, "", person, &m, user.Email}, in.Code)
	if err != nil {
		return factorShown{}, store.Change{}, err
	}
	shown.person = shown.person.Join(m)
	return shown, s.Directory.UpdatePerson(shown.person), nil
}

// newPerson returns a person with a password of their own choice, who has no memberships yet.
func (s *Service) newPerson(ctx context.Context, op, email, name, password string) (directory.Person, error) {
	normal, err := newPassword(op, "body.password", password, email, name)
	if err != nil {
		return directory.Person{}, err
	}
	hash, err := s.Hasher.Hash(ctx, normal)
	if err != nil {
		return directory.Person{}, err
	}
	return directory.Person{ID: s.System.NewID("per"), Email: email, PasswordHash: hash, Name: name, CreatedAt: s.now()}, nil
}
