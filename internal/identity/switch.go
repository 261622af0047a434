package identity

import (
	"context"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

const methodSwitch = "switch"

// Switch starts a session in another of the memberships of the person who makes the call, [Platform] standing for a global
// administrator's, without a second sign-in: what the person has shown for the session of the call counts for the new one. That session
// goes on. Nothing in the new one, nor in the trail of its client, says where the person came from.
//
// It gives no more than a sign-in would: a person who has a second factor must have shown it, and a session from before the person put an
// end to all sessions starts no other. The new session ends when that of the call would have: nothing but a sign-in prolongs.
//
// Errors: fault.Unauthenticated (`unauthenticated`, `session_ended`, `second_factor_required`), fault.Forbidden `people_only` for machines
// and for global administrators at work inside a client, fault.NotFound `client_not_found` (no membership, or its user may not sign in),
// fault.Forbidden `client_suspended`, those of the table. A membership that is refused is recorded where a refused sign-in is.
func (s *Service) Switch(ctx context.Context, to tenant.ID) (Tokens, error) {
	const op = "identity.Switch"
	me, err := s.self(ctx, op)
	if err != nil {
		return Tokens{}, err
	}
	start, err := s.carried(ctx, op, me)
	if err != nil {
		return Tokens{}, err
	}
	m, err := choose(op, me.person, to)
	if err != nil || to == "" {
		return Tokens{}, s.refuseSwitch(ctx, op, me.person, nil, reasonNotMember)
	}
	user, reason, err := s.admit(ctx, op, m)
	if err != nil {
		return Tokens{}, err
	}
	if reason != "" {
		return Tokens{}, s.refuseSwitch(ctx, op, me.person, &m, reason)
	}
	tokens, err := s.enter(ctx, op, m.Partition(), user, start, factorShown{person: me.person})
	return tokens, store.Fault(op, err)
}

// carried returns how a session starts that is begun from the one of the call.
func (s *Service) carried(ctx context.Context, op string, me caller) (sessionStart, error) {
	it, err := s.Table.Get(ctx, partitionOf(me.principal), keys.Session(me.principal.Session))
	if isAbsent(err) {
		return sessionStart{}, fault.New(op, fault.Unauthenticated, "session_ended")
	}
	var sum sessionSummary
	var data sessionData
	if err == nil {
		err = it.Read(&sum, &data)
	}
	if err != nil {
		return sessionStart{}, store.Fault(op, err)
	}
	// A token may outlive its session for as long as a verdict on it is remembered. It must not give a session that outlives them all.
	if sum.User != me.principal.User || me.person.SessionsFrom.After(data.Epoch) {
		return sessionStart{}, fault.New(op, fault.Unauthenticated, "session_ended")
	}
	if me.person.HasFactor() && !hasFactor(sum.Factors) {
		return sessionStart{}, factorRequired(op)
	}
	return sessionStart{method: methodSwitch, factors: sum.Factors, epoch: data.Epoch, ends: it.ExpiresAt}, nil
}

// refuseSwitch records a refusal and returns the caller's error.
func (s *Service) refuseSwitch(ctx context.Context, op string, p directory.Person, m *directory.Membership, reason string) error {
	err := s.refuse(ctx, op, refusal{methodSwitch, reason, p, m, ""})
	if fault.Is(err, fault.Unauthenticated) {
		return fault.New(op, fault.NotFound, "client_not_found")
	}
	return err
}
