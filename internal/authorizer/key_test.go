package authorizer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// keyring is the service that makes keys, on the world's table.
func (w *world) keyring() *identity.Service {
	return identity.New(identity.Deps{Table: w.table.Table, Directory: directory.New(w.table.Table), System: w.sys, Signer: w.verifier.Signer,
		KeyMay: func(tenant.Role, string) bool { return true }})
}

// machine makes an API key and returns its header, as its administrators see it.
func (w *world) machine(t testing.TB, change ...func(*identity.KeyInput)) (header string, k identity.IssuedKey) {
	t.Helper()
	in := identity.KeyInput{Name: "Site", Role: tenant.AgentManager, Scopes: []string{"list-agents", "get-agent"}, Rate: 60}
	for _, c := range change {
		c(&in)
	}
	k, err := w.keyring().CreateAPIKey(testkit.As(t.Context(), client, "usr_ana", tenant.ClientAdmin, "create-api-key"), client, in)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + k.Credential, k
}

func TestLiveKeyIsAdmittedWithItsScopes(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t)
	want := tenant.Principal{Client: client, User: k.ID, Role: tenant.AgentManager, Scopes: "get-agent list-agents", Rate: 60}
	for name, authorize := range w.both() {
		for _, h := range []string{header, "bearer" + strings.TrimPrefix(header, "Bearer")} {
			if p, err := authorize(t.Context(), h); err != nil || p != want || !p.Machine() {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	}
}

// wantRefusal fails unless err is the refusal of an API key with the code, and belongs to the trail of the key's client where the key is known.
func wantRefusal(t *testing.T, err error, kind fault.Kind, code, key string) {
	t.Helper()
	wantFault(t, err, kind, code)
	var refused *denial.Refusal
	if !errors.As(err, &refused) || refused.Method != denial.APIKey || refused.Principal.User != key {
		t.Errorf("recorded as %+v, want key %q", refused, key)
	}
	if refused != nil && key != "" && refused.Principal.Client != client {
		t.Errorf("recorded for client %q", refused.Principal.Client)
	}
}

func TestWhatIsNoKeyIsRefusedWithoutARead(t *testing.T) {
	w := newWorld(t)
	header, _ := w.machine(t)
	flip := func(s string, i int) string {
		b := []byte(s)
		if b[i]++; b[i] == '{' || b[i] == '[' || b[i] == ':' || b[i] == '`' || b[i] == '@' {
			b[i] = 'x'
		}
		return string(b)
	}
	for name, h := range map[string]string{
		"the mark alone":          "Bearer nowgo_",
		"without its end":         header[:len(header)-1],
		"with more at its end":    header + "a",
		"a wrong checksum":        flip(header, len(header)-1),
		"a typing error":          flip(header, 40),
		"another prefix":          flip(header, 15),
		"two keys":                header + "," + header,
		"two with a space":        header + " " + strings.TrimPrefix(header, "Bearer "),
		"upper case":              strings.Replace(strings.ToUpper(header), "BEARER NOWGO_", "Bearer nowgo_", 1),
		"a long tail":             header + strings.Repeat("a", 5000),
		"another mark":            strings.Replace(header, "nowgo_", "nowgo-", 1),
		"a key within a token":    "Bearer x." + strings.TrimPrefix(header, "Bearer "),
		"a NUL":                   header[:30] + "\x00" + header[31:],
		"a space after the mark":  strings.Replace(header, "nowgo_", "nowgo_ ", 1)[:len(header)],
		"the prefix of no letter": "Bearer nowgo_$$$$$$$$$$$$_" + header[len("Bearer nowgo_")+13:],
	} {
		t.Run(name, func(t *testing.T) {
			for _, authorize := range w.both() {
				if p, err := authorize(t.Context(), h); !fault.Is(err, fault.Unauthenticated) || !p.Anonymous() {
					t.Errorf("%+v, %v", p, err)
				}
			}
		})
	}
	if n := w.table.reads.Load() + w.table.gets.Load(); n != 0 {
		t.Errorf("%d reads", n)
	}
}

// A guess with the right prefix, which is public, is refused like a key that does not exist, and its client can see it in its trail.
func TestKeyIsNotGuessed(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t)
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		guess := forge(w.sys, k.Prefix)
		p, err := w.Verdict(t.Context(), "Bearer "+guess)
		wantRefusal(t, err, fault.Unauthenticated, "invalid_api_key", k.ID)
		if !p.Anonymous() {
			t.Errorf("guess %d: %+v", i, p)
		}
	}
	unknown := forge(w.sys, "aaaaaaaaaaaa")
	_, err := w.Verdict(t.Context(), "Bearer "+unknown)
	wantRefusal(t, err, fault.Unauthenticated, "invalid_api_key", "")
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Errorf("guesses locked the key out: %v", err)
	}
}

