package identity

import (
	"context"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	guessCode = "code" // see [Service.slow]

	reasonCode     = "bad_code"
	reasonNoFactor = "second_factor_required"
)

// caller is a person who makes a call with a session of their own.
type caller struct {
	principal tenant.Principal
	person    directory.Person
}

// self returns who makes the call in ctx. Errors: fault.Unauthenticated `unauthenticated`; fault.Forbidden `people_only` for machines, and
// for global administrators at work inside a client; those of the table.
func (s *Service) self(ctx context.Context, op string) (caller, error) {
	p := tenant.CallFrom(ctx).Principal
	if p.Anonymous() {
		return caller{}, fault.New(op, fault.Unauthenticated, "unauthenticated")
	}
	if p.Machine() || p.Assumed || p.Session == "" {
		return caller{}, fault.New(op, fault.Forbidden, "people_only")
	}
	user, err := s.user(ctx, partitionOf(p), p.User)
	if isAbsent(err) {
		return caller{}, fault.Wrap(op, fault.Unauthenticated, "unauthenticated", err)
	}
	if err != nil {
		return caller{}, store.Fault(op, err)
	}
	person, err := s.Directory.PersonByEmail(ctx, user.Email)
	if err != nil {
		return caller{}, store.Fault(op, err)
	}
	if person.ID != user.Person {
		return caller{}, fault.New(op, fault.Unauthenticated, "unauthenticated")
	}
	return caller{p, person}, nil
}

// proven is self, after the person's password was shown once more.
func (s *Service) proven(ctx context.Context, op, password string) (caller, error) {
	me, err := s.self(ctx, op)
	if err != nil {
		return caller{}, err
	}
	done, err := s.slow(ctx, op, guessPassword, me.person.Email)
	if err != nil {
		return caller{}, err
	}
	normal, possible := normalizePassword(password)
	right, err := s.Hasher.Verify(ctx, me.person.PasswordHash, normal)
	if err != nil {
		return caller{}, store.Fault(op, err)
	}
	if done(right && possible); !right || !possible {
		return caller{}, s.refuseFactor(ctx, op, me, reasonCredentials)
	}
	return me, nil
}

// provenTwice is proven, after a code of the person's confirmed second factor was shown too. The person it returns is without what the code
// used up.
func (s *Service) provenTwice(ctx context.Context, op, password, code string) (caller, error) {
	me, err := s.proven(ctx, op, password)
	if err != nil {
		return caller{}, err
	}
	if !me.person.HasFactor() {
		return caller{}, fault.New(op, fault.Conflict, "second_factor_not_enrolled")
	}
	me.person, err = s.checked(ctx, op, me, code, true)
	return me, err
}

// checked returns the person after a code of theirs was right, and records one that was not.
func (s *Service) checked(ctx context.Context, op string, me caller, code string, recovery bool) (directory.Person, error) {
	shown, err := s.takeCode(ctx, op, me.person, code, recovery)
	if fault.Is(err, fault.Unauthenticated) {
		return me.person, s.refuseFactor(ctx, op, me, reasonCode)
	}
	return shown.person, err
}

// refuseFactor records a wrong password or code of somebody who has a session, and returns the caller's error.
func (s *Service) refuseFactor(ctx context.Context, op string, me caller, reason string) error {
	partition := partitionOf(me.principal)
	e, err := s.event(ctx, partition, audit.Fact{Type: events.TypeSecondFactorRefused, Result: "failure",
		Target: audit.Target{Type: "person", ID: me.person.ID}, Change: events.SecondFactorRefused{Reason: reason}, Private: callerOf(ctx, "")})
	if err != nil {
		return fault.Wrap(op, fault.Internal, "internal", err)
	}
	if err := s.Table.Commit(ctx, partition, audit.Of(e)); err != nil {
		return store.Fault(op, err)
	}
	if reason == reasonCode {
		return badCode(op)
	}
	return badCredentials(op)
}

func badCode(op string) error { return fault.New(op, fault.Unauthenticated, "invalid_code") }

// factorShown is a person after a code of theirs was right: without what the code used up. Its change belongs into the commit of whatever the
// code was shown for; the condition is the version that was read, so that of two who show one code exactly one gets through.
type factorShown struct {
	person directory.Person
	factor string // otp or recovery; empty: the person has no second factor
	again  bool   // the person's password was hashed again: see [Service.rehashed]
}

// takeCode looks at a code. Errors: fault.Unauthenticated `invalid_code`; fault.RateLimited; fault.Unavailable; ctx's.
func (s *Service) takeCode(ctx context.Context, op string, p directory.Person, typed string, recovery bool) (factorShown, error) {
	done, err := s.slow(ctx, op, guessCode, p.Email)
	if err != nil {
		return factorShown{}, err
	}
	code, isRecovery := readCode(typed)
	if isRecovery && recovery {
		if left, ok := takeRecovery(p, code); ok {
			done(true)
			return factorShown{person: left, factor: factorRecovery}, nil
		}
	}
	if code == "" || isRecovery {
		done(false)
		return factorShown{}, badCode(op)
	}
	secret, err := s.openFactor(ctx, op, p)
	if err != nil {
		return factorShown{}, err
	}
	step, ok, err := matchTOTP(secret, code, s.System.Now(), p.TOTP.LastStep)
	if err != nil {
		return factorShown{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	if done(ok); !ok {
		return factorShown{}, badCode(op)
	}
	next := *p.TOTP
	next.LastStep = step
	p.TOTP = &next
	return factorShown{person: p, factor: factorOTP}, nil
}
