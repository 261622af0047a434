package identity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestSwitchTakesNoSecondSignIn(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	w.member(t, verde, "ana@x.example", good)
	from, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: azul})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	hashes := w.hasher.verified.Load()
	to, err := w.Switch(w.as(t, from), verde)
	if err != nil {
		t.Fatal(err)
	}
	was, is := w.claims(t, from).Principal, w.claims(t, to).Principal
	if is.Client != verde || is.User == was.User || is.Session == was.Session || is.Role != tenant.AgentManager {
		t.Errorf("from %+v to %+v", was, is)
	}
	if w.hasher.verified.Load() != hashes {
		t.Error("a password was looked at")
	}
	w.refreshed(t, from) // which goes on
	next := w.refreshed(t, to)
	if got, _, err := w.OwnSessions(w.as(t, next), 1, ""); err != nil || got[0].Method != "switch" || strings.Join(got[0].Factors, " ") != "pwd" {
		t.Errorf("sessions %+v, %v", got, err)
	}
	for _, e := range w.trail(t, verde) { // nobody learns there where the person came from
		whole, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{string(azul), was.User, was.Session} {
			if strings.Contains(string(whole), trace) {
				t.Errorf("%s names %s", e.Body.Type, trace)
			}
		}
	}
}

func TestSwitchLeadsNowhereElse(t *testing.T) {
	w := newWorld(t)
	from := w.member(t, azul, "ana@x.example", good)
	w.member(t, verde, "rui@x.example", other)
	for _, client := range []tenant.ID{verde, identity.Platform, "", "cli_none", "$platform#1", "\x00"} {
		_, err := w.Switch(w.as(t, from), client)
		wantFault(t, err, fault.NotFound, "client_not_found")
	}
	if n := count(w.trail(t, azul), events.TypeSessionRefused, `"method":"switch"`); n != 6 {
		t.Errorf("%d refusals recorded, want 6", n)
	}
	if n := count(w.trail(t, verde), events.TypeSessionRefused, ""); n != 0 {
		t.Errorf("%d events in the trail of another client", n)
	}
	_, err := w.Switch(w.ctx, verde)
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
	inside := tenant.CallFrom(w.as(t, from))
	inside.Principal.Assumed = true
	_, err = w.Switch(tenant.WithCall(w.ctx, inside), verde)
	wantFault(t, err, fault.Forbidden, "people_only")
}

func TestSwitchToASuspendedClientIsRefused(t *testing.T) {
	w := newWorld(t)
	w.member(t, verde, "ana@x.example", good)
	from := w.member(t, azul, "ana@x.example", good)
	w.clients.set(verde, "suspended")
	_, err := w.Switch(w.as(t, from), verde)
	wantFault(t, err, fault.Forbidden, "client_suspended")
	if n := count(w.trail(t, verde), events.TypeSessionRefused, "client_suspended"); n != 1 {
		t.Errorf("%d refusals recorded, want 1", n)
	}
}

// An access token outlives its session for as long as a verdict on it is remembered. It must not become a session that stays.
func TestEndedSessionStartsNoOther(t *testing.T) {
	w := newWorld(t)
	w.member(t, verde, "ana@x.example", good)
	from := w.member(t, azul, "ana@x.example", good)
	ctx := w.as(t, from)
	p := w.claims(t, from).Principal
	w.clock.Advance(time.Second)
	w.putFrom(t, "ana@x.example")
	_, err := w.Switch(ctx, verde)
	wantFault(t, err, fault.Unauthenticated, "session_ended")
	if err := w.EndUserSessions(w.ctx, azul, p.User, "", "ended"); err != nil {
		t.Fatal(err)
	}
	_, err = w.Switch(ctx, verde)
	wantFault(t, err, fault.Unauthenticated, "session_ended")
}

func TestSwitchTakesTheSecondFactorThatASignInWould(t *testing.T) {
	w := newWorld(t)
	w.member(t, verde, ana, good)
	enrolling := w.member(t, azul, ana, good)
	before, err := w.SignIn(w.ctx, identity.SignIn{Email: ana, Password: good, Client: azul})
	if err != nil {
		t.Fatal(err)
	}
	w.enrol(t, enrolling)
	_, err = w.Switch(w.as(t, before), verde) // which never showed it
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	to, err := w.Switch(w.as(t, enrolling), verde)
	if err != nil {
		t.Fatal(err)
	}
	w.clients.require(verde, tenant.AgentManager)
	if to = w.refreshed(t, to); w.restricted(t, to) {
		t.Error("the factor that was shown does not count there")
	}
}

func TestSwitchFromAnothersSessionIsRefused(t *testing.T) {
	w := newWorld(t)
	w.member(t, verde, ana, good)
	own, others := w.member(t, azul, ana, good), w.member(t, azul, "eve@x.example", other)
	call := tenant.CallFrom(w.as(t, own))
	call.Principal.Session = w.claims(t, others).Principal.Session
	_, err := w.Switch(tenant.WithCall(w.ctx, call), verde)
	wantFault(t, err, fault.Unauthenticated, "session_ended")
}
