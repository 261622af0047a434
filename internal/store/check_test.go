package store_test

import (
	"errors"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
)

// INVARIANT 1: no commit of a client's has an action in another client's partition, whichever it is of the commit.
func TestNoPlanReachesAnotherClient(t *testing.T) {
	const client, stranger tenant.ID = "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", "cli_bbbbbbbbbbbbbbbbbbbbbbbbbb"
	e, err := audit.Happened(t.Context(), storetest.NewClock().System(), client, audit.Fact{Capability: "test", Type: "thing.done",
		Target: audit.Target{Type: "thing", ID: "thg_1"}})
	if err != nil {
		t.Fatal(err)
	}
	own := store.Create(store.Item{SK: "thing#1", Schema: 1})
	upon := func(partition tenant.ID) []store.Change {
		other := store.Create(store.Item{SK: "thing#2", Schema: 1})
		other.Partition = partition
		return []store.Change{own, other}
	}
	for partition, want := range map[tenant.ID]error{"": nil, client: nil, "$platform#1": nil, stranger: store.ErrBadKey} {
		if _, err := store.Plan(client, audit.Of(e), upon(partition)); !errors.Is(err, want) {
			t.Errorf("beside the client's own a row of %q: %v, want %v", partition, err, want)
		}
	}
	theirs := e
	theirs.Partition = stranger
	if _, err := store.Plan(client, audit.Of(e, theirs), []store.Change{own}); err == nil {
		t.Error("an event in another client's trail")
	}
}

// INVARIANT 1: an eraser takes a client, and no partition of the platform.
func TestOnlyAClientIsErased(t *testing.T) {
	for client, want := range map[tenant.ID]error{"cli_a": nil, "": store.ErrBadKey, "$platform#1": store.ErrBadKey, "$login#x": store.ErrBadKey, "CLI_A": store.ErrBadKey} {
		if err := store.CheckErase(client, 1); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", client, err, want)
		}
	}
	for _, limit := range []int{-1, 0, store.MaxPage + 1} {
		if err := store.CheckErase("cli_a", limit); !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("%d items at once: %v", limit, err)
		}
	}
}
