package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
)

const (
	guessReset = "reset" // see [Service.slow]

	endedByReset  = "password_reset"
	endedByChange = "password_changed"
)

// Reset is a new password in place of one that was forgotten.
type Reset struct {
	Token    string // of the mail
	Password string
}

// ResetPassword sets the password of the login that the token is of, uses the token up, and ends every session of the person, in every
// client. A second factor stays: the next sign-in asks for it. A token works once, of several uses at once too; a password that cannot be
// taken leaves it as it is.
//
// Errors: fault.Unauthenticated `invalid_reset_token` (unknown, used, expired, replaced by a newer one), recorded as [Deps.Refused] does;
// fault.Invalid (the password); fault.RateLimited `too_many_attempts`; fault.Unavailable `sessions_not_ended`, where the password is set
// and some sessions end only with their access token; those of the table.
func (s *Service) ResetPassword(ctx context.Context, in Reset) error {
	const op = "identity.ResetPassword"
	token, err := parseResetToken(in.Token)
	if err != nil {
		return s.refuseReset(ctx, op)
	}
	done, err := s.slow(ctx, op, guessReset, token.login)
	if err != nil {
		return err
	}
	for try := 1; ; try++ { // where the login was changed meanwhile, what it is now decides
		person, err := s.reset(ctx, op, token, in.Password)
		if _, lost := store.FailedOn(err); lost && store.Again(ctx, try) {
			continue
		}
		if err != nil {
			if fault.Is(err, fault.Invalid) { // the token was right
				done(true)
			}
			return store.Fault(op, err)
		}
		done(true)
		s.tellPassword(ctx, person)
		return s.endEverySession(ctx, op, person, "", endedByReset)
	}
}

// reset is one try, which returns the person whose password it has set.
func (s *Service) reset(ctx context.Context, op string, token resetToken, password string) (directory.Person, error) {
	login, err := s.Directory.Login(ctx, token.login)
	if err != nil && !isAbsent(err) {
		return directory.Person{}, err
	}
	person := login.Person
	if !sameHash(login.Reset.SecretHash, hashSecret(token.secret)) || login.Reset.ID != token.id || person.ID == "" {
		return directory.Person{}, s.refuseReset(ctx, op)
	}
	person, err = s.withPassword(ctx, op, "body.password", person, password)
	if err != nil {
		return directory.Person{}, err
	}
	e, err := s.event(ctx, "", audit.Fact{Type: events.TypePasswordReset, Actor: audit.Actor{Type: "anonymous"},
		Target: audit.Target{Type: "person", ID: person.ID}, Private: callerOf(ctx, ""), Change: events.PasswordReset{ResetID: token.id}})
	if err != nil {
		return directory.Person{}, err
	}
	e = directory.PlatformEvent(e)
	return person, s.Table.Commit(ctx, e.Partition, audit.Of(e), s.Directory.UpdatePerson(person),
		s.Directory.EndReset(token.login, login.Reset))
}

func (s *Service) refuseReset(ctx context.Context, op string) error {
	err := fault.New(op, fault.Unauthenticated, "invalid_reset_token")
	if s.Refused != nil {
		s.Refused(ctx, err)
	}
	return err
}

// withPassword returns the person with a new password of their own choice, and with all sessions from before it ended: see
// [directory.Person].SessionsFrom, which is another from now on even where the clock stands still.
func (s *Service) withPassword(ctx context.Context, op, field string, p directory.Person, password string) (directory.Person, error) {
	normal, err := newPassword(op, field, password, append(s.clientNames(ctx, p), p.Email, p.Name)...)
	if err != nil {
		return p, err
	}
	if p.PasswordHash, err = s.Hasher.Hash(ctx, normal); err != nil {
		return p, err
	}
	from := s.now()
	if !from.After(p.SessionsFrom) {
		from = p.SessionsFrom.Add(time.Microsecond)
	}
	p.SessionsFrom = from
	return p, nil
}

// clientNames returns the names of the person's clients, which are guessed first of all. One that cannot be read is passed over: no
// password hangs on it.
func (s *Service) clientNames(ctx context.Context, p directory.Person) []string {
	if s.ClientName == nil {
		return nil
	}
	const most = 10
	var names []string
	for _, m := range p.Memberships[:min(len(p.Memberships), most)] {
		if m.Global {
			continue
		}
		if name, _, err := s.ClientName(ctx, m.Client); err == nil {
			names = append(names, name)
		}
	}
	return names
}
