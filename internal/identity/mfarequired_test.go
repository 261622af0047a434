package identity_test

import (
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func (w *world) restricted(t *testing.T, tokens identity.Tokens) bool {
	t.Helper()
	return w.claims(t, tokens).Principal.Restricted
}

func TestAClientsDemandRestrictsWhoHasNoFactor(t *testing.T) {
	w := newWorld(t)
	w.clients.require(azul, tenant.AgentManager)
	tokens := w.member(t, azul, ana, good) // an agent manager
	if !w.restricted(t, tokens) {
		t.Error("the session of an accepted invitation is not restricted")
	}
	in, err := w.enter("")
	if err != nil || !w.restricted(t, in) {
		t.Fatalf("a sign-in is not restricted, %v", err)
	}
	if got, err := w.SecondFactor(w.as(t, in)); err != nil || !got.Required || got.TOTP {
		t.Errorf("%+v, %v", got, err)
	}
	if in = w.refreshed(t, in); !w.restricted(t, in) {
		t.Error("a refresh lifts the restriction")
	}
	a, _ := w.enrol(t, in)
	if in = w.refreshed(t, in); w.restricted(t, in) {
		t.Error("the session that confirmed is still restricted")
	}
	if in = w.refreshed(t, in); w.restricted(t, in) {
		t.Error("it is restricted again")
	}
	_, err = w.Refresh(w.ctx, tokens.RefreshToken) // the other session never showed it
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	again, err := w.enter(a.next(t))
	if err != nil || w.restricted(t, again) {
		t.Errorf("with a code: %v", err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionStarted, `"restricted":true`); n != 2 {
		t.Errorf("%d restricted sessions recorded, want 2", n)
	}
	if err := w.RemoveTOTP(w.as(t, again), good, a.next(t)); err != nil {
		t.Fatal(err)
	}
	if !w.restricted(t, w.refreshed(t, again)) {
		t.Error("who removed the factor is not restricted")
	}
}

func TestADemandMadeLater(t *testing.T) {
	w := newWorld(t)
	none := w.member(t, azul, ana, good)
	w.clients.require(azul, tenant.ClientAdmin)
	if none = w.refreshed(t, none); w.restricted(t, none) {
		t.Error("a demand of another role restricts")
	}
	w.clients.require(azul, tenant.AgentManager, tenant.ClientAdmin)
	if none = w.refreshed(t, none); !w.restricted(t, none) {
		t.Error("who has no factor is not restricted")
	}
	w.clients.require(azul)
	if none = w.refreshed(t, none); w.restricted(t, none) {
		t.Error("a demand that was taken back restricts")
	}
	before, err := w.enter("") // a session from before the factor
	if err != nil {
		t.Fatal(err)
	}
	a, codes := w.enrol(t, none)
	before = w.refreshed(t, before)
	withCode, err := w.enter(a.next(t))
	if err != nil {
		t.Fatal(err)
	}
	withRecovery, err := w.enter(codes[0])
	if err != nil {
		t.Fatal(err)
	}
	w.clients.require(azul, tenant.AgentManager)
	for name, tokens := range map[string]identity.Tokens{"a code": withCode, "a recovery code": withRecovery, "the confirmation": none} {
		if w.restricted(t, w.refreshed(t, tokens)) {
			t.Errorf("a session that showed %s is restricted", name)
		}
	}
	_, err = w.Refresh(w.ctx, before.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	_, err = w.Refresh(w.ctx, before.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "second_factor_required"); n != 1 {
		t.Errorf("%d sessions ended for it, want 1", n)
	}
}

func TestADemandOfOneClientIsNotAnothers(t *testing.T) {
	w := newWorld(t)
	w.clients.require(verde, tenant.AgentManager)
	w.member(t, azul, ana, good)
	w.member(t, verde, ana, good)
	for client, want := range map[tenant.ID]bool{azul: false, verde: true} {
		tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: ana, Password: good, Client: client})
		if err != nil || w.restricted(t, tokens) != want {
			t.Errorf("in %s: restricted %v, %v", client, !want, err)
		}
	}
}

// INVARIANT 14: accepting takes all of the login's own sign-in.
func TestAttackAcceptingWithoutTheLoginsSecondFactor(t *testing.T) {
	w := newWorld(t)
	a, codes := w.enrol(t, w.member(t, azul, ana, good))
	invitation := w.invite(t, verde, ana)
	accept := func(code string) (identity.Tokens, error) {
		return w.Accept(w.ctx, identity.Accept{Token: invitation, Password: good, Code: code})
	}
	_, err := accept("")
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	_, err = accept(a.code(t)) // taken already
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	_, err = w.Accept(w.ctx, identity.Accept{Token: invitation, Password: other, Code: a.code(t, 1)})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	if p := w.person(t); len(p.Memberships) != 1 {
		t.Fatal("it was accepted")
	}
	tokens, err := accept(codes[5])
	if err != nil || w.claims(t, tokens).Principal.Client != verde {
		t.Fatal(err)
	}
	if p := w.person(t); len(p.Memberships) != 2 || len(p.Recovery) != 9 || !p.HasFactor() {
		t.Errorf("%d memberships, %d codes left", len(p.Memberships), len(p.Recovery))
	}
	trail := w.trail(t, verde)
	if count(trail, events.TypeSessionRefused, "second_factor_required") != 1 || count(trail, events.TypeSessionRefused, "bad_code") != 1 ||
		count(trail, events.TypeRecoveryCodeUsed, `"left":9`) != 1 {
		t.Errorf("trail %+v", trail)
	}
}

func TestAGlobalAdministratorMayHaveASecondFactor(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.EnsureGlobalAdmin(w.ctx, ana, good); err != nil {
		t.Fatal(err)
	}
	tokens, err := w.enter("")
	if err != nil || w.restricted(t, tokens) {
		t.Fatal(err)
	}
	a, _ := w.enrol(t, tokens)
	_, err = w.enter("")
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	if _, err = w.enter(a.next(t)); err != nil {
		t.Error(err)
	}
	w.refreshed(t, tokens) // nobody asks it of them
	if n := count(w.platformTrail(t), events.TypeSecondFactorConfirmed, "totp"); n != 1 {
		t.Errorf("%d confirmations in the platform's trail, want 1", n)
	}
}