// INVARIANT 11: whatever ends a key's stay, it is out within a minute.
func TestKeyThatMayNotEnterAnyMoreIsOutWithinAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(t *testing.T, w *world, k identity.IssuedKey)
		kind    fault.Kind
		code    string
	}{
		"revoked": {func(t *testing.T, w *world, k identity.IssuedKey) {
			ctx := testkit.As(t.Context(), client, "usr_ana", tenant.ClientAdmin, "revoke-api-key")
			if err := w.keyring().RevokeAPIKey(ctx, client, k.ID, 1); err != nil {
				t.Fatal(err)
			}
		}, fault.Unauthenticated, "invalid_api_key"},
		"rotated without overlap": {func(t *testing.T, w *world, k identity.IssuedKey) {
			ctx := testkit.As(t.Context(), client, "usr_ana", tenant.ClientAdmin, "rotate-api-key")
			if _, err := w.keyring().RotateAPIKey(ctx, client, k.ID, 1, 0); err != nil {
				t.Fatal(err)
			}
		}, fault.Unauthenticated, "invalid_api_key"},
		"its row gone": {func(t *testing.T, w *world, k identity.IssuedKey) {
			w.remove(t, client, keys.APIKey(k.ID))
		}, fault.Unauthenticated, "invalid_api_key"},
		"its client suspended": {func(t *testing.T, w *world, _ identity.IssuedKey) {
			w.put(t, client, keys.Client, `{"status":"suspended"}`)
		}, fault.Forbidden, "client_suspended"},
		"its client gone": {func(t *testing.T, w *world, _ identity.IssuedKey) {
			w.remove(t, client, keys.Client)
		}, fault.Forbidden, "client_suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			header, k := w.machine(t)
			if _, err := w.Authorize(t.Context(), header); err != nil {
				t.Fatal(err)
			}
			c.happens(t, w, k)
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

func TestExpiredKeyIsRefusedWhileItsRowIsThere(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t, func(in *identity.KeyInput) { in.ExpiresAt = w.sys.Now().Add(20 * time.Second) })
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(19 * time.Second)
	if _, err := w.Verdict(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
	for name, authorize := range w.both() {
		_, err := authorize(t.Context(), header)
		wantRefusal(t, err, fault.Unauthenticated, "api_key_expired", k.ID)
		guess := forge(w.sys, k.Prefix)
		_, err = authorize(t.Context(), "Bearer "+guess)
		wantRefusal(t, err, fault.Unauthenticated, "invalid_api_key", k.ID) // says nothing of the key's end
		if _, err := w.table.Get(t.Context(), client, keys.APIKey(k.ID)); err != nil {
			t.Fatalf("%s: the row is gone, which tests nothing: %v", name, err)
		}
	}
}

func TestRotationOverlaps(t *testing.T) {
	w := newWorld(t)
	ctx := testkit.As(t.Context(), client, "usr_ana", tenant.ClientAdmin, "rotate-api-key")
	first, k := w.machine(t)
	rotate := func(overlap time.Duration) string {
		next, err := w.keyring().RotateAPIKey(ctx, client, k.ID, 0, overlap)
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(authorizer.LivenessLifetime)
		return "Bearer " + next.Credential
	}
	check := func(name string, want map[string]bool) {
		t.Helper()
		for header, in := range want {
			if _, err := w.Authorize(t.Context(), header); (err == nil) != in {
				t.Errorf("%s: %v, want in: %v", name, err, in)
			}
		}
	}
	second := rotate(time.Minute)
	check("during the overlap", map[string]bool{first: true, second: true})
	third := rotate(time.Minute)
	check("after a second rotation", map[string]bool{first: false, second: true, third: true})
	w.clock.Advance(40 * time.Second)
	if _, err := w.Verdict(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(10 * time.Second) // a verdict of the old secret ends with the overlap
	if _, err := w.Verdict(t.Context(), second); err == nil {
		t.Error("the old secret outlives its overlap in a verdict")
	}
	check("after the overlap", map[string]bool{first: false, second: false, third: true})
}

func TestReadsOfAKeyAreSaved(t *testing.T) {
	w := newWorld(t)
	header, _ := w.machine(t)
	for range 10 {
		for name, authorize := range w.both() {
			if _, err := authorize(t.Context(), header); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	if gets, reads := w.table.gets.Load(), w.table.reads.Load(); gets != 1 || reads != 1 {
		t.Errorf("%d reads of the directory and %d of the client's rows, want 1 of each", gets, reads)
	}
	w.clock.Advance(authorizer.LivenessLifetime)
	if _, err := w.Authorize(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	if gets, reads := w.table.gets.Load(), w.table.reads.Load(); gets != 1 || reads != 2 {
		t.Errorf("%d and %d reads, want 1 and 2: where a key is does not change", gets, reads)
	}
}

func TestUseIsWrittenDownOnceAnHour(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t)
	for range 10 {
		if _, err := w.Authorize(t.Context(), header); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(7 * time.Minute)
	}
	used := 0
	for _, e := range w.trail(t) {
		if e.Body.Type == events.TypeAPIKeyUsed {
			used++
			if e.Body.Actor.Type != "key" || e.Body.Actor.ID != k.ID || e.Body.Target.ID != k.ID {
				t.Errorf("event %+v", e.Body)
			}
		}
	}
	if used != 2 { // at 0 and 63 minutes
		t.Errorf("%d events in 63 minutes, want 2", used)
	}
	now, err := w.keyring().APIKey(t.Context(), client, k.ID)
	if err != nil || w.sys.Now().Sub(now.LastUsedAt) != 7*time.Minute || now.Version != 1 {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestUseThatCannotBeWrittenDownRefusesNobody(t *testing.T) {
	w := newWorld(t)
	header, _ := w.machine(t)
	w.table.failCommits = store.ErrUnavailable
	for range 3 {
		if _, err := w.Authorize(t.Context(), header); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.table.commits.Load(); n != 1 {
		t.Errorf("%d tries to write within one liveness, want 1", n)
	}
}

func TestSilentTableIsNotARefusalOfAKey(t *testing.T) {
	w := newWorld(t)
	header, _ := w.machine(t)
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

// A directory's entry that leads to another key, or to another client's, opens nothing.
func TestMisplacedKeyOpensNothing(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t)
	_, other := w.machine(t)
	for name, at := range map[string]directory.KeyPlace{"another key": {Client: client, Key: other.ID},
		"another client": {Client: "cli_verdeverdeverdeverdeverdev", Key: k.ID}} {
		t.Run(name, func(t *testing.T) {
			dir := directory.New(w.table.Table)
			record := testkit.Record(t.Context(), t, w.sys, client)
			if err := w.table.Table.Commit(t.Context(), client, record, dir.RemoveAPIKey(k.Prefix)); err != nil {
				t.Fatal(err)
			}
			record = testkit.Record(t.Context(), t, w.sys, client)
			if err := w.table.Table.Commit(t.Context(), client, record, dir.PlaceAPIKey(k.Prefix, at, time.Time{})); err != nil {
				t.Fatal(err)
			}
			_, err := w.Authorize(t.Context(), header)
			wantFault(t, err, fault.Unauthenticated, "invalid_api_key")
		})
	}
}

func TestKeyWithoutScopesIsNobody(t *testing.T) {
	w := newWorld(t)
	header, k := w.machine(t)
	w.edit(t, client, keys.APIKey(k.ID), `"scopes":"get-agent list-agents"`, `"scopes":""`)
	_, err := w.Authorize(t.Context(), header)
	wantFault(t, err, fault.Unauthenticated, "invalid_api_key")
}

func BenchmarkAuthorizeKey(b *testing.B) {
	w := newWorld(b)
	header, _ := w.machine(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Authorize(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}
