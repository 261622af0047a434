package authorizer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

func TestLiveTokenIsAdmitted(t *testing.T) {
	w := newWorld(t)
	for _, role := range tenant.Roles() {
		header, want := w.enter(t, "usr_"+string(role), role)
		for name, authorize := range w.both() {
			for _, h := range []string{header, "bearer" + strings.TrimPrefix(header, "Bearer")} {
				if p, err := authorize(t.Context(), h); err != nil || p != want {
					t.Errorf("%s of %s: %+v, %v", name, role, p, err)
				}
			}
		}
	}
}

func TestHeaderWithoutABearerTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
	token := strings.TrimPrefix(header, "Bearer ")
	for _, authorize := range w.both() {
		for h, code := range map[string]string{"": "unauthenticated", "Bearer": "unauthenticated", "Bearer ": "unauthenticated",
			"Basic YTpi": "unauthenticated", token: "unauthenticated", "Bearer " + strings.Repeat("a", 9000): "unauthenticated",
			"Bearer  " + token: "invalid_token", header + " ": "invalid_token", header + ",x": "invalid_token", "Bearer x": "invalid_token"} {
			p, err := authorize(t.Context(), h)
			wantFault(t, err, fault.Unauthenticated, code)
			if !p.Anonymous() {
				t.Errorf("%q: principal %+v", h, p)
			}
		}
	}
	if n := w.table.reads.Load(); n != 0 {
		t.Errorf("%d reads for tokens that are refused offline", n)
	}
}

func TestWhoMayNotEnterAnyMoreIsOutWithinAMinute(t *testing.T) {
	if authorizer.VerdictLifetime+authorizer.LivenessLifetime > authorizer.OutWithin || authorizer.OutWithin > time.Minute {
		t.Errorf("verdicts of %v and liveness of %v add up to more than %v", authorizer.VerdictLifetime, authorizer.LivenessLifetime, authorizer.OutWithin)
	}
	user, session := keys.User("usr_ana"), keys.Session("ses_usr_ana")
	for name, c := range map[string]struct {
		happens func(t *testing.T, w *world)
		kind    fault.Kind
		code    string
	}{
		"client suspended": {func(t *testing.T, w *world) { w.put(t, client, keys.Client, `{"status":"suspended"}`) }, fault.Forbidden, "client_suspended"},
		"client gone":      {func(t *testing.T, w *world) { w.remove(t, client, keys.Client) }, fault.Forbidden, "client_suspended"},
		"signed out":       {func(t *testing.T, w *world) { w.remove(t, client, session) }, fault.Unauthenticated, "session_ended"},
		"session of another": {func(t *testing.T, w *world) { w.put(t, client, session, `{"user":"usr_eve"}`) },
			fault.Unauthenticated, "session_ended"},
		"user disabled": {func(t *testing.T, w *world) {
			w.put(t, client, user, `{"role":"client_admin","status":"disabled"}`)
		}, fault.Unauthenticated, "session_ended"},
		"user gone": {func(t *testing.T, w *world) { w.remove(t, client, user) }, fault.Unauthenticated, "session_ended"},
		"role changed": {func(t *testing.T, w *world) {
			w.put(t, client, user, `{"role":"standard_user","status":"active"}`)
		}, fault.Unauthenticated, "session_ended"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
			// The worst case: liveness is read, a verdict is made of it at its very end, and what happens, happens just after the read.
			if _, err := w.Authorize(t.Context(), header); err != nil {
				t.Fatal(err)
			}
			c.happens(t, w)
			w.clock.Advance(authorizer.LivenessLifetime - time.Second)
			if _, err := w.Verdict(t.Context(), header); err != nil {
				t.Fatalf("liveness is not remembered: %v", err)
			}
			w.clock.Advance(2 * time.Second)
			_, err := w.Authorize(t.Context(), header)
			wantFault(t, err, c.kind, c.code)
			w.clock.Advance(authorizer.VerdictLifetime - 2*time.Second)
			_, err = w.Verdict(t.Context(), header)
			wantFault(t, err, c.kind, c.code)
		})
	}
}

func TestVerdictEndsWithItsToken(t *testing.T) {
	w := newWorld(t)
	header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
	w.clock.Advance(identity.AccessLifetime - 10*time.Second)
	for _, step := range []struct {
		after    time.Duration
		verified int64
	}{{0, 1}, {9 * time.Second, 1}, {2 * time.Second, 2}} {
		w.clock.Advance(step.after)
		if _, err := w.Verdict(t.Context(), header); err != nil {
			t.Fatal(err)
		}
		if n := w.verifier.calls.Load(); n != step.verified {
			t.Errorf("after %v more the token was verified %d times, want %d", step.after, n, step.verified)
		}
	}
	w.clock.Advance(identity.Leeway)
	_, err := w.Verdict(t.Context(), header)
	wantFault(t, err, fault.Unauthenticated, "token_expired")
}

func TestReadsAreSaved(t *testing.T) {
	w := newWorld(t)
	header, p := w.enter(t, "usr_ana", tenant.ClientAdmin)
	for range 10 {
		for name, authorize := range w.both() {
			if _, err := authorize(t.Context(), header); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	w.clock.Advance(time.Second)
	if _, err := w.Authorize(t.Context(), w.header(t, p)); err != nil { // refreshed: another token, the same session
		t.Fatal(err)
	}
	if n := w.table.reads.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	w.clock.Advance(authorizer.LivenessLifetime)
	if _, err := w.Authorize(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	if n := w.table.reads.Load(); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}

func TestRefusalIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
	w.put(t, client, keys.Client, `{"status":"suspended"}`)
	_, err := w.Verdict(t.Context(), header)
	wantFault(t, err, fault.Forbidden, "client_suspended")
	w.put(t, client, keys.Client, `{"status":"active"}`)
	w.clock.Advance(authorizer.LivenessLifetime)
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Errorf("after resuming: %v", err)
	}
}

func TestSilentTableIsNotARefusal(t *testing.T) {
	w := newWorld(t)
	header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
	w.table.err = store.ErrUnavailable
	for _, authorize := range w.both() {
		_, err := authorize(t.Context(), header)
		wantFault(t, err, fault.Unavailable, "unavailable")
	}
	w.table.err = nil
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Error(err)
	}
}

func TestCachesAreBounded(t *testing.T) {
	w := newWorld(t)
	first, _ := w.enter(t, "usr_first", tenant.ClientAdmin)
	if _, err := w.Verdict(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		header, _ := w.enter(t, "usr_"+string(rune('a'+i)), tenant.StandardUser)
		if _, err := w.Verdict(t.Context(), header); err != nil {
			t.Fatal(err)
		}
	}
	before := w.table.reads.Load()
	if _, err := w.Verdict(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if n := w.table.reads.Load() - before; n != 1 {
		t.Errorf("%d reads, want 1: the oldest should have gone", n)
	}
	if _, err := authorizer.New(authorizer.Config{Tokens: w.verifier, Table: w.table, System: w.sys, Capacity: -1}); err == nil {
		t.Error("a negative capacity was accepted")
	}
}

func TestRememberedVerdictAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	header, _ := w.enter(t, "usr_ana", tenant.ClientAdmin)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := w.Verdict(ctx, header); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkVerdictRemembered(b *testing.B) {
	w := newWorld(b)
	header, _ := w.enter(b, "usr_ana", tenant.ClientAdmin)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Verdict(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	w := newWorld(b)
	header, _ := w.enter(b, "usr_ana", tenant.ClientAdmin)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Authorize(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}
