package kms

import (
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nowgo/agents/internal/envelope"
)

// Bounds of the keys that are kept.
const (
	maxKeys  = 1000            // of each of the two shelves; the least used is dropped first
	lifetime = 5 * time.Minute // so long a key that KMS no longer gives is still used
	maxUses  = 1000            // of one key before KMS is asked again
)

// shelf keeps data keys for a while. It may be used concurrently.
type shelf struct {
	now  func() time.Time
	mu   sync.Mutex
	keys *lru.Cache[string, *kept]
}

type kept struct {
	key   envelope.DataKey
	until time.Time
	left  int // uses
}

func newShelf(now func() time.Time) (*shelf, error) {
	keys, err := lru.New[string, *kept](maxKeys)
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return &shelf{now: now, keys: keys}, nil
}

// take returns the key with the name and counts the use, or false where there is none that may still be used.
func (s *shelf) take(name string) (envelope.DataKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys.Get(name)
	if !ok {
		return envelope.DataKey{}, false
	}
	if k.left <= 0 || !s.now().Before(k.until) {
		s.keys.Remove(name)
		return envelope.DataKey{}, false
	}
	k.left--
	return k.key, true
}

// put keeps a key that is used once already.
func (s *shelf) put(name string, key envelope.DataKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.Add(name, &kept{key, s.now().Add(lifetime), maxUses - 1})
}
