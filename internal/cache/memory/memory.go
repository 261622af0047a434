// Package memory is the cache in the process's own memory: the least recently used values go first when it is full. It stands on
// container/list; the usual library (hashicorp/golang-lru) bounds the number of values, not their bytes.
package memory

import (
	"bytes"
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/system"
)

// overhead is about what a value costs in bytes beside its key and itself.
const overhead = 200

// Cache keeps values within bounds. It may be used concurrently. Make it with [New].
type Cache struct {
	sys        system.System
	maxBytes   int
	maxEntries int

	mu      sync.Mutex
	entries map[cache.Key]*list.Element
	recent  *list.List // of *entry, the most recently used first
	bytes   int
}

type entry struct {
	key     cache.Key
	value   []byte
	expires time.Time
}

func (e *entry) size() int {
	return overhead + len(e.key.Client()) + len(e.key.Kind()) + len(e.key.ID()) + len(e.value)
}

var _ cache.Cache = (*Cache)(nil)

// New returns an empty cache of at most maxEntries values and maxBytes bytes, keys and book-keeping included. With a bound under
// one it keeps nothing.
func New(sys system.System, maxBytes, maxEntries int) *Cache {
	return &Cache{sys: sys, maxBytes: maxBytes, maxEntries: maxEntries, entries: map[cache.Key]*list.Element{}, recent: list.New()}
}

// Get implements [cache.Cache].
func (c *Cache) Get(_ context.Context, key cache.Key) ([]byte, bool) {
	now := c.sys.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	e := element.Value.(*entry) //nolint:forcetypeassert // the list holds nothing else
	if !now.Before(e.expires) {
		c.remove(element)
		return nil, false
	}
	c.recent.MoveToFront(element)
	return e.value, true
}

// Set implements [cache.Cache]. A value that is over the bound alone, or whose lifetime is not positive, is not kept; the one it
// would have replaced is forgotten all the same.
func (c *Cache) Set(_ context.Context, key cache.Key, value []byte, lifetime time.Duration) {
	e := &entry{key: key, value: bytes.Clone(value), expires: c.sys.Now().Add(lifetime)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[key]; ok {
		c.remove(element)
	}
	if lifetime <= 0 || e.size() > c.maxBytes || c.maxEntries < 1 {
		return
	}
	c.entries[key] = c.recent.PushFront(e)
	c.bytes += e.size()
	for c.bytes > c.maxBytes || len(c.entries) > c.maxEntries {
		c.remove(c.recent.Back())
	}
}

// Delete implements [cache.Cache].
func (c *Cache) Delete(_ context.Context, key cache.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[key]; ok {
		c.remove(element)
	}
}

func (c *Cache) remove(element *list.Element) {
	e := c.recent.Remove(element).(*entry) //nolint:forcetypeassert // the list holds nothing else
	delete(c.entries, e.key)
	c.bytes -= e.size()
}

// Size returns how many values are kept, those not yet found to be expired included, and their bytes.
func (c *Cache) Size() (entries, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.bytes
}
