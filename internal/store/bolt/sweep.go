package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"time"
)

const (
	sweepBatch = 256            // deletions in one transaction
	keepFor    = 24 * time.Hour // the least time a change stays in the stream
)

// Sweep deletes the items that have expired, and the changes that all consumers acknowledged and that are older than a day, in
// small steps between which commits go on. It is what the table does in the background. Errors: those of a commit.
func (t *Table) Sweep(ctx context.Context) error {
	for _, step := range []func(w *writing) (int, error){t.expire, t.trim} {
		for n := sweepBatch; n == sweepBatch; {
			err := t.submit(ctx, 0, func(w *writing) (err error) {
				n, err = step(w)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dead is an entry of the bucket of ends whose time has come.
type dead struct {
	end, key []byte // key is nil where the item is no longer what the entry was made for
	was      pointers
}

// expire deletes items whose time has come, and returns how many entries it took out of the bucket of ends.
func (t *Table) expire(w *writing) (int, error) {
	var found []dead
	c := w.expiry.Cursor()
	for end, _ := c.First(); end != nil && len(found) < sweepBatch; end, _ = c.Next() {
		if len(end) >= 8 && binary.BigEndian.Uint64(end) > seconds(w.now) {
			break
		}
		found = append(found, t.bury(w, end))
	}
	for _, d := range found {
		if d.key != nil {
			w.remove(d.key, d.was)
		}
		w.drop(w.expiry, d.end)
	}
	return len(found), nil
}

// bury looks up what an entry of the bucket of ends points to. A damaged item is left where it is, and does not stop the sweep.
func (t *Table) bury(w *writing, end []byte) dead {
	d := dead{end: end}
	if len(end) < 8 {
		return d
	}
	client, sk, ok := splitItemKey(end[8:])
	value := w.items.Get(end[8:])
	if !ok || value == nil {
		return d
	}
	r, err := decode(value)
	if err != nil {
		t.log.Error("an expired item cannot be read", "error", err)
	} else if !r.live(w.now) {
		d.key = end[8:]
		d.was = r.pointers(client, sk, d.key)
	}
	return d
}

// trim deletes changes that nobody needs any more, and returns how many.
func (t *Table) trim(w *writing) (int, error) {
	done, before := t.stream.oldest(), seconds(w.now.Add(-keepFor))
	var found [][]byte
	c := w.changes.Cursor()
	for key, value := c.First(); key != nil && len(found) < sweepBatch; key, value = c.Next() {
		if len(key) != 8 || len(value) < 8 {
			return 0, corrupt("a change is too short")
		}
		if binary.BigEndian.Uint64(key) > done || binary.BigEndian.Uint64(value) > before {
			break
		}
		found = append(found, key)
	}
	for _, key := range found {
		w.drop(w.changes, key)
	}
	return len(found), nil
}

func (t *Table) sweepEvery(every time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-t.done:
			return
		case <-tick.C:
		}
		if err := t.Sweep(ctx); err != nil && !errors.Is(err, ErrClosed) {
			t.log.ErrorContext(ctx, "the sweep of the table failed", "error", err)
		}
	}
}
