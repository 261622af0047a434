package bolt

import (
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
)

// A made-up format 2 keeps a note of every item.
func toFormat2(tx *bbolt.Tx) error {
	notes, err := tx.CreateBucket([]byte("notes"))
	if err != nil {
		return err
	}
	return tx.Bucket(items).ForEach(func(key, _ []byte) error { return notes.Put(key, []byte("seen")) })
}

func TestMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	table := openTable(t, Config{Path: path})
	if err := errors.Join(commitOne(table, owner, "a"), table.Close()); err != nil {
		t.Fatal(err)
	}
	crash := errors.New("crash")
	half := func(tx *bbolt.Tx) error { return errors.Join(toFormat2(tx), crash) }
	for name, c := range map[string]struct {
		steps []migration
		want  error
	}{
		"1 a migration that fails":  {[]migration{half}, crash},
		"2 a later one that panics": {[]migration{func(*bbolt.Tx) error { panic("bucket") }}, ErrCorrupt},
	} {
		if err := tryOpen(t, Config{Path: path, migrations: c.steps}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := tryOpen(t, Config{Path: path}); err != nil {
			t.Errorf("after %s the old version opens it: %v", name, err)
		}
	}
	runs := 0
	steps := []migration{toFormat2, func(*bbolt.Tx) error { runs++; return nil }}
	for range 2 { // each step runs once
		table = openTable(t, Config{Path: path, migrations: steps})
		verifyItems(t, table, []string{"a"})
		err := table.db.View(func(tx *bbolt.Tx) error {
			if got := tx.Bucket([]byte("notes")).Get(itemKey(owner, "k#a")); string(got) != "seen" {
				t.Errorf("got %q", got)
			}
			return nil
		})
		if err := errors.Join(err, table.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 1 {
		t.Errorf("the second step ran %d times", runs)
	}
	if err := tryOpen(t, Config{Path: path, migrations: steps[:1]}); !errors.Is(err, ErrNewer) {
		t.Errorf("an older version: got %v", err)
	}
	if err := tryOpen(t, Config{Path: path}); !errors.Is(err, ErrNewer) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the oldest version: got %v", err)
	}
}
