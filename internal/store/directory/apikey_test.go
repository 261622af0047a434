package directory_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
)

func TestAPrefixLeadsToOneKeyUntilItIsRemoved(t *testing.T) {
	f := open(t)
	at := directory.KeyPlace{Client: client, Key: "key_1"}
	until := f.sys.Now().Add(time.Hour).Truncate(time.Second)
	if err := f.commit(t, f.PlaceAPIKey("abc123", at, until)); err != nil {
		t.Fatal(err)
	}
	if got, err := f.APIKey(t.Context(), "abc123"); err != nil || got != at {
		t.Errorf("%+v, %v", got, err)
	}
	err := f.commit(t, f.PlaceAPIKey("abc123", directory.KeyPlace{Client: "cli_other", Key: "key_2"}, until))
	if _, lost := store.FailedOn(err); !lost {
		t.Errorf("a prefix that is taken was given again: %v", err)
	}
	if err := f.commit(t, f.RemoveAPIKey("abc123")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.APIKey(t.Context(), "abc123"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a removed key is found: %v", err)
	}
	if err := f.commit(t, f.PlaceAPIKey("def456", at, until)); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Hour)
	if _, err := f.APIKey(t.Context(), "def456"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a key is found after its time: %v", err)
	}
}

func TestWhatIsNoPrefixLeadsNowhere(t *testing.T) {
	f := open(t)
	for _, prefix := range []string{"", "ABC", "a#b", "a/b", "é", strings.Repeat("a", 33)} {
		if _, err := f.APIKey(t.Context(), prefix); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q: %v", prefix, err)
		}
		if f.table.Commit(t.Context(), client, audit.Of(f.event(t)), f.PlaceAPIKey(prefix, directory.KeyPlace{}, f.sys.Now())) == nil {
			t.Errorf("%q was placed", prefix)
		}
		if f.table.Commit(t.Context(), client, audit.Of(f.event(t)), f.RemoveAPIKey(prefix)) == nil {
			t.Errorf("%q was removed", prefix)
		}
	}
}
