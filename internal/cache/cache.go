// Package cache is the port to values that can be lost. Keys carry the client, so that a hit under another client is
// impossible by construction. The adapter cache/memory is bounded; a Redis adapter passes the same suite, cache/cachetest.
package cache

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/tenant"
)

// Key names a value: the client it belongs to, what sort it is, and which.
type Key struct {
	Client tenant.ID
	Kind   string
	ID     string
}

// Cache keeps bytes for a while. Implementations may be used concurrently. A cache that does not answer behaves as an empty one.
type Cache interface {
	// Get returns the value, which the caller must not change, and whether it was there and is younger than its lifetime.
	Get(ctx context.Context, key Key) ([]byte, bool)
	// Set keeps the value for the lifetime at most.
	Set(ctx context.Context, key Key, value []byte, lifetime time.Duration)
	// Delete forgets the value.
	Delete(ctx context.Context, key Key)
}
