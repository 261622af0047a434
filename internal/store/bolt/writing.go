package bolt

import (
	"bytes"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// writing is a write transaction. After the first error of a bucket, which is one of the machine and not of a job, err is set and
// nothing more is written.
type writing struct {
	tx                                                 *bbolt.Tx
	now                                                time.Time
	items, byParent, byActor, expiry, changes, cursors *bbolt.Bucket
	sequence                                           uint64 // the last of the change stream
	dirty                                              bool
	durable                                            []func() // to be called once the transaction is
	err                                                error
}

// then has fn called after the transaction is durable.
func (w *writing) then(fn func()) { w.durable = append(w.durable, fn) }

func newWriting(tx *bbolt.Tx, now time.Time) *writing {
	w := &writing{tx: tx, now: now, items: tx.Bucket(items), byParent: tx.Bucket(byParent), byActor: tx.Bucket(byActor),
		expiry: tx.Bucket(expiry), changes: tx.Bucket(changes), cursors: tx.Bucket(cursors)}
	w.changes.FillPercent = 0.9 // it only grows at its end
	w.sequence = w.changes.Sequence()
	return w
}

func (w *writing) put(b *bbolt.Bucket, key, value []byte) {
	if w.err == nil && key != nil {
		w.dirty = true
		w.err = b.Put(key, value)
	}
}

func (w *writing) drop(b *bbolt.Bucket, key []byte) {
	if w.err == nil && key != nil {
		w.dirty = true
		w.err = b.Delete(key)
	}
}

// remove deletes an item and all that points to it.
func (w *writing) remove(key []byte, was pointers) {
	w.drop(w.items, key)
	w.point(was, pointers{})
}

// point moves what points to an item.
func (w *writing) point(was, is pointers) {
	w.move(w.byParent, was.parent, is.parent)
	w.move(w.byActor, was.actor, is.actor)
	w.move(w.expiry, was.end, is.end)
}

func (w *writing) move(b *bbolt.Bucket, from, to []byte) {
	if !bytes.Equal(from, to) {
		w.drop(b, from)
		w.put(b, to, nil)
	}
}

// record adds the item with the given key to the change stream.
func (w *writing) record(key []byte) {
	if w.err != nil {
		return
	}
	if w.sequence, w.err = w.changes.NextSequence(); w.err == nil {
		w.put(w.changes, number(w.sequence), append(number(seconds(w.now)), key...))
	}
}

// pointers are the keys that lead to an item from elsewhere; nil where there is none.
type pointers struct{ parent, actor, end []byte }

func pointersTo(client tenant.ID, it store.Item, key []byte) pointers {
	return pointers{indexKey(client, it.ParentSK, it.SK), indexKey(client, it.ActorSK, it.SK), expiryKey(it.ExpiresAt, key)}
}

func (r record) pointers(client tenant.ID, sk string, key []byte) pointers {
	return pointersTo(client, store.Item{SK: sk, ParentSK: string(r.parent), ActorSK: string(r.actor), ExpiresAt: r.expires}, key)
}
