package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Change is one new audit event in the change stream: the items whose keys begin with event#, and no others, as in the stream of
// the DynamoDB table, which is filtered to them. They are written once, so Item is as it was committed, unless its private part was
// erased since.
type Change struct {
	Sequence  uint64 // one more for each change of the table, from 1, in the order of the commits; some may be left out
	Partition tenant.ID
	Item      store.Item
}

// stream is what is known of the change stream without reading the file.
type stream struct {
	mu        sync.Mutex
	last      uint64        // sequence of the newest durable change
	more      chan struct{} // closed when last grows; nil while nobody waits
	consumers map[string]*place
}

// place is where a consumer stands.
type place struct {
	acknowledged uint64 // durable
	passed       uint64 // changes up to here were read, and none was left to show
}

func (p *place) at() uint64 { return max(p.acknowledged, p.passed) }

func openStream(db *bbolt.DB, names []string) (*stream, error) {
	s := &stream{consumers: make(map[string]*place, len(names))}
	err := db.View(func(tx *bbolt.Tx) error {
		s.last = tx.Bucket(changes).Sequence()
		for _, name := range names {
			if name == "" || len(name) > store.MaxKey {
				return fmt.Errorf("%w: %q", ErrConsumer, name)
			}
			p := &place{}
			if v := tx.Bucket(cursors).Get([]byte(name)); len(v) == 8 {
				p.acknowledged = binary.BigEndian.Uint64(v)
			} else if v != nil {
				return fmt.Errorf("%w: the cursor of %s", ErrCorrupt, name)
			}
			s.consumers[name] = p
		}
		return nil
	})
	return s, err
}

// publish wakes those who wait for changes.
func (s *stream) publish(last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last > s.last {
		s.last = last
		if s.more != nil {
			close(s.more)
			s.more = nil
		}
	}
}

// after returns where the consumer stands.
func (s *stream) after(consumer string) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.consumers[consumer]
	if p == nil {
		return 0, fmt.Errorf("%w: %q", ErrConsumer, consumer)
	}
	return p.at(), nil
}

// move notes where a consumer stands now.
func (s *stream) move(consumer string, move func(p *place)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	move(s.consumers[consumer])
}

// oldest returns the last sequence that every consumer acknowledged.
func (s *stream) oldest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := s.last
	for _, p := range s.consumers {
		least = min(least, p.acknowledged)
	}
	return least
}

// Changes returns, in their order, at most limit (1 to [store.MaxPage]) changes after those that the consumer acknowledged. It may
// return fewer before the end, but none only at the end. Until they are acknowledged they come again. Errors: [ErrConsumer],
// [store.ErrBadQuery] (limit), those of a read.
func (t *Table) Changes(ctx context.Context, consumer string, limit int) ([]Change, error) {
	if limit < 1 || limit > store.MaxPage {
		return nil, fmt.Errorf("%w: limit %d", store.ErrBadQuery, limit)
	}
	for {
		after, err := t.stream.after(consumer)
		if err != nil {
			return nil, err
		}
		var r reading
		err = t.view(ctx, func(tx *bbolt.Tx) error { return t.readChanges(ctx, tx, after, limit, &r) })
		if err != nil || len(r.found) > 0 {
			return r.found, err
		}
		t.stream.move(consumer, func(p *place) { p.passed = max(p.passed, r.passed) })
		if r.end {
			return nil, nil
		}
	}
}

// reading is a piece of the change stream.
type reading struct {
	found  []Change
	passed uint64 // the sequence up to which it was read
	end    bool   // of the stream
}

// readChanges reads on after the given sequence. It passes over events that are no longer in the table, and over one that is
// damaged, which it logs: it must not hold back those of all other clients.
func (t *Table) readChanges(ctx context.Context, tx *bbolt.Tx, after uint64, limit int, r *reading) error {
	table, b := tx.Bucket(items), tx.Bucket(changes)
	c := b.Cursor()
	size, read := 0, 0
	for key, value := c.Seek(number(after + 1)); key != nil; key, value = c.Next() {
		if len(r.found) == limit || size >= pageBytes || read == pageDead {
			return nil
		}
		if len(key) != 8 || len(value) < 8 {
			return corrupt("a change is too short")
		}
		read++
		r.passed = binary.BigEndian.Uint64(key)
		change, ok, err := resolveChange(table, value[8:])
		if err != nil {
			t.log.ErrorContext(ctx, "an event of the change stream cannot be read", "sequence", r.passed, "error", err)
		}
		if ok && err == nil {
			change.Sequence = r.passed
			r.found = append(r.found, change)
			size += change.Item.Size()
		}
	}
	r.passed, r.end = b.Sequence(), true
	return nil
}

// resolveChange returns the item with the given key as a change, if it is there.
func resolveChange(table *bbolt.Bucket, key []byte) (Change, bool, error) {
	client, sk, ok := splitItemKey(key)
	if !ok {
		return Change{}, false, corrupt("a change points nowhere")
	}
	value := table.Get(key)
	if value == nil {
		return Change{}, false, nil
	}
	r, err := decode(value)
	if err != nil {
		return Change{}, false, err
	}
	it, err := r.item(sk, store.Main)
	return Change{Partition: client, Item: it}, true, err
}

// Acknowledge notes, durably, that the consumer is done with all changes up to the given sequence; an older one than it already
// acknowledged changes nothing. Errors: [ErrConsumer]; [ErrSequence] for one that the stream has not reached; those of a commit.
func (t *Table) Acknowledge(ctx context.Context, consumer string, sequence uint64) error {
	if _, err := t.stream.after(consumer); err != nil {
		return err
	}
	return t.submit(ctx, len(consumer)+8, func(w *writing) error {
		if sequence > w.sequence {
			return fmt.Errorf("%w: %d after %d", ErrSequence, sequence, w.sequence)
		}
		name := []byte(consumer)
		if v := w.cursors.Get(name); len(v) == 8 && binary.BigEndian.Uint64(v) >= sequence {
			return nil
		}
		w.put(w.cursors, name, number(sequence))
		w.then(func() { t.stream.move(consumer, func(p *place) { p.acknowledged = max(p.acknowledged, sequence) }) })
		return nil
	})
}

// Wait returns when there may be changes for the consumer, at once if there are. Errors: [ErrConsumer], [ErrClosed], ctx's.
func (t *Table) Wait(ctx context.Context, consumer string) error {
	for {
		s := t.stream
		at, err := s.after(consumer)
		if err != nil {
			return err
		}
		s.mu.Lock()
		if s.last > at {
			s.mu.Unlock()
			return nil
		}
		if s.more == nil {
			s.more = make(chan struct{})
		}
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-t.done:
			return ErrClosed
		}
	}
}
