package cachetest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/cache"
)

// MeterSubject is a meter under test and the means to let time pass for it. Its own time may pass as well, as a server's does, so no
// test depends on less than a minute.
type MeterSubject struct {
	cache.Meter
	Pass func(time.Duration)
}

// RunMeter holds a meter to what the port promises. Open is called once for each test and returns a meter that has counted nothing,
// with room for at least 1000 keys.
func RunMeter(t *testing.T, open func(t *testing.T) MeterSubject) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, MeterSubject)
	}{
		{"a bucket holds its burst and is refilled", refill},
		{"takes all or nothing", allOrNothing},
		{"a bucket may change", changed},
		{"refuses what is no bucket", noBucket},
		{"takes no token twice", exact},
		{"lets in as many holders as there is room for", room},
		{"lets no more holders in than fit", crowd},
		{"a holder is out when its lifetime is over", holderLifetimes},
		{"counts and forgets", counts},
		{"counts every addition", countsAll},
		{"keeps clients, kinds, ids and sorts apart", meterApart},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// near reports whether got is at most a minute off.
func near(got, want time.Duration) bool { return got <= want && got > want-time.Minute }

// hourly is a bucket so slow that a test's own time does not matter.
var hourly = cache.Bucket{PerSecond: 1. / 3600, Burst: 3}

func take(t *testing.T, s MeterSubject, key cache.Key, b cache.Bucket, n int) cache.Taken {
	t.Helper()
	taken, err := s.Take(t.Context(), key, b, n)
	if err != nil {
		t.Fatalf("Take(%v, %d of %v): %v", key, n, b, err)
	}
	return taken
}

func refill(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "requests", "")
	for left := 2; left >= 0; left-- {
		if got := take(t, s, key, hourly, 1); !got.OK || got.Remaining != left || got.Wait != 0 || !near(got.Full, time.Duration(3-left)*time.Hour) {
			t.Errorf("with %d to be left: %+v", left, got)
		}
	}
	for range 2 {
		if got := take(t, s, key, hourly, 1); got.OK || got.Remaining != 0 || !near(got.Wait, time.Hour) || !near(got.Full, 3*time.Hour) {
			t.Errorf("empty: %+v", got)
		}
	}
	s.Pass(55 * time.Minute)
	if got := take(t, s, key, hourly, 1); got.OK || !near(got.Wait, 5*time.Minute) {
		t.Errorf("before one flowed in: %+v", got)
	}
	s.Pass(10 * time.Minute)
	if got := take(t, s, key, hourly, 1); !got.OK || got.Remaining != 0 {
		t.Errorf("when one had flowed in: %+v", got)
	}
	s.Pass(100 * time.Hour)
	if got := take(t, s, key, hourly, 1); !got.OK || got.Remaining != 2 || !near(got.Full, time.Hour) {
		t.Errorf("more than its burst flowed in: %+v", got)
	}
}

func allOrNothing(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "requests", "")
	if got := take(t, s, key, hourly, 4); got.OK || got.Remaining != 3 || !near(got.Wait, time.Hour) || got.Full != 0 {
		t.Errorf("more than the burst: %+v", got)
	}
	if got := take(t, s, key, hourly, 2); !got.OK || got.Remaining != 1 {
		t.Errorf("two of three: %+v", got)
	}
	if got := take(t, s, key, hourly, 2); got.OK || got.Remaining != 1 || !near(got.Wait, time.Hour) {
		t.Errorf("two of one: %+v", got)
	}
	if got := take(t, s, key, hourly, 1); !got.OK || got.Remaining != 0 {
		t.Errorf("the last, which the refused call must not have taken: %+v", got)
	}
}

func changed(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "requests", "")
	take(t, s, key, hourly, 3)
	faster := cache.Bucket{PerSecond: 1. / 60, Burst: 10}
	if got := take(t, s, key, faster, 1); got.OK || !near(got.Wait, time.Minute) || !near(got.Full, 10*time.Minute) {
		t.Errorf("an empty bucket that became a faster one: %+v", got)
	}
	s.Pass(5*time.Minute + 30*time.Second)
	if got := take(t, s, key, faster, 5); !got.OK {
		t.Errorf("five minutes later: %+v", got)
	}
}

