package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// KeyPlace is where an API key's rows are. It never changes: a prefix leads to one key for good.
type KeyPlace struct {
	Client tenant.ID `json:"client"`
	Key    string    `json:"key"` // key_…
}

// APIKey returns where the API key with the prefix is, 1 to 32 of a-z and 0-9. Errors: store.ErrNotFound, also for what cannot be
// a prefix; those of the table.
func (d *Directory) APIKey(ctx context.Context, prefix string) (KeyPlace, error) {
	if !validPrefix(prefix) {
		return KeyPlace{}, fmt.Errorf("directory: API key: %w", store.ErrNotFound)
	}
	it, err := d.table.Get(ctx, apiKey(prefix), keys.KeyFound)
	if err != nil {
		return KeyPlace{}, fmt.Errorf("directory: API key: %w", err)
	}
	var at KeyPlace
	if err := it.Read(nil, &at); err != nil {
		return KeyPlace{}, fmt.Errorf("directory: API key: %w", err)
	}
	return at, nil
}

// PlaceAPIKey returns the change that makes a key found by its prefix until the given time, in whole seconds; the condition is that
// no key has the prefix.
func (d *Directory) PlaceAPIKey(prefix string, at KeyPlace, until time.Time) store.Change {
	if !validPrefix(prefix) {
		return store.Change{}
	}
	it, err := store.Row(keys.KeyFound, 1, nil, at)
	it.ExpiresAt = until
	return in(apiKey(prefix), store.Create(it), err)
}

// RemoveAPIKey returns the change that makes a key not found any more; the condition is that it was.
func (d *Directory) RemoveAPIKey(prefix string) store.Change {
	if !validPrefix(prefix) {
		return store.Change{}
	}
	return in(apiKey(prefix), store.Delete(keys.KeyFound, 1), nil) // never updated: always at version 1
}

func apiKey(prefix string) tenant.ID { return tenant.ID(keysPartition + prefix) }

func validPrefix(s string) bool {
	for i := range len(s) {
		if (s[i] < 'a' || s[i] > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}
