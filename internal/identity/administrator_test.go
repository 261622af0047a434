package identity_test

import (
	"strings"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestFirstStartMakesTheGlobalAdministrator(t *testing.T) {
	w := newWorld(t)
	created, generated, err := w.EnsureGlobalAdmin(t.Context(), "Root@x.example", "")
	if err != nil || !created || len(generated) < 40 {
		t.Fatalf("%v, %q, %v", created, generated, err)
	}
	for range 2 {
		again, password, err := w.EnsureGlobalAdmin(t.Context(), "root@x.example", "another password")
		if err != nil || again || password != "" {
			t.Errorf("a later start: %v, %q, %v", again, password, err)
		}
	}
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: "root@x.example", Password: generated})
	if err != nil {
		t.Fatal(err)
	}
	p := w.claims(t, tokens).Principal
	if p.Role != tenant.GlobalAdmin || p.Client != "" {
		t.Errorf("principal %+v", p)
	}
	next, err := w.Refresh(w.ctx, tokens.RefreshToken)
	if err != nil || w.claims(t, next).Principal != p {
		t.Errorf("refreshed to %+v, %v", next, err)
	}
	if me, err := w.Me(w.as(t, next)); err != nil || me.Role != tenant.GlobalAdmin || me.Client != "" {
		t.Errorf("me %+v, %v", me, err)
	}
	if err := w.SignOut(w.as(t, next)); err != nil {
		t.Error(err)
	}
	trail := w.platformTrail(t)
	if count(trail, events.TypeAdministratorCreated, `"first_start":true`) != 1 {
		t.Errorf("trail %+v", trail)
	}
	for _, kind := range []string{events.TypeSessionStarted, events.TypeSessionRefreshed, events.TypeSessionEnded} {
		if count(trail, kind, "") != 1 {
			t.Errorf("%s is not in the platform's trail once", kind)
		}
	}
	wantNoSecrets(t, trail, []string{"root@x"}, []string{generated, tokens.RefreshToken})
}

func TestGivenAdministratorPasswordIsKept(t *testing.T) {
	w := newWorld(t)
	created, generated, err := w.EnsureGlobalAdmin(t.Context(), "root@x.example", good)
	if err != nil || !created || generated != "" {
		t.Fatalf("%v, %q, %v", created, generated, err)
	}
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "root@x.example", Password: good}); err != nil {
		t.Error(err)
	}
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "root@x.example", Password: other})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	for email, password := range map[string]string{"nobody": good, "new@x.example": "short"} {
		if _, _, err := w.EnsureGlobalAdmin(t.Context(), email, password); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "short") {
			t.Errorf("%s: %v, want invalid", email, err)
		}
	}
}

func TestExistingLoginBecomesAdministratorWithItsOwnPassword(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	created, generated, err := w.EnsureGlobalAdmin(t.Context(), "ana@x.example", other)
	if err != nil || !created || generated != "" {
		t.Fatalf("%v, %q, %v", created, generated, err)
	}
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: other, Client: identity.Platform})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: identity.Platform})
	if err != nil || w.claims(t, tokens).Principal.Role != tenant.GlobalAdmin {
		t.Errorf("%+v, %v", tokens, err)
	}
}
