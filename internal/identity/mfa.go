package identity

import (
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/mail/mailtext"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
)

const (
	totpPurpose = "totp" // what the secret is sealed for
	kindTOTP    = "totp" // in events
)

// SecondFactor says where a person stands.
type SecondFactor struct {
	TOTP     bool // confirmed: signing in asks for a code
	Left     int  // recovery codes that still work
	Required bool // the client of the session asks it of the user's role
}

// Enrolment is the secret of a second factor that is not confirmed yet. It is shown once.
type Enrolment struct {
	Secret string // base32 (RFC 4648 §6) without padding
	URI    string // otpauth://totp/…
	QR     []byte // the URI as a picture: PNG
}

// SecondFactor returns where the caller's person stands. Errors: as [Service.EnrolTOTP] without those of the password.
func (s *Service) SecondFactor(ctx context.Context) (SecondFactor, error) {
	const op = "identity.SecondFactor"
	me, err := s.self(ctx, op)
	if err != nil {
		return SecondFactor{}, err
	}
	required, err := s.requires(ctx, me.principal.Client, me.principal.Role)
	return SecondFactor{TOTP: me.person.HasFactor(), Left: len(me.person.Recovery), Required: required}, err
}

// EnrolTOTP gives the caller's person a new secret, which counts for nothing until [Service.ConfirmTOTP]; it replaces one that was not
// confirmed. It asks for the password again: a session alone must not be enough to take a login over.
//
// Errors: fault.Unauthenticated `unauthenticated`, or `invalid_credentials` where the password is wrong; fault.Forbidden `people_only` for
// machines and assumed sessions; fault.Conflict `second_factor_enrolled`; fault.RateLimited; fault.Unavailable; those of the table.
func (s *Service) EnrolTOTP(ctx context.Context, password string) (Enrolment, error) {
	const op = "identity.EnrolTOTP"
	me, err := s.proven(ctx, op, password)
	if err != nil {
		return Enrolment{}, err
	}
	if me.person.HasFactor() {
		return Enrolment{}, fault.New(op, fault.Conflict, "second_factor_enrolled")
	}
	key, err := newTOTP(s.System, me.person.Email)
	if err != nil {
		return Enrolment{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	picture, err := qrPNG(key.String())
	if err != nil {
		return Enrolment{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	sealed, err := s.sealFactor(ctx, op, me.person, key.Secret())
	if err != nil {
		return Enrolment{}, err
	}
	me.person.TOTP = &directory.TOTP{Sealed: sealed}
	err = s.commitFactor(ctx, me, events.TypeSecondFactorEnrolled, events.SecondFactorEnrolled{Kind: kindTOTP})
	if err != nil {
		return Enrolment{}, store.Fault(op, err)
	}
	return Enrolment{Secret: key.Secret(), URI: key.String(), QR: picture}, nil
}

// ConfirmTOTP makes the enrolled secret count, from the first code of it that is right, and returns the recovery codes: this once. The
// session that confirms has shown the factor with it; a restricted one is free of its restriction from its next refresh on.
//
// Errors: as [Service.EnrolTOTP] without those of the password; fault.Unauthenticated `invalid_code`; fault.Conflict
// `second_factor_not_enrolled`.
func (s *Service) ConfirmTOTP(ctx context.Context, code string) ([]string, error) {
	const op = "identity.ConfirmTOTP"
	for try := 1; ; try++ {
		codes, err := s.confirmTOTP(ctx, op, code)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return codes, store.Fault(op, err)
		}
	}
}

func (s *Service) confirmTOTP(ctx context.Context, op, code string) ([]string, error) {
	me, err := s.self(ctx, op)
	switch {
	case err != nil:
		return nil, err
	case me.person.TOTP == nil:
		return nil, fault.New(op, fault.Conflict, "second_factor_not_enrolled")
	case me.person.HasFactor():
		return nil, fault.New(op, fault.Conflict, "second_factor_enrolled")
	}
	if me.person, err = s.checked(ctx, op, me, code, false); err != nil {
		return nil, err
	}
	shown, kept, err := newRecoveryCodes(s.System)
	if err != nil {
		return nil, err
	}
	me.person.TOTP.ConfirmedAt, me.person.Recovery = s.now(), kept
	row, err := s.Table.Get(ctx, partitionOf(me.principal), keys.Session(me.principal.Session))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.Wrap(op, fault.Unauthenticated, "unauthenticated", err)
	}
	if err != nil {
		return nil, err
	}
	session, err := withFactor(row, factorOTP)
	if err != nil {
		return nil, err
	}
	err = s.commitFactor(ctx, me, events.TypeSecondFactorConfirmed, events.SecondFactorConfirmed{Kind: kindTOTP, Codes: len(shown)}, session)
	if err != nil {
		return nil, err
	}
	s.tellFactor(ctx, me.person, mailtext.FactorEnabled)
	return shown, nil
}

// RemoveTOTP takes the caller's person's second factor away, with the recovery codes. It asks for the password and a code, which may be a
// recovery code. Errors: as [Service.ConfirmTOTP] and of the password.
func (s *Service) RemoveTOTP(ctx context.Context, password, code string) error {
	const op = "identity.RemoveTOTP"
	me, err := s.provenTwice(ctx, op, password, code)
	if err != nil {
		return err
	}
	me.person.TOTP, me.person.Recovery = nil, nil
	err = s.commitFactor(ctx, me, events.TypeSecondFactorRemoved, events.SecondFactorRemoved{Kind: kindTOTP})
	if err != nil {
		return store.Fault(op, err)
	}
	s.tellFactor(ctx, me.person, mailtext.FactorRemoved)
	return nil
}

// RenewRecoveryCodes gives the caller's person new recovery codes in place of all earlier ones, and returns them: this once. It asks
// for the password and a code, which may be a recovery code. Errors: as [Service.RemoveTOTP].
func (s *Service) RenewRecoveryCodes(ctx context.Context, password, code string) ([]string, error) {
	const op = "identity.RenewRecoveryCodes"
	me, err := s.provenTwice(ctx, op, password, code)
	if err != nil {
		return nil, err
	}
	shown, kept, err := newRecoveryCodes(s.System)
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "internal", err)
	}
	me.person.Recovery = kept
	err = s.commitFactor(ctx, me, events.TypeRecoveryCodesRenewed, events.RecoveryCodesRenewed{Codes: len(shown)})
	if err != nil {
		return nil, store.Fault(op, err)
	}
	s.tellFactor(ctx, me.person, mailtext.CodesRenewed)
	return shown, nil
}

