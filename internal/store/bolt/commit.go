package bolt

import (
	"context"
	"fmt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Commit implements [store.Table]. It returns after the file was synced; [store.ErrConflict] does not happen. A context that
// ends after the writer took the commit no longer stops it.
func (t *Table) Commit(ctx context.Context, client tenant.ID, rec audit.Record, changes ...store.Change) error {
	actions, err := store.Plan(client, rec, changes)
	if err != nil {
		return err
	}
	c := make(commit, len(actions))
	size := 0
	for i, a := range actions {
		c[i] = prepare(a)
		size += len(c[i].value)
	}
	return t.submit(ctx, size, c.apply)
}

// commit is the actions of a Commit, made ready outside of the writer.
type commit []action

type action struct {
	store.Action
	key   []byte
	value []byte   // of Create and Update, still without version
	was   pointers // to what the action replaces
}

func prepare(a store.Action) action {
	p := action{Action: a, key: itemKey(a.Partition, a.Item.SK)}
	if a.Op == store.OpCreate || a.Op == store.OpUpdate {
		p.value = encode(a.Item)
	}
	return p
}

// apply checks every condition and then writes.
func (c commit) apply(w *writing) error {
	for i := range c {
		holds, err := c[i].holds(w)
		if err != nil {
			return err
		}
		if !holds {
			return fmt.Errorf("bolt: commit: %w", &store.ConditionError{Change: i, SK: c[i].Item.SK, Op: c[i].Op})
		}
	}
	for i := range c {
		c[i].write(w)
	}
	return nil
}

// holds tells whether the action's condition does. INVARIANT 8: an expired item is absent.
func (a *action) holds(w *writing) (bool, error) {
	var version int64 // 0: absent
	a.was = pointers{}
	if value := w.items.Get(a.key); value != nil {
		r, err := decode(value)
		if err != nil {
			return false, err
		}
		a.was = r.pointers(a.Partition, a.Item.SK, a.key)
		if r.live(w.now) {
			version = r.version
		}
	}
	switch a.Op {
	case store.OpCreate:
		return version == 0, nil
	case store.OpCheck:
		return version != 0 && (a.Seen == 0 || a.Seen == version), nil
	default:
		return version != 0 && a.Seen == version, nil
	}
}

// write makes the action's change. INVARIANT 3: the event's place in the stream is of the same transaction.
func (a *action) write(w *writing) {
	switch a.Op {
	case store.OpCheck:
		return
	case store.OpDelete:
		w.remove(a.key, a.was)
		return
	}
	version := int64(1)
	if a.Op == store.OpUpdate {
		version = a.Seen + 1
	}
	seal(a.value, version)
	w.put(w.items, a.key, a.value)
	w.point(a.was, pointersTo(a.Partition, a.Item, a.key))
	if a.Event {
		w.record(a.key)
	}
}
