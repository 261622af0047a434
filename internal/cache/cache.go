// Package cache is the port to values that can be lost. Keys carry the client, so that a hit under another client is
// impossible by construction. The adapter cache/memory is bounded; a Redis adapter passes the same suite, cache/cachetest.
package cache

import (
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/internal/tenant"
)

// ErrNoAnswer is wrapped by the errors of a [Meter] that does not answer.
var ErrNoAnswer = errors.New("cache: no answer")

// Key names a value: the client it belongs to, what sort it is, and which. Only [Of] and [Platform] make one, so none lacks its client
// by oversight.
type Key struct {
	client tenant.ID
	kind   string
	id     string
}

// Of returns the key of a client's value.
func Of(client tenant.ID, kind, id string) Key { return Key{client, kind, id} }

// Platform returns the key of a value that belongs to no client, such as the attempts from a network address.
func Platform(kind, id string) Key { return Key{"", kind, id} }

// Client returns whose value it is; empty for the platform's. This and the next two are the key's parts, for adapters.
func (k Key) Client() tenant.ID { return k.client }

// Kind returns what sort of value it is.
func (k Key) Kind() string { return k.kind }

// ID returns which of its kind it is.
func (k Key) ID() string { return k.id }

// Cache keeps bytes for a while. Implementations may be used concurrently. A cache that does not answer behaves as an empty one.
type Cache interface {
	// Get returns the value, which the caller must not change, and whether it was there and is younger than its lifetime.
	Get(ctx context.Context, key Key) ([]byte, bool)
	// Set keeps the value for the lifetime at most.
	Set(ctx context.Context, key Key, value []byte, lifetime time.Duration)
	// Delete forgets the value.
	Delete(ctx context.Context, key Key)
	// Clear forgets every value of the client, as far as this process reaches. Errors: [ErrNoAnswer] (wrapped) where something may
	// be left.
	Clear(ctx context.Context, client tenant.ID) error
}
