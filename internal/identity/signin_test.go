package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestSignInStartsASession(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: " ANA@x.example", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	if tokens.TokenType != "Bearer" || tokens.ExpiresIn != 900 || !strings.HasPrefix(tokens.RefreshToken, "nrt_") {
		t.Errorf("tokens %+v", tokens)
	}
	p := w.claims(t, tokens).Principal
	if p.Client != azul || p.Role != tenant.AgentManager || !strings.HasPrefix(p.User, "usr_") || !strings.HasPrefix(p.Session, "ses_") {
		t.Errorf("principal %+v", p)
	}
	if n := count(w.trail(t, azul), events.TypeSessionStarted, `"method":"password"`); n != 1 {
		t.Errorf("%d session.started, want 1", n)
	}
	me, err := w.Me(w.as(t, tokens))
	if err != nil || me.Name != "Ana" || me.Client != azul || me.User.Email != "ana@x.example" || len(me.Memberships) != 1 {
		t.Errorf("me %+v, %v", me, err)
	}
}

func TestSignInTellsNobodyWhetherAnAddressExists(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	texts := map[string]bool{}
	for name, in := range map[string]identity.SignIn{
		"wrong password":                 {Email: "ana@x.example", Password: other},
		"unknown address":                {Email: "eve@x.example", Password: good},
		"not an address":                 {Email: "nobody", Password: good},
		"empty password":                 {Email: "ana@x.example"},
		"empty password, unknown":        {Email: "eve@x.example"},
		"endless password":               {Email: "ana@x.example", Password: strings.Repeat("a", 1<<16)},
		"endless password, unknown":      {Email: "eve@x.example", Password: strings.Repeat("a", 1<<16)},
		"invalid UTF-8":                  {Email: "ana@x.example", Password: "\xff\xfe"},
		"another client, wrong password": {Email: "ana@x.example", Password: other, Client: verde},
	} {
		before := w.hasher.verified.Load()
		_, err := w.SignIn(w.ctx, in)
		wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
		texts[err.Error()] = true
		if n := w.hasher.verified.Load() - before; n != 1 {
			t.Errorf("%s: %d hashes computed, want 1: time tells", name, n)
		}
	}
	if len(texts) != 1 {
		t.Errorf("texts differ: %v", texts)
	}
}

func TestRefusedSignInIsRecordedWhereItBelongs(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	for _, in := range []identity.SignIn{{Email: "ana@x.example", Password: other}, {Email: "eve@x.example", Password: "secret of eve"}} {
		_, err := w.SignIn(w.ctx, in)
		wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	}
	own, platform := w.trail(t, azul), w.platformTrail(t)
	if n := count(own, events.TypeSessionRefused, "bad_credentials"); n != 1 {
		t.Errorf("%d refusals in the client's trail, want 1", n)
	}
	if n := count(platform, events.TypeSessionRefused, "bad_credentials"); n != 1 || len(platform) != 2 || platform[1].Body.Type != events.TypeLoginCreated {
		t.Fatalf("%d refusals in the platform's trail, want 1, after the login's creation", n)
	}
	e := platform[0]
	if e.Body.Result != "failure" || e.Body.ClientID != "" || e.Private == nil || !strings.Contains(string(e.Private.Values), "eve@x.example") {
		t.Errorf("event %+v", e)
	}
	wantNoSecrets(t, append(own, platform...), []string{"ana@x", "eve@x", "Ana", "203.0.113.9"}, []string{good, other, "secret of eve"})
}

func TestSeveralMembershipsAreAskedForOnlyWithTheRightPassword(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	w.member(t, verde, "ana@x.example", good)

	_, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: other})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	if n := count(w.platformTrail(t), events.TypeSessionRefused, ""); n != 1 {
		t.Errorf("%d refusals in the platform's trail, want 1: the client is not known", n)
	}
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good})
	wantFault(t, err, fault.Conflict, "client_required")
	var f *fault.Error
	if errors.As(err, &f); !slices.Equal(f.Fields, []fault.Field{{Location: "body.client", Message: string(azul)}, {Location: "body.client", Message: string(verde)}}) {
		t.Errorf("choices %v", f.Fields)
	}
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: verde})
	if err != nil || w.claims(t, tokens).Principal.Client != verde {
		t.Errorf("signed in to %+v, %v", tokens, err)
	}
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: "cli_somebodyelses"})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
}

func TestSuspendedClientLetsNobodyIn(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	token := w.invite(t, azul, "rui@x.example")
	w.clients.set(azul, "suspended")

	_, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good})
	wantFault(t, err, fault.Forbidden, "client_suspended")
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: other})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	_, err = w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Forbidden, "client_suspended")
	_, err = w.Accept(w.ctx, identity.Accept{Token: token, Password: good})
	wantFault(t, err, fault.Forbidden, "client_suspended")
	if n := count(w.trail(t, azul), events.TypeSessionRefused, "client_suspended"); n != 2 {
		t.Errorf("%d refusals for suspension recorded, want 2: of the sign-in and of the refresh", n)
	}
	w.clients.set(azul, "active")
	if _, err := w.Refresh(w.ctx, tokens.RefreshToken); err != nil {
		t.Errorf("after resuming: %v", err)
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	if err := w.SignOut(w.as(t, tokens)); err != nil {
		t.Fatal(err)
	}
	_, err := w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if err := w.SignOut(w.as(t, tokens)); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "signed_out"); n != 1 {
		t.Errorf("%d session.ended, want 1", n)
	}
	wantFault(t, w.SignOut(w.ctx), fault.Unauthenticated, "unauthenticated")
	_, err = w.Me(w.ctx)
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
}

func TestCancelledSignInStartsNothing(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	before := len(w.trail(t, azul))
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := w.SignIn(ctx, identity.SignIn{Email: "ana@x.example", Password: good}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if n := len(w.trail(t, azul)); n != before {
		t.Errorf("%d events, want %d", n, before)
	}
}

// Of a client that is gone nothing may be left, so nothing new is recorded there.
func TestGoneClientGetsNoTrace(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	before := len(w.trail(t, azul))
	w.clients.remove(azul)
	_, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	_, err = w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if n := len(w.trail(t, azul)); n != before {
		t.Errorf("%d events were added to its trail", n-before)
	}
	if n := count(w.platformTrail(t), events.TypeSessionRefused, "client_gone"); n != 1 {
		t.Errorf("%d refusals in the platform's trail, want 1", n)
	}
}

func (c *clients) remove(client tenant.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.status, client)
}