// commitFactor writes the person, at the version that was read, with one event in the trail of the caller's client, or of the platform for a
// global administrator.
func (s *Service) commitFactor(ctx context.Context, me caller, kind string, change any, also ...store.Change) error {
	partition := partitionOf(me.principal)
	e, err := s.event(ctx, partition, audit.Fact{Type: kind, Target: audit.Target{Type: "person", ID: me.person.ID}, Change: change,
		Private: callerOf(ctx, "")})
	if err != nil {
		return err
	}
	return s.Table.Commit(ctx, partition, audit.Of(e), append(also, s.Directory.UpdatePerson(me.person))...)
}

// sealFactor encrypts a secret for its person.
func (s *Service) sealFactor(ctx context.Context, op string, p directory.Person, secret string) ([]byte, error) {
	if s.Envelope == nil {
		return nil, fault.New(op, fault.Unavailable, "unavailable")
	}
	sealed, err := s.Envelope.SealPerson(ctx, p.ID, totpPurpose, []byte(secret))
	return sealed, sealFault(op, err)
}

// openFactor returns the secret of a person's second factor.
func (s *Service) openFactor(ctx context.Context, op string, p directory.Person) (string, error) {
	if s.Envelope == nil {
		return "", fault.New(op, fault.Unavailable, "unavailable")
	}
	secret, err := s.Envelope.OpenPerson(ctx, p.ID, totpPurpose, p.TOTP.Sealed)
	return string(secret), sealFault(op, err)
}

func sealFault(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, envelope.ErrUnavailable):
		return fault.Wrap(op, fault.Unavailable, "unavailable", err)
	}
	return fault.Wrap(op, fault.Internal, "internal", err)
}

// withFactor returns the change that notes in a session that its person has shown one more factor.
func withFactor(row store.Item, factor string) (store.Change, error) {
	var sum sessionSummary
	if err := row.Read(&sum, nil); err != nil {
		return store.Change{}, err
	}
	if !hasFactor(sum.Factors) {
		sum.Factors = append(sum.Factors, factor)
	}
	next, err := store.Row(row.SK, row.Schema, sum, row.Data)
	next.ParentSK, next.ActorSK, next.ExpiresAt = row.ParentSK, row.ActorSK, row.ExpiresAt
	return store.Update(next, row.Version), err
}
