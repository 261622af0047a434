package identity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
)

// vault is where a key document is kept.
type vault struct {
	mu       sync.Mutex
	document []byte
	err      error
	loads    atomic.Int64
	gate     chan struct{} // nil, or what a load waits for
}

func (v *vault) load(context.Context) ([]byte, error) {
	v.loads.Add(1)
	v.mu.Lock()
	gate := v.gate
	v.mu.Unlock()
	if gate != nil {
		<-gate
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.document, v.err
}

func (v *vault) set(change func(*vault)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

// rotate runs the schedule once and returns its steps.
func (v *vault) rotate(t *testing.T, sys system.System) []identity.Rotation {
	t.Helper()
	next, steps, err := identity.RotateKeys(v.document, sys)
	if err != nil {
		t.Fatal(err)
	}
	if (next == nil) != (len(steps) == 0) {
		t.Fatalf("%d steps and the document %q", len(steps), next)
	}
	if next != nil {
		v.set(func(v *vault) { v.document = next })
	}
	return steps
}

func generate(t *testing.T, sys system.System) []byte {
	t.Helper()
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func parse(t *testing.T, document []byte) *identity.KeySet {
	t.Helper()
	set, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func newRing(t *testing.T, v *vault, sys system.System) (*identity.KeyRing, *identity.Signer) {
	t.Helper()
	ring, err := identity.NewKeyRing(t.Context(), v.load, sys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return ring, identity.NewSigner(ring, sys)
}

func issue(t *testing.T, s *identity.Signer) string {
	t.Helper()
	token, err := s.Issue(principal)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	var h struct{ Kid string }
	if err := json.Unmarshal(decoded(t, token, 0), &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

// A whole rotation, hour by hour: at each hour everybody who has read the keys within five minutes verifies what anybody signs, and
// every token lives as long as it says.
func TestARotationIsNeverFelt(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	derived, err := identity.DeriveKeys([]byte(strings.Repeat("s", 64)))
	if err != nil {
		t.Fatal(err)
	}
	for name, first := range map[string]func() []byte{"generated": func() []byte { return generate(t, sys) },
		"derived":                     func() []byte { return derived },
		"of the time before versions": func() []byte { return []byte(strings.Replace(string(derived), `"nowgo_version":2,`, "", 1)) }} {
		t.Run(name, func(t *testing.T) {
			v := &vault{document: first()}
			_, signer := newRing(t, v, sys)
			_, verifier := newRing(t, v, sys)
			type issued struct {
				token string
				until time.Time
			}
			var alive []issued
			kids := map[string]bool{}
			var steps []string
			published := map[string]time.Time{} // when a key was first in the document
			start := clock.Now()
			var changes time.Time // until when something may be about to change
			for clock.Now().Before(start.Add(2*identity.KeyPeriod + 24*time.Hour)) {
				for _, s := range v.rotate(t, sys) {
					steps = append(steps, s.Step)
					changes = clock.Now().Add(4 * time.Hour)
				}
				for _, id := range parse(t, v.document).IDs() {
					if _, seen := published[id]; !seen {
						published[id] = clock.Now()
					}
				}
				most := 1
				if clock.Now().Before(changes) {
					most = 12
				}
				for range most {
					token := issue(t, signer)
					kid := kidOf(t, token)
					if !kids[kid] && len(kids) > 0 && clock.Now().Sub(published[kid]) < time.Hour {
						t.Fatalf("%s signs after %v", kid, clock.Now().Sub(published[kid]))
					}
					kids[kid] = true
					alive = append(alive, issued{token, clock.Now().Add(identity.AccessLifetime)})
					alive = slices.DeleteFunc(alive, func(i issued) bool { return i.until.Before(clock.Now()) })
					for _, i := range []issued{alive[0], alive[len(alive)-1]} {
						if _, err := verifier.Verify(i.token); err != nil {
							t.Fatalf("after %v: %v", clock.Now().Sub(start), err)
						}
					}
					clock.Advance(time.Hour / time.Duration(most))
				}
			}
			if want := 3; len(kids) != want && name == "generated" || len(kids) < want {
				t.Errorf("%d keys signed within two periods", len(kids))
			}
			if want := []string{"announced", "activated", "retired"}; !slices.Equal(steps[:3], want) || !slices.Equal(steps[3:6], want) {
				t.Errorf("steps %v", steps)
			}
			if n := strings.Count(string(v.document), `"d":`); n != 1 {
				t.Errorf("%d private keys are left", n)
			}
		})
	}
}

func TestRotationDoesNothingBeforeItsTimeAndNothingTwice(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	clock.Advance(identity.KeyPeriod - time.Second)
	if s := v.rotate(t, sys); len(s) != 0 {
		t.Errorf("before its time: %v", s)
	}
	clock.Advance(time.Second)
	announced := v.rotate(t, sys)
	if len(announced) != 1 || announced[0].Step != identity.KeyAnnouncement || len(announced[0].Keys) != 2 ||
		!announced[0].SignsAt.Equal(clock.Now().Add(identity.KeyAnnounced)) {
		t.Errorf("%+v", announced)
	}
	if s := v.rotate(t, sys); len(s) != 0 {
		t.Errorf("announced again: %v", s)
	}
	old := kidOf(t, issue(t, identity.NewSigner(parse(t, v.document), sys)))
	if old == announced[0].Key {
		t.Error("a key signs when it is announced")
	}
	clock.Advance(identity.KeyAnnounced + 10*time.Minute)
	if s := v.rotate(t, sys); len(s) != 1 || s[0].Step != identity.KeyActivation || s[0].Key != announced[0].Key {
		t.Errorf("%+v", s)
	}
	if s := v.rotate(t, sys); len(s) != 0 {
		t.Errorf("activated again: %v", s)
	}
	clock.Advance(identity.KeyOverlap)
	if s := v.rotate(t, sys); len(s) != 1 || s[0].Step != identity.KeyRetirement || s[0].Key != old || !slices.Equal(s[0].Keys, []string{announced[0].Key}) {
		t.Errorf("%+v", s)
	}
	// Months without a run: one announcement, and no gap.
	clock.Advance(10 * identity.KeyPeriod)
	if s := v.rotate(t, sys); len(s) != 1 || s[0].Step != identity.KeyAnnouncement {
		t.Errorf("%+v", s)
	}
	if _, _, err := identity.RotateKeys([]byte("nonsense"), sys); !errors.Is(err, identity.ErrKeys) {
		t.Errorf("err %v", err)
	}
}

func TestARetiredKeyVerifiesNothingEvenBeforeItIsRemoved(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	clock.Advance(identity.KeyPeriod)
	stolen := identity.NewSigner(parse(t, v.document), sys) // knows nothing of what follows
	v.rotate(t, sys)
	now := identity.NewSigner(parse(t, v.document), sys)
	clock.Advance(identity.KeyAnnounced + identity.KeyOverlap - time.Second)
	if _, err := now.Verify(issue(t, stolen)); err != nil {
		t.Errorf("within the overlap: %v", err)
	}
	clock.Advance(time.Second)
	_, err := now.Verify(issue(t, stolen))
	wantFault(t, err, fault.Unauthenticated, "invalid_token")
}

// A flood of key ids that nobody knows costs a load a minute, not one each.
func TestUnknownKeysAreLookedUpOnceAMinute(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	_, signer := newRing(t, v, sys)
	good := issue(t, signer)
	clock.Advance(identity.KeysUnknown)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				other := identity.NewSigner(parse(t, generate(t, system.Real())), sys)
				_, err := signer.Verify(issue(t, other))
				wantFault(t, err, fault.Unauthenticated, "invalid_token")
				if _, err := signer.Verify(good); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := v.loads.Load(); n != 2 {
		t.Errorf("%d loads, want that of the start and one", n)
	}
	// Junk costs none at all.
	clock.Advance(identity.KeysUnknown)
	for _, kid := range []string{"../../etc/passwd", "' OR 1=1 --", "\x00", strings.Repeat("k", 4000), strings.Repeat("k", 42), strings.Repeat("=", 43)} {
		_, m, _ := newSigner(t)
		_, claims := m.parts(clock.Now())
		_, err := signer.Verify(m.mint(t, map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": kid}, claims))
		wantFault(t, err, fault.Unauthenticated, "invalid_token")
	}
	if n := v.loads.Load(); n != 2 {
		t.Errorf("%d loads for ids that no key has", n)
	}
}

func TestANewKeyIsFoundWhenItIsMet(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	_, verifier := newRing(t, v, sys)
	clock.Advance(identity.KeysUnknown)
	v.set(func(v *vault) { v.document = generate(t, sys) })
	_, signer := newRing(t, v, sys)
	before := v.loads.Load()
	gate := make(chan struct{})
	v.set(func(v *vault) { v.gate = gate })
	token := issue(t, signer)
	results := make(chan error, 8)
	verify := func() {
		_, err := verifier.Verify(token)
		results <- err
	}
	go verify()
	for deadline := time.Now().Add(10 * time.Second); v.loads.Load() == before; {
		if time.Now().After(deadline) {
			t.Fatal("the keys are not read")
		}
	}
	for range 7 {
		go verify()
	}
	select {
	case err := <-results:
		t.Errorf("who comes while the keys are read does not wait for them: %v", err)
		results <- err
	case <-time.After(50 * time.Millisecond): // that nobody is answered shows by nothing else
	}
	close(gate)
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if n := v.loads.Load() - before; n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
}

func TestAFailingSourceKeepsTheKeys(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	var log bytes.Buffer
	ring, err := identity.NewKeyRing(t.Context(), v.load, sys, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	signer := identity.NewSigner(ring, sys)
	for _, c := range []struct {
		name string
		fail func(*vault)
	}{
		{"silent", func(v *vault) { v.err = errors.New("no answer") }},
		{"broken", func(v *vault) { v.err, v.document = nil, []byte(`{"keys":[]}`) }},
	} {
		name := c.name
		v.set(c.fail)
		log.Reset()
		clock.Advance(identity.KeysRefresh)
		before := v.loads.Load()
		for range 5 {
			if _, err := signer.Verify(issue(t, signer)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := v.loads.Load() - before; n != 1 || !strings.Contains(log.String(), "stay in use") {
			t.Errorf("%s: %d loads, want 1; log %s", name, n, &log)
		}
	}
	if _, err := identity.NewKeyRing(t.Context(), v.load, sys, slog.New(slog.DiscardHandler)); !errors.Is(err, identity.ErrKeys) {
		t.Errorf("a ring without keys: %v", err)
	}
}

func TestOneRefreshHoldsUpNobodyElse(t *testing.T) {
	clock := storetest.NewClock()
	sys := clock.System()
	v := &vault{document: generate(t, sys)}
	_, signer := newRing(t, v, sys)
	token := issue(t, signer)
	clock.Advance(identity.KeysRefresh)
	gate := make(chan struct{})
	v.set(func(v *vault) { v.gate = gate })
	first := make(chan error)
	go func() {
		_, err := signer.Verify(token)
		first <- err
	}()
	for deadline := time.Now().Add(10 * time.Second); v.loads.Load() < 2; {
		if time.Now().After(deadline) {
			t.Fatal("nobody reads the keys again")
		}
	}
	for range 10 {
		if _, err := signer.Verify(token); err != nil {
			t.Error(err)
		}
	}
	close(gate)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n := v.loads.Load(); n != 2 {
		t.Errorf("%d loads, want 2", n)
	}
}
