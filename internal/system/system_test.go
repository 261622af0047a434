package system

import (
	"crypto/rand"
	"regexp"
	"sync"
	"testing"
	"time"
)

func TestULIDsOfOneMillisecondSortByTheirMaking(t *testing.T) {
	s := System{Now: func() time.Time { return time.UnixMilli(1_700_000_000_000) }, Random: rand.Reader}
	last := s.NewULID()
	for range 10_000 {
		id := s.NewULID()
		if id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}

func TestULIDsMadeAtOnceAreDifferent(t *testing.T) {
	s := Real()
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				id := s.NewULID()
				mu.Lock()
				if seen[id] {
					t.Errorf("%s twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestIDsAreOpaqueAndPrefixed(t *testing.T) {
	s := Real()
	if id := s.NewID("cli"); !regexp.MustCompile(`^cli_[a-z2-7]{26}$`).MatchString(id) || id == s.NewID("cli") {
		t.Errorf("id %q", id)
	}
	if secret := s.NewSecret(); len(secret) != 43 || secret == s.NewSecret() {
		t.Errorf("secret of %d characters", len(secret))
	}
}
