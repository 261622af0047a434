package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// view runs fn in a read transaction. Whatever fn keeps must be a copy.
func (t *Table) view(ctx context.Context, fn func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return guard(func() (err error) {
		tx, err := t.db.Begin(false)
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return unavailable(ErrClosed)
		} else if err != nil {
			return unavailable(err)
		}
		defer func() {
			if end := tx.Rollback(); end != nil {
				err = errors.Join(err, unavailable(end))
			}
		}()
		return fn(tx)
	})
}

// Get implements [store.Table].
func (t *Table) Get(ctx context.Context, client tenant.ID, sk string) (store.Item, error) {
	if err := store.CheckKey(client, sk); err != nil {
		return store.Item{}, err
	}
	var it store.Item
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		r, ok, err := live(tx.Bucket(items), itemKey(client, sk), t.now())
		if err != nil {
			return err
		}
		if !ok {
			return store.ErrNotFound
		}
		it, err = r.item(sk, store.Main)
		return err
	})
	return it, err
}

// BatchGet implements [store.Table]: all items are of one moment.
func (t *Table) BatchGet(ctx context.Context, client tenant.ID, sks []string) ([]store.Item, error) {
	if len(sks) > store.MaxBatch {
		return nil, fmt.Errorf("%w: %d keys", store.ErrTooMany, len(sks))
	}
	if client == "" {
		return nil, fmt.Errorf("%w: client", store.ErrBadKey)
	}
	seen := make(map[string]bool, len(sks))
	for _, sk := range sks {
		if err := store.CheckKey(client, sk); err != nil {
			return nil, err
		}
		if seen[sk] {
			return nil, fmt.Errorf("%w: repeated", store.ErrBadKey)
		}
		seen[sk] = true
	}
	found := make([]store.Item, 0, len(sks))
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		b, now := tx.Bucket(items), t.now()
		for _, sk := range sks {
			r, ok, err := live(b, itemKey(client, sk), now)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			it, err := r.item(sk, store.Main)
			if err != nil {
				return err
			}
			found = append(found, it)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// live returns the record with the given key, if it is there and has not expired (invariant 8).
func live(b *bbolt.Bucket, key []byte, now time.Time) (record, bool, error) {
	value := b.Get(key)
	if value == nil {
		return record{}, false, nil
	}
	r, err := decode(value)
	return r, err == nil && r.live(now), err
}
