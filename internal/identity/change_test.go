package identity_test

import (
	"strings"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

func TestAChangedPasswordEndsAllOtherSessions(t *testing.T) {
	f := newForgetful(t)
	mine := f.joined(t, azul, "ana@x.example", good)
	elsewhere := f.joined(t, verde, "ana@x.example", good)
	second, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: good, Client: azul})
	if err != nil {
		t.Fatal(err)
	}
	link := f.forget(t, "ana@x.example")
	if err := f.ChangePassword(f.as(t, mine), identity.PasswordChange{Current: good, New: other}); err != nil {
		t.Fatal(err)
	}
	if got := f.subjects(); len(got) != 1 || !strings.Contains(got[0], "alterada") {
		t.Errorf("mails: %q", got)
	}
	for name, tokens := range map[string]identity.Tokens{"the same client": second, "another client": elsewhere} {
		_, err := f.Refresh(f.ctx, tokens.RefreshToken)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
		p := f.claims(t, tokens).Principal
		if _, err := f.SecondFactor(f.as(t, tokens)); err != nil { // the access token is the authorizer's to refuse: its session is gone
			t.Errorf("%s: %v", name, err)
		}
		if n := count(f.trail(t, p.Client), events.TypeSessionEnded, p.Session); n != 1 {
			t.Errorf("%s: %d session.ended", name, n)
		}
	}
	next, err := f.Refresh(f.ctx, mine.RefreshToken)
	if err != nil {
		t.Fatalf("the session of the call: %v", err)
	}
	if _, err := f.Refresh(f.ctx, next.RefreshToken); err != nil {
		t.Errorf("and once more: %v", err)
	}
	wantFault(t, f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: third}), fault.Unauthenticated, "invalid_reset_token")
	if n := count(f.trail(t, azul), events.TypePasswordChanged, ""); n != 1 {
		t.Errorf("%d password.changed, want 1", n)
	}
	wantNoSecrets(t, f.trail(t, azul), []string{"ana@x"}, []string{other})
	for password, right := range map[string]bool{good: false, other: true} {
		if _, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: password, Client: azul}); (err == nil) != right {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestAttackChangeOfAPasswordWithAStolenSession(t *testing.T) {
	f := newForgetful(t)
	mine := f.as(t, f.joined(t, azul, "ana@x.example", good))
	wantFault(t, f.ChangePassword(mine, identity.PasswordChange{Current: other, New: third}), fault.Unauthenticated, "invalid_credentials")
	var last error
	for range 10 {
		last = f.ChangePassword(mine, identity.PasswordChange{Current: other, New: third})
	}
	wantFault(t, last, fault.RateLimited, "too_many_attempts")
	if n := count(f.trail(t, azul), events.TypeSecondFactorRefused, "bad_credentials"); n < 5 {
		t.Errorf("%d refusals recorded", n)
	}
	for name, p := range map[string]tenant.Principal{
		"nobody":             {},
		"a machine":          {Client: azul, User: "key_x", Role: tenant.ClientAdmin},
		"an assumed session": {Client: azul, User: "usr_x", Role: tenant.ClientAdmin, Session: "ses_x", Assumed: true},
	} {
		call := tenant.CallFrom(f.ctx)
		call.Principal = p
		err := f.ChangePassword(tenant.WithCall(f.ctx, call), identity.PasswordChange{Current: good, New: third})
		if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.SignIn(f.from("elsewhere"), identity.SignIn{Email: "ana@x.example", Password: good}); err != nil {
		t.Errorf("the password is another: %v", err)
	}
}

func TestAGlobalAdministratorChangesTheirPassword(t *testing.T) {
	f := newForgetful(t)
	if _, _, err := f.EnsureGlobalAdmin(f.ctx, "root@x.example", good); err != nil {
		t.Fatal(err)
	}
	tokens, err := f.SignIn(f.ctx, identity.SignIn{Email: "root@x.example", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ChangePassword(f.as(t, tokens), identity.PasswordChange{Current: good, New: other}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Refresh(f.ctx, tokens.RefreshToken); err != nil {
		t.Error(err)
	}
	if err := f.ResetPassword(f.ctx, identity.Reset{Token: f.forgetAfter(t, "root@x.example"), Password: third}); err != nil {
		t.Error(err)
	}
	if _, err := f.Refresh(f.ctx, tokens.RefreshToken); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after the reset: %v", err)
	}
}

// forgetAfter is forget after other mails, which it passes over.
func (f *forgetful) forgetAfter(t *testing.T, email string) string {
	t.Helper()
	f.mails.mu.Lock()
	f.mails.sent = nil
	f.mails.mu.Unlock()
	return f.forget(t, email)
}

// stored returns the login's hash.
func (w *world) stored(t *testing.T, email string) string {
	t.Helper()
	p, err := w.dir.PersonByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return p.PasswordHash
}

func TestAHashOfALowerCostIsMadeAnewAtSignIn(t *testing.T) {
	today := identity.Params{MemoryKiB: 24, Time: 3, Threads: 1}
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	old := w.stored(t, "ana@x.example")
	w.hasher.Hasher = identity.NewArgon2(today, w.sys)
	in := identity.SignIn{Email: "ana@x.example", Password: other}
	if _, err := w.SignIn(w.ctx, in); err == nil || w.stored(t, in.Email) != old {
		t.Fatalf("a wrong password: %v, hash changed: %v", err, w.stored(t, in.Email) != old)
	}
	in.Password = good
	before := w.hasher.hashed.Load()
	for range 2 {
		if _, err := w.SignIn(w.ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	if now := w.stored(t, in.Email); !strings.HasPrefix(now, "$argon2id$v=19$m=24,t=3,p=1$") {
		t.Errorf("hash %s", now)
	}
	if n := w.hasher.hashed.Load() - before; n != 1 {
		t.Errorf("%d hashes made in two sign-ins, want 1", n)
	}
	w.hasher.Hasher = identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, w.sys)
	if _, err := w.SignIn(w.ctx, in); err != nil || !strings.HasPrefix(w.stored(t, in.Email), "$argon2id$v=19$m=24,") {
		t.Errorf("a hash of a higher cost was replaced: %v", err)
	}
}

func TestALostRaceForTheNewHashDoesNotFailTheSignIn(t *testing.T) {
	over := &testkit.Overtaken{}
	w := newWorld(t, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = over
	})
	w.member(t, azul, "ana@x.example", good)
	w.hasher.Hasher = identity.NewArgon2(identity.Params{MemoryKiB: 24, Time: 3, Threads: 1}, w.sys)
	over.Times, over.First = 1, func() {
		p, err := w.dir.PersonByEmail(t.Context(), "ana@x.example")
		if err != nil {
			t.Fatal(err)
		}
		p.Name = "Ana Prado"
		w.write(t, p)
	}
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good}); err != nil {
		t.Fatal(err)
	}
	p, err := w.dir.PersonByEmail(t.Context(), "ana@x.example")
	if err != nil || p.Name != "Ana Prado" || !strings.Contains(p.PasswordHash, "m=24,") {
		t.Errorf("%+v, %v", p, err)
	}
}