func noBucket(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "requests", "")
	for _, c := range []struct {
		b cache.Bucket
		n int
	}{{cache.Bucket{}, 1}, {cache.Bucket{PerSecond: 1}, 1}, {cache.Bucket{Burst: 1}, 1}, {cache.Bucket{PerSecond: -1, Burst: 1}, 1},
		{cache.Bucket{PerSecond: math.NaN(), Burst: 1}, 1}, {cache.Bucket{PerSecond: math.Inf(1), Burst: 1}, 1},
		{cache.Bucket{PerSecond: 1, Burst: math.MaxInt}, 1}, {cache.Bucket{PerSecond: 1e-300, Burst: 1}, 1}, {hourly, 0},
		{hourly, -1}, {hourly, math.MaxInt}} {
		if got, err := s.Take(t.Context(), key, c.b, c.n); !errors.Is(err, cache.ErrBucket) || got.OK {
			t.Errorf("%d of %v: %+v, %v", c.n, c.b, got, err)
		}
	}
	if got := take(t, s, key, hourly, 3); !got.OK {
		t.Errorf("a refused call changed the bucket: %+v", got)
	}
}

func exact(t *testing.T, s MeterSubject) {
	b := cache.Bucket{PerSecond: 1. / 3600, Burst: 50}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got, err := s.Take(t.Context(), cache.Of("cli_one", "requests", ""), b, 1); err != nil {
					t.Error(err)
				} else if got.OK {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if taken.Load() != 50 {
		t.Errorf("%d of 50 tokens taken", taken.Load())
	}
}

func enter(t *testing.T, s MeterSubject, key cache.Key, holder string, most int, want bool) {
	t.Helper()
	if got, err := s.Enter(t.Context(), key, holder, most, 10*time.Minute); got != want || err != nil {
		t.Errorf("Enter(%v, %s, %d) = %v, %v", key, holder, most, got, err)
	}
}

func room(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "jobs", "")
	enter(t, s, key, "a", 0, false)
	enter(t, s, key, "a", 2, true)
	enter(t, s, key, "b", 2, true)
	enter(t, s, key, "c", 2, false)
	enter(t, s, key, "a", 2, true)
	enter(t, s, key, "c", 3, true)
	s.Leave(t.Context(), key, "nobody")
	enter(t, s, key, "d", 3, false)
	s.Leave(t.Context(), key, "a")
	s.Leave(t.Context(), key, "a")
	enter(t, s, key, "d", 3, true)
	enter(t, s, key, "e", 3, false)
	s.Leave(t.Context(), cache.Of("cli_two", "jobs", ""), "d")
	enter(t, s, key, "e", 3, false)
}

func crowd(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "jobs", "")
	var in atomic.Int64
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			if ok, err := s.Enter(t.Context(), key, fmt.Sprint(w), 7, time.Hour); err != nil {
				t.Error(err)
			} else if ok {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 7 {
		t.Errorf("%d holders of 7", in.Load())
	}
}

func holderLifetimes(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "jobs", "")
	enter(t, s, key, "a", 1, true)
	s.Pass(8 * time.Minute)
	enter(t, s, key, "b", 1, false)
	enter(t, s, key, "a", 1, true)
	s.Pass(8 * time.Minute)
	enter(t, s, key, "b", 1, false)
	s.Pass(2 * time.Minute)
	enter(t, s, key, "b", 1, true)
	enter(t, s, key, "a", 1, false)
}

func count(t *testing.T, s MeterSubject, key cache.Key, by, want int64) {
	t.Helper()
	if got, err := s.Count(t.Context(), key, by, 10*time.Minute); got != want || err != nil {
		t.Errorf("Count(%v, %d) = %d, %v; want %d", key, by, got, err, want)
	}
}

func counts(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "attempts", "")
	count(t, s, key, 0, 0)
	count(t, s, key, 1, 1)
	count(t, s, key, 5, 6)
	count(t, s, key, 0, 6)
	count(t, s, key, -2, 4)
	count(t, s, key, -100, 0)
	count(t, s, key, 1, 1)
	s.Pass(8 * time.Minute)
	count(t, s, key, 0, 1)
	s.Pass(2 * time.Minute)
	count(t, s, key, 0, 0)
	count(t, s, key, 1, 1)
	s.Pass(8 * time.Minute)
	count(t, s, key, 1, 2)
	s.Pass(8 * time.Minute)
	count(t, s, key, 1, 3)
	s.Pass(10 * time.Minute)
	count(t, s, key, 1, 1)
}

func countsAll(t *testing.T, s MeterSubject) {
	key := cache.Of("cli_one", "attempts", "")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				if _, err := s.Count(t.Context(), key, 1, time.Hour); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	count(t, s, key, 0, 200)
}

func meterApart(t *testing.T, s MeterSubject) {
	keys := append(lookAlikes(), cache.Platform("a", "b"), cache.Platform("", "ab"))
	for i, key := range keys {
		take(t, s, key, hourly, 3)
		enter(t, s, key, "a", 1, true)
		count(t, s, key, int64(i+1), int64(i+1))
	}
	for i, key := range keys {
		if got := take(t, s, key, hourly, 1); got.OK {
			t.Errorf("%v: %+v", key, got)
		}
		enter(t, s, key, "b", 1, false)
		count(t, s, key, 0, int64(i+1))
	}
}
