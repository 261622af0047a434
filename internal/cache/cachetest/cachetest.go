// Package cachetest is the suite that every cache passes.
package cachetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/cache"
)

// Subject is a cache under test and the means to let time pass for it. Its own time may pass as well, as a server's does, so no test
// depends on less than a minute.
type Subject struct {
	cache.Cache
	Pass func(time.Duration)
}

// Run holds a cache to what the port promises. Open is called once for each test and returns an empty cache with room for at
// least 1 MB and 1000 values.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"keeps, replaces and forgets", lifecycle},
		{"keeps clients and kinds apart", apart},
		{"forgets when the lifetime is over", lifetimes},
		{"forgets one client alone", cleared},
		{"keeps its own copy", copies},
		{"may be used concurrently", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func want(t *testing.T, s Subject, key cache.Key, value string, there bool) {
	t.Helper()
	if got, ok := s.Get(t.Context(), key); ok != there || string(got) != value {
		t.Errorf("Get(%v) = %q, %v; want %q, %v", key, got, ok, value, there)
	}
}

func lifecycle(t *testing.T, s Subject) {
	key := cache.Of("cli_one", "agent", "agt_1")
	want(t, s, key, "", false)
	s.Set(t.Context(), key, []byte("first"), time.Minute)
	want(t, s, key, "first", true)
	s.Set(t.Context(), key, []byte("second"), time.Minute)
	want(t, s, key, "second", true)
	s.Set(t.Context(), key, nil, time.Minute)
	want(t, s, key, "", true)
	s.Delete(t.Context(), key)
	s.Delete(t.Context(), key)
	want(t, s, key, "", false)
}

// lookAlikes are keys that an adapter which joined their parts carelessly would take for each other.
func lookAlikes() []cache.Key {
	return []cache.Key{cache.Of("cli_one", "a", "b"), cache.Of("cli_two", "a", "b"),
		cache.Of("cli_one", "ab", ""), cache.Of("cli_one", "", "ab"), cache.Of("cli_one", "a#", "b"),
		cache.Of("cli_one", "a", "#b"), cache.Of("cli_on", "ea", "b"), cache.Of("cli_one", "a:", "b"), cache.Of("cli_one", "a", ":b"),
		cache.Of("cli_one", "a:b", ""), cache.Of("cli_one", "", "a:b"), cache.Of("cli_one", "a", "b}"), cache.Of("cli_one", "a", "\x00\xff"),
		cache.Of("cli_one", "a%3A", "b"), cache.Of("cli_one", "A", "b"), cache.Of("cli_one", "a", "B")}
}

func cleared(t *testing.T, s Subject) {
	gone := []cache.Key{cache.Of("cli_one", "a", "b"), cache.Of("cli_one", "", "")}
	left := []cache.Key{cache.Of("cli_two", "a", "b"), cache.Of("cli_on", "ea", "b"), cache.Of("cli_one-b", "a", "b"), cache.Platform("a", "b")}
	for _, key := range append(gone[:2:2], left...) {
		s.Set(t.Context(), key, []byte("v"), time.Hour)
	}
	if err := s.Clear(t.Context(), "cli_one"); err != nil {
		t.Fatal(err)
	}
	for _, key := range gone {
		want(t, s, key, "", false)
	}
	for _, key := range left {
		want(t, s, key, "v", true)
	}
}

func apart(t *testing.T, s Subject) {
	keys := lookAlikes()
	for i, key := range keys {
		s.Set(t.Context(), key, []byte(fmt.Sprint(i)), time.Minute)
	}
	for i, key := range keys {
		want(t, s, key, fmt.Sprint(i), true)
	}
	s.Delete(t.Context(), keys[0])
	want(t, s, keys[0], "", false)
	want(t, s, keys[1], "1", true)
}

func lifetimes(t *testing.T, s Subject) {
	short, long := cache.Of("cli_one", "", "short"), cache.Of("cli_one", "", "long")
	never := cache.Of("cli_one", "", "never")
	s.Set(t.Context(), short, []byte("s"), 10*time.Minute)
	s.Set(t.Context(), long, []byte("l"), time.Hour)
	s.Set(t.Context(), never, []byte("n"), time.Hour)
	s.Set(t.Context(), never, []byte("n"), 0)
	want(t, s, never, "", false)
	s.Pass(9 * time.Minute)
	want(t, s, short, "s", true)
	s.Pass(time.Minute)
	want(t, s, short, "", false)
	want(t, s, long, "l", true)
	s.Set(t.Context(), long, []byte("again"), time.Hour)
	s.Pass(55 * time.Minute)
	want(t, s, long, "again", true)
}

func copies(t *testing.T, s Subject) {
	key := cache.Of("cli_one", "", "a")
	value := []byte("abc")
	s.Set(t.Context(), key, value, time.Minute)
	value[0] = 'X'
	want(t, s, key, "abc", true)
}

func concurrent(t *testing.T, s Subject) {
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				key := cache.Of("cli_one", "", fmt.Sprint(i%10))
				s.Set(t.Context(), key, bytes.Repeat([]byte{byte('a' + w)}, 10), time.Minute)
				if v, ok := s.Get(t.Context(), key); ok && (len(v) != 10 || v[0] != v[9]) {
					t.Errorf("got %q", v)
				}
				if i%7 == 0 {
					s.Delete(t.Context(), key)
				}
			}
		})
	}
	wg.Wait()
}
