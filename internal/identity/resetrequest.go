package identity

import (
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/mail/mailtext"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	// ResetLifetime is how long the link works that sets a password anew.
	ResetLifetime = time.Hour
	// ForgotTime is how long the answer to a forgotten password takes, whether a mail was sent meanwhile or not.
	ForgotTime = time.Second

	forgotMailTime = 10 * time.Second // at most, for the mail

	resetsPerAddress = 3  // mails to one address at once, and as many an hour
	resetsPerNetwork = 20 // requests from one network at once, and as many an hour
)

// Forgot is somebody who does not know their password any more.
type Forgot struct {
	Email    string
	Language string // of the mail: pt-BR or en; empty: that of the call
}

// ForgotPassword mails the login of the address, if it has one, a link with which its password can be set once within an hour; it ends
// the link before. It tells nobody whether there is a login:
//
//   - The answer is the same, and so is the work: one read of the login, one commit of an event and of a row, which nothing can be done
//     with where there is no login. The row is gone within the hour.
//   - Only a login gets a mail, and a function has no time after its answer in which to send it. So every answer is given [ForgotTime]
//     after its request. What remains: a mail server that takes longer than that makes the answer late, and who sees that the processes
//     of the platform speak to a mail server sees that there is a mail.
//   - Three requests an hour are heard for one address, whether it has a login or not, and twenty from one network; those beyond are
//     answered at once, without any work. What an attacker asks for a person's address still brings that person links that work. Where
//     the meter does not answer, requests are heard (fail open): a mail too many is better than a person without a password.
//
// Without a mailer nothing is sent, there is nothing to hide, and there is no other way to a new password: an administrator can neither
// set nor learn one (invariant 14).
//
// Errors: those of the table. A mail that could not be sent is logged, not told.
func (s *Service) ForgotPassword(ctx context.Context, in Forgot) error {
	const op = "identity.ForgotPassword"
	began := s.System.Now()
	email, err := directory.NormalizeEmail(in.Email)
	if err != nil {
		return nil //nolint:nilerr // nobody can have such an address, and who typed it knows its form
	}
	from := network(tenant.CallFrom(ctx).Address)
	if !s.first(ctx, meterKey("resets of network", from), time.Hour/resetsPerNetwork, resetsPerNetwork) ||
		!s.first(ctx, meterKey("resets of address", email), time.Hour/resetsPerAddress, resetsPerAddress) {
		return nil
	}
	if in.Language == "" {
		in.Language = tenant.CallFrom(ctx).Language
	}
	if err := s.requestReset(ctx, email, in.Language); err != nil {
		return store.Fault(op, err)
	}
	if s.Mailer == nil {
		return nil
	}
	if err := s.Wait(ctx, ForgotTime-s.System.Now().Sub(began)); err != nil {
		return fault.Wrap(op, fault.Unavailable, "canceled", err)
	}
	return nil
}

// requestReset makes the reset and mails it. Of two requests at once the one that comes second to the table sends nothing: the link of
// the first works.
func (s *Service) requestReset(ctx context.Context, email, language string) error {
	name := directory.LoginOf(email)
	login, err := s.Directory.Login(ctx, name)
	if err != nil {
		return err
	}
	token := resetToken{name, s.System.NewID("rst"), s.System.NewSecret()}
	reset := directory.Reset{ID: token.id, SecretHash: hashSecret(token.secret),
		ExpiresAt: s.now().Add(ResetLifetime).Truncate(time.Second), Version: login.Reset.Version}
	sends := login.Person.ID != "" && s.Mailer != nil
	fact := audit.Fact{Type: events.TypePasswordResetRequested, Actor: audit.Actor{Type: "anonymous"}, Result: "failure",
		Target: audit.Target{Type: "login", ID: "unknown"}, Private: callerOf(ctx, email),
		Change: events.PasswordResetRequested{ResetID: reset.ID, ExpiresAt: reset.ExpiresAt.UTC()}}
	if sends {
		fact.Result = "success"
	}
	if login.Person.ID != "" {
		fact.Target = audit.Target{Type: "person", ID: login.Person.ID}
	}
	// In the platform's trail, whatever clients the person belongs to: the commit then has the same rows for everybody.
	e, err := s.event(ctx, "", fact)
	if err != nil {
		return err
	}
	e = directory.PlatformEvent(e)
	err = s.Table.Commit(ctx, e.Partition, audit.Of(e), s.Directory.PutReset(name, reset))
	if _, lost := store.FailedOn(err); lost {
		return nil
	}
	if err != nil || !sends {
		return err
	}
	url := s.PublicURL + "/reset#token=" + token.String() // a fragment: it reaches neither logs nor a referrer
	to := mailtext.To{Email: login.Person.Email, Name: login.Person.Name, Language: language}
	s.mailPerson(ctx, login.Person, func(ctx context.Context) error {
		return s.Mailer.Send(ctx, mailtext.PasswordReset(to, url, reset.ExpiresAt))
	})
	return nil
}

// mailPerson sends a mail, which fails nobody: what it tells has happened.
func (s *Service) mailPerson(ctx context.Context, p directory.Person, send func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgotMailTime)
	defer cancel()
	if err := send(ctx); err != nil && s.Log != nil {
		s.Log.ErrorContext(ctx, "a mail about a password was not sent", "person_id", p.ID, "error", err)
	}
}

// tellPassword tells a person by mail that their password was changed.
func (s *Service) tellPassword(ctx context.Context, p directory.Person) {
	if s.Mailer == nil {
		return
	}
	to := mailtext.To{Email: p.Email, Name: p.Name, Language: tenant.CallFrom(ctx).Language}
	s.mailPerson(ctx, p, func(ctx context.Context) error { return s.Mailer.Send(ctx, mailtext.PasswordChanged(to, s.now())) })
}

// endEverySession ends the sessions of a person in every client, but the one with the id except, if it is not empty: no two sessions have
// one id. The person's new SessionsFrom was committed before: from then on none of them can be refreshed, so that one that is left behind
// when this fails ends with its access token. Errors: fault.Unavailable `sessions_not_ended`.
func (s *Service) endEverySession(ctx context.Context, op string, p directory.Person, except, reason string) error {
	ctx = context.WithoutCancel(ctx) // the password is set already, even if the caller has gone
	var errs []error
	for _, m := range p.Memberships {
		errs = append(errs, s.EndUserSessions(ctx, m.Partition(), m.User, except, reason))
	}
	if err := errors.Join(errs...); err != nil {
		return fault.Wrap(op, fault.Unavailable, "sessions_not_ended", err)
	}
	return nil
}
