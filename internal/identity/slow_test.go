package identity_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// metered gives the service a meter of the test's clock.
func metered(d *identity.Deps) { d.Meter = memory.NewMeter(d.System, 1<<14) }

// slowed is a world whose service has a meter, and waits as long as it likes in no time.
type slowed struct {
	*world
	mu     sync.Mutex
	waited []time.Duration
}

func newSlowed(t *testing.T) *slowed {
	s := &slowed{}
	s.world = newWorld(t, metered, func(d *identity.Deps) {
		d.Wait = func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.waited = append(s.waited, d)
			return ctx.Err()
		}
	})
	return s
}

// try signs in from an address, and returns how long the answer was held back, and the error.
func (s *slowed) try(address, email, password string) (time.Duration, error) {
	call := tenant.CallFrom(s.ctx)
	call.Address = address
	s.mu.Lock()
	s.waited = nil
	s.mu.Unlock()
	_, err := s.SignIn(tenant.WithCall(s.ctx, call), identity.SignIn{Email: email, Password: password})
	var sum time.Duration
	s.mu.Lock()
	for _, d := range s.waited {
		sum += d
	}
	s.mu.Unlock()
	return sum, err
}

// retryAfter fails unless the error is that of too many attempts, and returns when to come again.
func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	wantFault(t, err, fault.RateLimited, "too_many_attempts")
	var f *fault.Error
	if !errors.As(err, &f) {
		return 0
	}
	return f.RetryAfter
}

func TestGuessingFromOneAddressWaitsTwiceAsLongEachTime(t *testing.T) {
	for name, email := range map[string]string{"a login": "ana@x.example", "no login": "eve@x.example"} {
		t.Run(name, func(t *testing.T) {
			s := newSlowed(t)
			s.member(t, azul, "ana@x.example", good)
			const address = "198.51.100.1"
			guess := func() error { _, err := s.try(address, email, other); return err }
			for range 6 { // five are free, and the sixth begins the first pause
				wantFault(t, guess(), fault.Unauthenticated, "invalid_credentials")
			}
			for pause := 2 * time.Second; pause < identity.LongestPause; pause *= 2 {
				hashes := s.hasher.verified.Load()
				for range 3 { // which prolong nothing
					if got := retryAfter(t, guess()); got != pause {
						t.Fatalf("come again in %v, want %v", got, pause)
					}
				}
				if s.hasher.verified.Load() != hashes {
					t.Error("a refused attempt had its hash computed")
				}
				s.clock.Advance(pause - time.Second)
				if got := retryAfter(t, guess()); got != time.Second {
					t.Fatalf("come again in %v, want 1s", got)
				}
				s.clock.Advance(time.Second)
				wantFault(t, guess(), fault.Unauthenticated, "invalid_credentials")
			}
			for range 3 {
				if got := retryAfter(t, guess()); got != identity.LongestPause {
					t.Fatalf("come again in %v, want %v", got, identity.LongestPause)
				}
				s.clock.Advance(identity.LongestPause)
				wantFault(t, guess(), fault.Unauthenticated, "invalid_credentials")
			}
			if n := count(s.platformTrail(t), events.TypeSessionRefused, "too_many_attempts"); n < 2 || n > 5 {
				t.Errorf("%d refusals recorded in an hour of bursts, want one for each quarter", n)
			}
		})
	}
}

func TestRightPasswordEndsThePause(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	for range 3 {
		for range 5 {
			_, err := s.try("198.51.100.1", "ana@x.example", other)
			wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
		}
		if _, err := s.try("198.51.100.1", "ANA@x.example", good); err != nil {
			t.Fatal(err)
		}
	}
}

// Nobody can lock another out: the right password from elsewhere is taken at any time, and waits for three seconds at most.
func TestStuffingOneAccountFromManyAddressesLocksNobodyOut(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	var longest time.Duration
	for i := range 200 {
		held, err := s.try(fmt.Sprintf("198.51.100.%d", i), "ana@x.example", other)
		wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
		if i < 5 && held != 0 {
			t.Errorf("failure %d was held back for %v", i+1, held)
		}
		if held < longest {
			t.Errorf("failure %d was held back for %v, less than the one before", i+1, held)
		}
		longest = held
	}
	if longest != identity.LongestDelay {
		t.Errorf("held back for %v, want %v", longest, identity.LongestDelay)
	}
	held, err := s.try("192.0.2.77", "ana@x.example", good)
	if err != nil || held != identity.LongestDelay {
		t.Errorf("the owner waited %v: %v", held, err)
	}
	s.clock.Advance(time.Hour)
	if held, err := s.try("192.0.2.77", "ana@x.example", good); err != nil || held != 0 {
		t.Errorf("an hour later the owner waited %v: %v", held, err)
	}
}

