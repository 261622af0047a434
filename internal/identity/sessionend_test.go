package identity_test

import (
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/testkit"
)

// signIn signs in, which must work.
func (w *world) signIn(t *testing.T, email string) identity.Tokens {
	t.Helper()
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: email, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestEndingAUsersSessionsLeavesTheOneAndEverybodyElses(t *testing.T) {
	w := newWorld(t)
	kept := w.member(t, azul, "ana@x.example", good)
	rui := w.member(t, azul, "rui@x.example", other)
	p := w.claims(t, kept).Principal
	const many = 95 // three commits
	var gone identity.Tokens
	for range many {
		gone = w.signIn(t, "ana@x.example")
	}
	if err := w.EndUserSessions(w.ctx, azul, p.User, p.Session, "password_changed"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Refresh(w.ctx, gone.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	for name, tokens := range map[string]identity.Tokens{"the one that stays": kept, "another user's": rui} {
		if _, err := w.Refresh(w.ctx, tokens.RefreshToken); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "password_changed"); n != many {
		t.Errorf("%d session.ended, want %d", n, many)
	}
	page, err := w.table.Query(t.Context(), azul, store.Query{Index: store.ByParent, Prefix: keys.UserSessions(p.User), Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d sessions left, %v", len(page.Items), err)
	}
	if err := w.EndUserSessions(w.ctx, azul, p.User, "", "x"); err != nil {
		t.Error(err)
	}
	if err := w.EndUserSessions(w.ctx, azul, p.User, "", "x"); err != nil {
		t.Errorf("with none left: %v", err)
	}
}

func TestARefreshInBetweenKeepsNoSessionAlive(t *testing.T) {
	over := &testkit.Overtaken{}
	w := newWorld(t, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = over
	})
	tokens := w.member(t, azul, "ana@x.example", good)
	p := w.claims(t, tokens).Principal
	over.Times = 1
	over.First = func() {
		next, err := w.Refresh(w.ctx, tokens.RefreshToken)
		if err != nil {
			t.Error(err)
		}
		tokens = next
	}
	if err := w.EndUserSessions(w.ctx, azul, p.User, "", "ended"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
}

func TestWhoEndsASessionIsItsActor(t *testing.T) {
	w := newWorld(t)
	admin := w.member(t, azul, "adm@x.example", good)
	ana := w.member(t, azul, "ana@x.example", other)
	user := w.claims(t, ana).Principal.User
	if err := w.EndUserSessions(w.as(t, admin), azul, user, "", "ended_by_administrator"); err != nil {
		t.Fatal(err)
	}
	for _, e := range w.trail(t, azul) {
		if e.Body.Type == events.TypeSessionEnded && (e.Body.Actor.ID != w.claims(t, admin).Principal.User || e.Body.Actor.Type != "user") {
			t.Errorf("actor %+v", e.Body.Actor)
		}
	}
}
