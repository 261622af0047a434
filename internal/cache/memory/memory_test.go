package memory_test

import (
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/cache/cachetest"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/system"
)

// clock is a time that passes when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) system() system.System {
	return system.System{Random: rand.Reader, Now: func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now
	}}
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func TestMemory(t *testing.T) {
	cachetest.Run(t, func(*testing.T) cachetest.Subject {
		c := newClock()
		return cachetest.Subject{Cache: memory.New(c.system(), 2<<20, 2000), Pass: c.pass}
	})
}

func key(i int) cache.Key { return cache.Of("cli_one", "k", fmt.Sprint(i)) }

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	c := memory.New(newClock().system(), 1<<20, 3)
	for i := range 3 {
		c.Set(t.Context(), key(i), []byte("v"), time.Minute)
	}
	c.Get(t.Context(), key(0))
	c.Set(t.Context(), key(3), []byte("v"), time.Minute)
	for i, want := range []bool{true, false, true, true} {
		if _, ok := c.Get(t.Context(), key(i)); ok != want {
			t.Errorf("value %d: %v, want %v", i, ok, want)
		}
	}
}

func TestTooLargeIsNotKept(t *testing.T) {
	c := memory.New(newClock().system(), 1000, 3)
	c.Set(t.Context(), key(1), []byte("old"), time.Minute)
	c.Set(t.Context(), key(2), []byte("stays"), time.Minute)
	c.Set(t.Context(), key(1), make([]byte, 1000), time.Minute)
	if _, ok := c.Get(t.Context(), key(1)); ok {
		t.Error("the value that was to be replaced is still there")
	}
	if _, ok := c.Get(t.Context(), key(2)); !ok {
		t.Error("another value had to go for one that is not kept")
	}
}

func TestClearForgetsOneClientAlone(t *testing.T) {
	c := memory.New(newClock().system(), 1<<20, 10)
	gone := []cache.Key{cache.Of("cli_one", "a", "b"), cache.Of("cli_one", "", "")}
	left := []cache.Key{cache.Of("cli_two", "a", "b"), cache.Of("cli_one-b", "a", "b"), cache.Of("cli_on", "ea", "b"), cache.Platform("a", "b")}
	for _, k := range append(gone[:2:2], left...) {
		c.Set(t.Context(), k, []byte("v"), time.Minute)
	}
	if err := c.Clear(t.Context(), "cli_one"); err != nil {
		t.Fatal(err)
	}
	for _, k := range gone {
		if _, ok := c.Get(t.Context(), k); ok {
			t.Errorf("%v is still there", k)
		}
	}
	for _, k := range left {
		if _, ok := c.Get(t.Context(), k); !ok {
			t.Errorf("%v is gone too", k)
		}
	}
	if n, _ := c.Size(); n != len(left) {
		t.Errorf("%d values", n)
	}
}

// TestBounds holds that whatever is done, both bounds are kept and what is counted is what is there.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		maxBytes, maxEntries := rapid.IntRange(0, 3000).Draw(t, "bytes"), rapid.IntRange(0, 6).Draw(t, "entries")
		c := memory.New(clock.system(), maxBytes, maxEntries)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			k := key(rapid.IntRange(0, 9).Draw(t, "key"))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				size := rapid.IntRange(0, 900).Draw(t, "size")
				c.Set(t.Context(), k, make([]byte, size), time.Duration(rapid.IntRange(-1, 5).Draw(t, "lifetime"))*time.Second)
			case 2:
				c.Delete(t.Context(), k)
			default:
				clock.pass(time.Second)
				c.Get(t.Context(), k)
			}
			if n, b := c.Size(); n > maxEntries || b > maxBytes || b < 0 || n == 0 && b != 0 {
				t.Fatalf("%d entries of %d, %d bytes of %d", n, maxEntries, b, maxBytes)
			}
		}
		for i := range 10 {
			c.Delete(t.Context(), key(i))
		}
		if n, b := c.Size(); n != 0 || b != 0 {
			t.Fatalf("%d entries and %d bytes after all were deleted", n, b)
		}
	})
}

func TestMeter(t *testing.T) {
	cachetest.RunMeter(t, func(*testing.T) cachetest.MeterSubject {
		c := newClock()
		return cachetest.MeterSubject{Meter: memory.NewMeter(c.system(), 2000), Pass: c.pass}
	})
}

func TestMeterForgetsTheLeastRecentlyAsked(t *testing.T) {
	m := memory.NewMeter(newClock().system(), 3)
	for i := range 3 {
		if _, err := m.Count(t.Context(), key(i), 1, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{0, 3, 4} {
		if _, err := m.Count(t.Context(), key(i), 1, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int64{2, 0, 0, 1, 1} {
		if n, err := m.Count(t.Context(), key(i), 0, time.Hour); n != want || err != nil {
			t.Errorf("count %d: %d, %v; want %d", i, n, err, want)
		}
	}
	if m.Size() != 3 {
		t.Errorf("%d entries", m.Size())
	}
}