func TestUnknownAccountIsHeldBackLikeOneThatExists(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	for i := range 20 {
		address := fmt.Sprintf("198.51.100.%d", i)
		held, err := s.try(address, "ana@x.example", other)
		heldUnknown, errUnknown := s.try(address, "eve@x.example", other)
		if held != heldUnknown || err.Error() != errUnknown.Error() {
			t.Errorf("failure %d: %v, %v and %v, %v", i+1, err, held, errUnknown, heldUnknown)
		}
	}
}

func TestStuffingManyAccountsFromOneAddressIsRefused(t *testing.T) {
	for name, address := range map[string]func(int) string{
		"IPv4": func(int) string { return "198.51.100.1" },
		"IPv4 in IPv6": func(i int) string {
			return [2]string{"198.51.100.1", "::ffff:198.51.100.1"}[i%2]
		},
		"a /64 of IPv6": func(i int) string { return fmt.Sprintf("2001:db8:1:1::%x", i) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlowed(t)
			s.member(t, azul, "ana@x.example", good)
			var refused int
			for i := range 300 {
				_, err := s.try(address(i), fmt.Sprintf("p%d@x.example", i), other)
				if fault.Is(err, fault.RateLimited) {
					refused++
					continue
				}
				wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
			}
			if refused != 199 {
				t.Errorf("%d of 300 refused, want 199", refused)
			}
			for pause := 2 * time.Second; pause <= 8*time.Second; pause *= 2 { // which the refused ones did not prolong
				_, err := s.try(address(7), "ana@x.example", good)
				if got := retryAfter(t, err); got != pause {
					t.Errorf("come again in %v, want %v", got, pause)
				}
				s.clock.Advance(pause)
				_, err = s.try(address(8), "eve@x.example", other)
				wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
			}
			for _, elsewhere := range []string{"198.51.100.2", "2001:db8:1:2::1", "not an address"} {
				if _, err := s.try(elsewhere, "ana@x.example", good); err != nil {
					t.Errorf("from %s: %v", elsewhere, err)
				}
			}
		})
	}
}

// A thousand guesses at once are a thousand, for they count before their hashes are computed.
func TestParallelGuessesCount(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	before := s.hasher.verified.Load()
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			call := tenant.CallFrom(s.ctx)
			call.Address = "198.51.100.1"
			_, err := s.SignIn(tenant.WithCall(s.ctx, call), identity.SignIn{Email: "ana@x.example", Password: other})
			if !fault.Is(err, fault.RateLimited) && !fault.Is(err, fault.Unauthenticated) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.hasher.verified.Load() - before; n != 6 {
		t.Errorf("%d of 60 were looked at, want 6", n)
	}
}

// Many who sign in rightly from one address, an office's, are no attack.
func TestSuccessesDoNotCountAgainstAnAddress(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	for i := range 150 {
		if held, err := s.try("198.51.100.1", "ana@x.example", good); err != nil || held != 0 {
			t.Fatalf("%d: waited %v: %v", i, held, err)
		}
	}
}

func TestAcceptingWithAnExistingLoginCannotBeUsedToGuessItsPassword(t *testing.T) {
	s := newSlowed(t)
	s.member(t, azul, "ana@x.example", good)
	token := s.invite(t, verde, "ana@x.example")
	var last error
	for range 7 {
		_, last = s.Accept(s.ctx, identity.Accept{Token: token, Password: other})
	}
	retryAfter(t, last)
	_, err := s.SignIn(s.ctx, identity.SignIn{Email: "ana@x.example", Password: other})
	retryAfter(t, err) // one count for both
}

// recording is a meter that keeps the keys it was asked for, and one that does not answer where it is told so.
type recording struct {
	cache.Meter
	mu    sync.Mutex
	names []string
	err   error
}

func (r *recording) Count(ctx context.Context, k cache.Key, by int64, lifetime time.Duration) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return 0, r.err
	}
	r.names = append(r.names, k.Kind()+" "+k.ID())
	return r.Meter.Count(ctx, k, by, lifetime)
}

func TestMeterHoldsNoAddressOfAnybody(t *testing.T) {
	r := &recording{}
	w := newWorld(t, metered, func(d *identity.Deps) {
		r.Meter = d.Meter
		d.Meter = r
	})
	w.member(t, azul, "ana@x.example", good)
	w.signIn(t, "ana@x.example")
	if len(r.names) < 3 {
		t.Fatalf("%d counts", len(r.names))
	}
	for _, name := range r.names {
		if strings.Contains(name, "ana") || strings.Contains(name, "203.0.113.9") {
			t.Errorf("key %q", name)
		}
	}
}

func TestSilentMeterStopsNobody(t *testing.T) {
	r := &recording{err: fmt.Errorf("test: %w", cache.ErrNoAnswer)}
	w := newWorld(t, metered, func(d *identity.Deps) {
		r.Meter = d.Meter
		d.Meter = r
	})
	w.member(t, azul, "ana@x.example", good)
	for range 20 {
		_, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: other})
		wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	}
	w.signIn(t, "ana@x.example")
}
