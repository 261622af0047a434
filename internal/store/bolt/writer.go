package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// What goes into one transaction at most.
const (
	maxJobs  = 512
	maxBytes = 16 << 20
)

// job is something to write. Its apply checks first and writes then: where it returns an error it has written nothing.
type job struct {
	apply  func(w *writing) error
	size   int // bytes, roughly
	state  atomic.Int32
	result error
	done   chan error
}

const (
	waiting int32 = iota
	taken
	withdrawn
)

// submit has the writer do the job and returns after it is durable. A job whose context ends before it is taken is not done.
func (t *Table) submit(ctx context.Context, size int, apply func(w *writing) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{apply: apply, size: size, done: make(chan error, 1)}
	if err := t.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		return <-j.done
	}
}

// Ready returns nil where the table takes commits; it writes nothing. Errors: [store.ErrUnavailable], ctx's.
func (t *Table) Ready(ctx context.Context) error {
	return t.submit(ctx, 0, func(*writing) error { return nil })
}

func (t *Table) enqueue(ctx context.Context, j *job) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.closed {
		return unavailable(ErrClosed)
	}
	select {
	case t.queue <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writer goroutine. It ends when the queue is closed and empty.
func (t *Table) write() {
	for first := range t.queue {
		if len(t.batch) > 1 {
			t.yield()
		}
		t.gather(first)
		t.run(t.batch)
		clear(t.batch)
	}
}

// yield lets the goroutines that were just answered put their next jobs into the queue, as long as any does. Otherwise the first of
// them alone has a transaction, and a sync, of its own, and the others have the next. It waits for nothing but the processor.
func (t *Table) yield() {
	for n := -1; len(t.queue) > n; {
		n = len(t.queue)
		runtime.Gosched()
	}
}

// gather fills the batch with the first job and those that wait behind it. It does not wait for any.
func (t *Table) gather(first *job) {
	t.batch = t.batch[:0]
	size := 0
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, taken) {
			t.batch = append(t.batch, j)
			size += j.size
		}
		if len(t.batch) == maxJobs || size >= maxBytes {
			return
		}
		var ok bool
		select {
		case j, ok = <-t.queue:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// run writes the jobs in one transaction and answers them. Where the transaction fails, each is tried alone, so that one too
// large for the disk, or on a damaged page, fails by itself.
func (t *Table) run(batch []*job) {
	if len(batch) == 0 {
		return
	}
	err := t.broken
	if err == nil {
		err = t.transact(batch)
	}
	if err != nil && t.broken == nil && len(batch) > 1 {
		for i := range batch {
			t.run(batch[i : i+1])
		}
		return
	}
	for _, j := range batch {
		if err != nil {
			j.result = err
		}
		j.done <- j.result
	}
}

// transact does the jobs in one transaction and returns after it is durable. Its error means that none was done.
func (t *Table) transact(batch []*job) error {
	var w *writing
	var id int
	err := guard(func() error {
		tx, err := t.db.Begin(true)
		if err != nil {
			return err
		}
		id = tx.ID()
		w = newWriting(tx, t.now())
		for _, j := range batch {
			j.result = j.apply(w)
			if w.err != nil {
				return w.err
			}
		}
		if !w.dirty { // every condition failed: there is nothing to sync
			return tx.Rollback()
		}
		return t.commit(tx)
	})
	switch {
	case err != nil && w == nil:
		return unavailable(err)
	case err != nil:
		t.undo(w.tx, id)
		if t.broken != nil {
			return t.broken
		}
		return unavailable(err)
	}
	t.stream.publish(w.sequence)
	for _, fn := range w.durable {
		fn()
	}
	return nil
}

// undo rolls back a transaction that failed, and looks whether it is gone. It stays visible where the last sync alone failed:
// then memory says what the disk perhaps does not, and a later sync would not tell. Nothing is written upon such a state.
func (t *Table) undo(tx *bbolt.Tx, id int) {
	err := guard(func() error {
		if err := tx.Rollback(); err != nil && !errors.Is(err, berrors.ErrTxClosed) {
			return err
		}
		return nil
	})
	if err != nil {
		t.wedged = true
		t.broken = unavailable(fmt.Errorf("a failed write could not be undone, restart the process: %w", err))
		return
	}
	err = guard(func() error {
		next, err := t.db.Begin(true)
		if err != nil {
			return err
		}
		if next.ID() != id {
			err = errors.New("the disk did not confirm a write, restart the process")
		}
		return errors.Join(err, next.Rollback())
	})
	if err != nil {
		t.broken = unavailable(err)
	}
}
