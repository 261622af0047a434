package memory

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/system"
)

// Meter counts within this process. When it is full, what was asked for least recently is forgotten first. It may be used concurrently.
// Make it with [NewMeter].
type Meter struct {
	sys        system.System
	maxEntries int

	mu      sync.Mutex
	entries map[meterKey]*list.Element
	recent  *list.List // of *metered, the most recently used first
}

// sort is which of the three things is counted: the same key may name a bucket, holders and a count.
type sort uint8

const (
	bucket sort = iota
	holders
	count
)

type meterKey struct {
	sort sort
	key  cache.Key
}

type metered struct {
	key     meterKey
	until   time.Time            // bucket: when it is full again; count: when it is forgotten
	count   int64                // count
	holders map[string]time.Time // holders: until when each is in
}

var _ cache.Meter = (*Meter)(nil)

// NewMeter returns a meter that remembers at most maxEntries (1 or more) buckets, holders' keys and counts.
func NewMeter(sys system.System, maxEntries int) *Meter {
	return &Meter{sys: sys, maxEntries: max(maxEntries, 1), entries: map[meterKey]*list.Element{}, recent: list.New()}
}

// Take implements [cache.Meter].
func (m *Meter) Take(_ context.Context, key cache.Key, b cache.Bucket, n int) (cache.Taken, error) {
	if err := b.Check(n); err != nil {
		return cache.Taken{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entry(meterKey{bucket, key})
	var taken cache.Taken
	e.until, taken = b.Take(e.until, m.sys.Now(), n)
	return taken, nil
}

// Enter implements [cache.Meter].
func (m *Meter) Enter(_ context.Context, key cache.Key, holder string, most int, lifetime time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, now := m.entry(meterKey{holders, key}), m.sys.Now()
	if e.holders == nil {
		e.holders = map[string]time.Time{}
	}
	for name, until := range e.holders {
		if !now.Before(until) {
			delete(e.holders, name)
		}
	}
	if _, in := e.holders[holder]; !in && len(e.holders) >= most {
		return false, nil
	}
	e.holders[holder] = now.Add(lifetime)
	return true, nil
}

// Leave implements [cache.Meter].
func (m *Meter) Leave(_ context.Context, key cache.Key, holder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := meterKey{holders, key}
	element, ok := m.entries[k]
	if !ok {
		return
	}
	e := element.Value.(*metered) //nolint:forcetypeassert // the list holds nothing else
	if delete(e.holders, holder); len(e.holders) == 0 {
		m.recent.Remove(element)
		delete(m.entries, k)
	}
}

// Count implements [cache.Meter].
func (m *Meter) Count(_ context.Context, key cache.Key, by int64, lifetime time.Duration) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, now := meterKey{count, key}, m.sys.Now()
	if by == 0 {
		if _, ok := m.entries[k]; !ok { // to ask is not to be remembered
			return 0, nil
		}
	}
	e := m.entry(k)
	if !now.Before(e.until) {
		e.count = 0
	}
	if by != 0 {
		e.count, e.until = max(e.count+by, 0), now.Add(lifetime)
	}
	return e.count, nil
}

// entry returns what is remembered under the key, made now where nothing is. The lock is held.
func (m *Meter) entry(k meterKey) *metered {
	if element, ok := m.entries[k]; ok {
		m.recent.MoveToFront(element)
		return element.Value.(*metered) //nolint:forcetypeassert // the list holds nothing else
	}
	e := &metered{key: k}
	m.entries[k] = m.recent.PushFront(e)
	if len(m.entries) > m.maxEntries {
		last := m.recent.Back()
		delete(m.entries, m.recent.Remove(last).(*metered).key) //nolint:forcetypeassert // as above
	}
	return e
}

// Size returns how many buckets, holders' keys and counts are remembered.
func (m *Meter) Size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}
