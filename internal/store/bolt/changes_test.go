package bolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
)

func mustCommit(t *testing.T, table *Table, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := commitOne(table, owner, id); err != nil {
			t.Fatal(err)
		}
	}
}

// wantChanges requires that the consumer is shown the events with the given ids, and returns the sequences.
func wantChanges(t *testing.T, table *Table, consumer string, limit int, ids ...string) []uint64 {
	t.Helper()
	found, err := table.Changes(t.Context(), consumer, limit)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var sequences []uint64
	for _, c := range found {
		e, err := store.ItemEvent(c.Partition, c.Item)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Body.ID)
		sequences = append(sequences, c.Sequence)
	}
	if fmt.Sprint(got) != fmt.Sprint(ids) {
		t.Fatalf("%s is shown %v, want %v", consumer, got, ids)
	}
	return sequences
}

func acknowledge(t *testing.T, table *Table, consumer string, sequence uint64) {
	t.Helper()
	if err := table.Acknowledge(t.Context(), consumer, sequence); err != nil {
		t.Fatal(err)
	}
}

// kept returns how many changes the file holds.
func kept(t *testing.T, table *Table) (n int) {
	t.Helper()
	if err := table.db.View(func(tx *bbolt.Tx) error { n = tx.Bucket(changes).Inspect().KeyN; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	table := openTable(t, Config{Path: path, Consumers: []string{"relay", "sealer"}})
	wantChanges(t, table, "relay", 10)
	mustCommit(t, table, "a", "b", "c")
	first := wantChanges(t, table, "relay", 2, "a", "b")
	wantChanges(t, table, "relay", 2, "a", "b") // until they are acknowledged
	acknowledge(t, table, "relay", first[0])
	wantChanges(t, table, "relay", 10, "b", "c")
	acknowledge(t, table, "relay", first[1])
	acknowledge(t, table, "relay", first[0]) // an older one changes nothing
	wantChanges(t, table, "relay", 10, "c")
	wantChanges(t, table, "sealer", 10, "a", "b", "c")
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}

	table = openTable(t, Config{Path: path, Consumers: []string{"relay", "archivist"}})
	wantChanges(t, table, "relay", 10, "c")
	wantChanges(t, table, "archivist", 10, "a", "b", "c")
	_, err := table.Changes(t.Context(), "sealer", 10)
	for what, err := range map[string]error{"Changes": err, "Acknowledge": table.Acknowledge(t.Context(), "sealer", 1),
		"Wait": table.Wait(t.Context(), "sealer")} {
		if !errors.Is(err, ErrConsumer) {
			t.Errorf("%s of a consumer that is not registered: %v", what, err)
		}
	}
	if err := table.Acknowledge(t.Context(), "relay", 4); !errors.Is(err, ErrSequence) {
		t.Errorf("acknowledging what has not happened: %v", err)
	}
	for _, limit := range []int{0, -1, store.MaxPage + 1} {
		if _, err := table.Changes(t.Context(), "relay", limit); !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestChangesAreTheEventsOfEveryPartition(t *testing.T) {
	table := openTable(t, Config{Consumers: []string{"relay"}})
	platform := tenant.ID("$platform#3")
	other := store.Create(store.Item{SK: "client#x"})
	other.Partition = platform
	private := eventOf(owner, "1")
	private.Private = &audit.Private{Salt: "s", Values: []byte(`{"name":"Ana"}`)}
	err := table.Commit(t.Context(), owner, audit.Of(private, eventOf(platform, "2")), store.Create(store.Item{SK: "k"}), other)
	if err != nil {
		t.Fatal(err)
	}
	if err := commitOne(table, owner, "1"); err == nil { // a commit that fails leaves no change
		t.Fatal("an event was written twice")
	}
	found, err := table.Changes(t.Context(), "relay", 10)
	if err != nil || len(found) != 2 {
		t.Fatalf("got %+v, %v", found, err)
	}
	for i, want := range []tenant.ID{owner, platform} {
		it, err := table.Get(t.Context(), want, keys.Event(0, fmt.Sprint(i+1)))
		if err != nil || found[i].Partition != want || fmt.Sprint(found[i].Item) != fmt.Sprint(it) {
			t.Errorf("change %d: %+v, %v", i, found[i], err)
		}
	}
}

func TestWait(t *testing.T) {
	table := openTable(t, Config{Consumers: []string{"relay"}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- table.Wait(t.Context(), "relay") }()
	go func() { done <- table.Wait(t.Context(), "relay") }()
	waitUntil(t, func() bool {
		table.stream.mu.Lock()
		defer table.stream.mu.Unlock()
		return table.stream.more != nil
	})
	mustCommit(t, table, "a")
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if err := table.Wait(ctx, "relay"); err != nil { // still unread
		t.Error(err)
	}
	acknowledge(t, table, "relay", wantChanges(t, table, "relay", 9, "a")[0])
	go func() { done <- table.Wait(ctx, "relay") }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRemovedEvents: a consumer is led past events that are gone or damaged, and does not turn in circles at the end.
func TestRemovedEvents(t *testing.T) {
	table := openTable(t, Config{Consumers: []string{"relay"}})
	mustCommit(t, table, "a", "b", "c")
	spoil := func(id string, value []byte) {
		t.Helper()
		err := table.submit(t.Context(), 0, func(w *writing) error {
			if value == nil {
				w.drop(w.items, itemKey(owner, keys.Event(0, id)))
			} else {
				w.put(w.items, itemKey(owner, keys.Event(0, id)), value)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	spoil("a", nil)
	spoil("b", []byte("damaged"))
	wantChanges(t, table, "relay", 1, "c")
	spoil("c", nil)
	wantChanges(t, table, "relay", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := table.Wait(ctx, "relay"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is nothing to wait for, and Wait says %v", err)
	}
	mustCommit(t, table, "d")
	acknowledge(t, table, "relay", wantChanges(t, table, "relay", 1, "d")[0])
}

func TestTrim(t *testing.T) {
	clock := storetest.NewClock()
	table := openTable(t, Config{System: clock.System(), Consumers: []string{"relay", "sealer"}})
	mustCommit(t, table, "a", "b", "c")
	clock.Advance(23 * time.Hour)
	mustCommit(t, table, "d")
	sweep := func(want int, why string) {
		t.Helper()
		if err := table.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := kept(t, table); n != want {
			t.Errorf("%s: %d changes are kept, want %d", why, n, want)
		}
	}
	acknowledge(t, table, "relay", 4)
	clock.Advance(time.Hour)
	sweep(4, "one consumer has seen none")
	acknowledge(t, table, "sealer", 2)
	sweep(2, "both have seen two")
	acknowledge(t, table, "sealer", 4)
	sweep(1, "the last is younger than a day")
	clock.Advance(23 * time.Hour)
	sweep(0, "all are old and seen")
	mustCommit(t, table, "e")
	if got := wantChanges(t, table, "relay", 9, "e"); got[0] != 5 {
		t.Errorf("sequence %d: it must go on where it was", got[0])
	}
}

// TestNewConsumer: one that is registered after everything was trimmed begins there, and sleeps until there is something.
func TestNewConsumer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	clock := storetest.NewClock()
	table := openTable(t, Config{Path: path, System: clock.System()})
	mustCommit(t, table, "a", "b")
	clock.Advance(25 * time.Hour)
	if err := errors.Join(table.Sweep(t.Context()), table.Close()); err != nil {
		t.Fatal(err)
	}
	table = openTable(t, Config{Path: path, System: clock.System(), Consumers: []string{"relay"}})
	wantChanges(t, table, "relay", 9)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := table.Wait(ctx, "relay"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	mustCommit(t, table, "c")
	wantChanges(t, table, "relay", 9, "c")
}
