package identity_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestOwnSessionsAreShownWithoutWhatLetsAnybodyIn(t *testing.T) {
	w := newWorld(t)
	first := w.member(t, azul, "ana@x.example", good)
	w.member(t, verde, "ana@x.example", good)
	w.member(t, azul, "rui@x.example", other)
	w.clock.Advance(time.Minute)
	at := w.sys.Now().UTC()
	signedIn, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: azul})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	second := w.refreshed(t, signedIn)
	got, next, err := w.OwnSessions(w.as(t, second), 20, "")
	if err != nil || len(got) != 2 || next != "" {
		t.Fatalf("%d sessions, next %q, %v", len(got), next, err)
	}
	want := identity.Session{ID: w.claims(t, second).Principal.Session, CreatedAt: at, RefreshedAt: at.Add(time.Minute),
		ExpiresAt: at.Add(identity.SessionLifetime).Truncate(time.Second), Method: "password", Address: "203.0.113.9", UserAgent: "tester", Current: true}
	factors := got[0].Factors
	got[0].Factors = nil
	if a, b := toJSON(t, got[0]), toJSON(t, want); a != b || !slices.Equal(factors, []string{"pwd"}) {
		t.Errorf("the newest is %s with %v, want %s", a, factors, b)
	}
	if got[1].ID != w.claims(t, first).Principal.Session || got[1].Current || got[1].Method != "invitation" || !got[1].RefreshedAt.IsZero() ||
		!slices.Equal(got[1].Factors, []string{"invitation", "pwd"}) {
		t.Errorf("the oldest is %+v", got[1])
	}
	shown := toJSON(t, got)
	for _, tokens := range []identity.Tokens{first, second} {
		for _, secret := range identity.RefreshSecrets(t, tokens.RefreshToken) {
			if strings.Contains(shown, secret) {
				t.Errorf("a secret is shown: %s", shown)
			}
		}
	}
	page, next, err := w.OwnSessions(w.as(t, second), 1, "")
	if err != nil || len(page) != 1 || next == "" {
		t.Fatalf("a page of %d, next %q, %v", len(page), next, err)
	}
	if page, _, err = w.OwnSessions(w.as(t, second), 1, next); err != nil || len(page) != 1 || page[0].ID != got[1].ID {
		t.Errorf("the second page %+v, %v", page, err)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNobodyEndsAnothersSession(t *testing.T) {
	w := newWorld(t)
	eve := w.member(t, azul, "eve@x.example", good)
	victims := map[string]identity.Tokens{"another user's": w.member(t, azul, "ana@x.example", good), "another client's": w.member(t, verde, "rui@x.example", good)}
	for name, victim := range victims {
		id := w.claims(t, victim).Principal.Session
		wantFault(t, w.EndOwnSession(w.as(t, eve), id), fault.NotFound, "session_not_found")
		wantFault(t, w.EndUserSession(w.as(t, eve), azul, w.claims(t, eve).Principal.User, id), fault.NotFound, "session_not_found")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	rui := w.claims(t, victims["another client's"]).Principal
	wantFault(t, w.EndUserSession(w.as(t, eve), azul, rui.User, rui.Session), fault.NotFound, "session_not_found")
	wantFault(t, w.EndSessionsOf(w.as(t, eve), azul, rui.User), fault.NotFound, "user_not_found")
	_, _, err := w.UserSessions(w.as(t, eve), azul, rui.User, 20, "")
	wantFault(t, err, fault.NotFound, "user_not_found")
	for _, id := range []string{"", "ses_none", "ses_\x00", "ses_#", strings.Repeat("s", 2000)} {
		wantFault(t, w.EndOwnSession(w.as(t, eve), id), fault.NotFound, "session_not_found")
	}
	for _, victim := range victims {
		w.refreshed(t, victim)
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, ""); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
}

func TestSessionsAreEndedByTheirUserAndByAnAdministrator(t *testing.T) {
	w := newWorld(t)
	admin := w.member(t, azul, "adm@x.example", good)
	ana := w.member(t, azul, "ana@x.example", good)
	p := w.claims(t, ana).Principal
	second, third, fourth := w.signIn(t, "ana@x.example"), w.signIn(t, "ana@x.example"), w.signIn(t, "ana@x.example")
	if err := w.EndOwnSession(w.as(t, ana), w.claims(t, second).Principal.Session); err != nil {
		t.Error(err)
	}
	if err := w.EndUserSession(w.as(t, admin), azul, p.User, w.claims(t, third).Principal.Session); err != nil {
		t.Error(err)
	}
	for _, ended := range []identity.Tokens{second, third} {
		_, err := w.Refresh(w.ctx, ended.RefreshToken)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	}
	w.refreshed(t, fourth)
	if err := w.EndSessionsOf(w.as(t, admin), azul, p.User); err != nil {
		t.Error(err)
	}
	if got, _, err := w.UserSessions(w.as(t, admin), azul, p.User, 20, ""); err != nil || len(got) != 0 {
		t.Errorf("%d sessions left, %v", len(got), err)
	}
	trail := w.trail(t, azul)
	if own, others := count(trail, events.TypeSessionEnded, "ended_by_user"), count(trail, events.TypeSessionEnded, "ended_by_administrator"); own != 1 || others != 3 {
		t.Errorf("%d ended by the user and %d by the administrator, want 1 and 3", own, others)
	}
	w.refreshed(t, admin)
}

func TestMachinesHaveNoSessions(t *testing.T) {
	w := newWorld(t)
	call := tenant.CallFrom(w.ctx)
	call.Principal = tenant.Principal{Client: azul, User: "key_1", Role: tenant.ClientAdmin}
	ctx := tenant.WithCall(w.ctx, call)
	_, _, err := w.OwnSessions(ctx, 20, "")
	wantFault(t, err, fault.Forbidden, "people_only")
	wantFault(t, w.EndOwnSession(ctx, "ses_1"), fault.Forbidden, "people_only")
	_, err = w.Switch(ctx, verde)
	wantFault(t, err, fault.Forbidden, "people_only")
	_, _, err = w.OwnSessions(w.ctx, 20, "")
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
}
