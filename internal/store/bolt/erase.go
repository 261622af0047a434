package bolt

import (
	"bytes"
	"context"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

var _ store.Eraser = (*Table)(nil)

// Erase implements [store.Eraser], in small steps between which commits go on.
func (t *Table) Erase(ctx context.Context, client tenant.ID, limit int) (map[string]int, error) {
	if err := store.CheckErase(client, limit); err != nil {
		return nil, err
	}
	removed := map[string]int{}
	for left := limit; left > 0; {
		step := min(left, sweepBatch)
		var found int
		err := t.submit(ctx, 0, func(w *writing) error {
			found = t.eraseSome(w, client, step, removed)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if left -= found; found < step {
			break
		}
	}
	return removed, nil
}

// eraseSome removes the first items of the client. One that is damaged goes too, and what points to it stays behind, pointing nowhere.
func (t *Table) eraseSome(w *writing, client tenant.ID, limit int, removed map[string]int) int {
	type row struct {
		key []byte
		was pointers
	}
	var found []row
	begin := partition(client)
	c := w.items.Cursor()
	for key, value := c.Seek(begin); key != nil && bytes.HasPrefix(key, begin) && len(found) < limit; key, value = c.Next() {
		_, sk, _ := splitItemKey(key)
		it := row{key: key}
		if r, err := decode(value); err != nil {
			t.log.Error("an item that is erased cannot be read", "error", err)
		} else {
			it.was = r.pointers(client, sk, key)
		}
		found = append(found, it)
		removed[store.Kind(sk)]++
	}
	for _, it := range found {
		w.remove(it.key, it.was)
	}
	return len(found)
}
