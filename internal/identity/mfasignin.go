package identity

import (
	"context"
	"slices"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/mail/mailtext"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

const factorMailTime = 5 * time.Second

// askFactor is the second question of a sign-in, asked only after the password was right: of a person with a confirmed second factor it takes
// a code; of others, nothing. A refusal is recorded as one of r, which names the person.
//
// Errors: fault.Unauthenticated `second_factor_required` where there is no code, `invalid_code`; fault.RateLimited; fault.Unavailable;
// those of the table.
func (s *Service) askFactor(ctx context.Context, op string, r refusal, code string) (factorShown, error) {
	if !r.person.HasFactor() {
		return factorShown{person: r.person}, nil
	}
	if code == "" {
		r.reason = reasonNoFactor
		return factorShown{}, s.refuse(ctx, op, r)
	}
	shown, err := s.takeCode(ctx, op, r.person, code, true)
	if fault.Is(err, fault.Unauthenticated) {
		r.reason = reasonCode
		return factorShown{}, s.refuse(ctx, op, r)
	}
	return shown, err
}

func factorRequired(op string) error {
	return fault.New(op, fault.Unauthenticated, reasonNoFactor)
}

// started returns how a session starts whose person has shown a second factor, or has none: restricted, where the client asks one.
func (s *Service) started(ctx context.Context, op string, client tenant.ID, role tenant.Role, start sessionStart, shown factorShown,
) (sessionStart, error) {
	if shown.factor != "" {
		start.factors = append(slices.Clone(start.factors), shown.factor)
	}
	var err error
	start.restricted, err = s.restricts(ctx, op, client, role, start.factors, shown.person)
	return start, err
}

// spent returns what belongs into the commit of a session beside it, for the code that was shown to start it: no code works twice.
func (s *Service) spent(ctx context.Context, partition tenant.ID, user string, shown factorShown) ([]audit.Event, []store.Change, error) {
	if shown.factor == "" && !shown.again {
		return nil, nil, nil
	}
	changes := []store.Change{s.Directory.UpdatePerson(shown.person)}
	if shown.factor != factorRecovery {
		return nil, changes, nil
	}
	e, err := s.event(ctx, partition, audit.Fact{Type: events.TypeRecoveryCodeUsed, Actor: audit.Actor{Type: "user", ID: user},
		Target: audit.Target{Type: "person", ID: shown.person.ID}, Change: events.RecoveryCodeUsed{Left: len(shown.person.Recovery)},
		Private: callerOf(ctx, "")})
	return []audit.Event{e}, changes, err
}

// tellSpent tells a person by mail of a recovery code that let somebody in.
func (s *Service) tellSpent(ctx context.Context, shown factorShown) {
	if shown.factor == factorRecovery {
		s.tellFactor(ctx, shown.person, mailtext.CodeUsed)
	}
}

// requires reports whether a client asks a second factor of a role. Nobody asks it of global administrators, who belong to no client.
func (s *Service) requires(ctx context.Context, client tenant.ID, role tenant.Role) (bool, error) {
	if client == "" {
		return false, nil
	}
	roles, err := s.Clients.SecondFactorRoles(ctx, client)
	return slices.Contains(roles, role), err
}

// hasFactor reports whether a session has shown a second factor.
func hasFactor(factors []string) bool {
	return slices.Contains(factors, factorOTP) || slices.Contains(factors, factorRecovery)
}

// restricts says what a client's demand for a second factor means for a session of a person that has shown the given factors: nothing; that
// it is restricted until the person has enrolled one; or, where the person has one and did not show it, fault.Unauthenticated
// `second_factor_required`.
func (s *Service) restricts(ctx context.Context, op string, client tenant.ID, role tenant.Role, factors []string, p directory.Person,
) (bool, error) {
	required, err := s.requires(ctx, client, role)
	if err != nil || !required {
		return false, err
	}
	if p.HasFactor() && !hasFactor(factors) {
		return false, factorRequired(op)
	}
	return !p.HasFactor(), nil
}

// tellFactor tells a person by mail what happened to their second factor. It fails nobody: it has happened.
func (s *Service) tellFactor(ctx context.Context, p directory.Person, what mailtext.FactorChange) {
	if s.Mailer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), factorMailTime)
	defer cancel()
	to := mailtext.To{Email: p.Email, Name: p.Name, Language: tenant.CallFrom(ctx).Language}
	if err := s.Mailer.Send(ctx, mailtext.SecondFactor(to, what, s.now())); err != nil && s.Log != nil {
		s.Log.ErrorContext(ctx, "a person was not told of their second factor", "person_id", p.ID, "what", string(what), "error", err)
	}
}
