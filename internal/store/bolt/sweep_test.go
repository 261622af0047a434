package bolt

import (
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/storetest"
)

// entries returns how many keys each bucket has, but for meta.
func entries(t *testing.T, table *Table) string {
	t.Helper()
	var s string
	err := table.db.View(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{items, byParent, byActor, expiry} {
			s += fmt.Sprintf("%s %d ", name, tx.Bucket(name).Inspect().KeyN)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSweep(t *testing.T) {
	clock := storetest.NewClock()
	table := openTable(t, Config{System: clock.System()})
	n := 0
	commit := func(changes ...store.Change) {
		t.Helper()
		n++
		e := eventOf(owner, fmt.Sprint("e", n))
		if err := table.Commit(t.Context(), owner, audit.Of(e), changes...); err != nil {
			t.Fatal(err)
		}
	}
	mortal := func(sk string, after time.Duration) store.Item {
		return store.Item{SK: sk, ParentSK: "p#" + sk, ActorSK: "u#" + sk, ExpiresAt: clock.Now().Add(after)}
	}
	sweep := func(want string) {
		t.Helper()
		if err := table.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, table); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	for i := range 6 {
		var many []store.Change
		for j := range 90 {
			many = append(many, store.Create(mortal(fmt.Sprintf("many#%d#%d", i, j), time.Minute)))
		}
		commit(many...)
	}
	commit(store.Create(mortal("later", time.Hour)), store.Create(mortal("renewed", time.Minute)), store.Create(mortal("again", time.Minute)),
		store.Create(mortal("ancient", -100*365*24*time.Hour)), store.Create(mortal("deleted", time.Minute)))
	commit(store.Update(mortal("renewed", 2*time.Hour), 1), store.Delete("deleted", 1))
	// Events are in both indexes too, and stay.
	sweep("items 551 by_parent 551 by_actor 551 expiry 543 ")
	clock.Advance(time.Minute)
	commit(store.Create(store.Item{SK: "again"})) // over the expired one
	sweep("items 12 by_parent 11 by_actor 11 expiry 2 ")
	if it, err := table.Get(t.Context(), owner, "again"); err != nil || it.Version != 1 {
		t.Errorf("again: %+v, %v", it, err)
	}
	clock.Advance(time.Hour)
	sweep("items 11 by_parent 10 by_actor 10 expiry 1 ")
	clock.Advance(time.Hour)
	sweep("items 10 by_parent 9 by_actor 9 expiry 0 ")
}

func TestSweepPassesDamage(t *testing.T) {
	clock := storetest.NewClock()
	table := openTable(t, Config{System: clock.System()})
	for _, id := range []string{"a", "b"} {
		it := store.Item{SK: "k#" + id, ExpiresAt: clock.Now().Add(time.Minute)}
		if err := table.Commit(t.Context(), owner, audit.Of(eventOf(owner, id)), store.Create(it)); err != nil {
			t.Fatal(err)
		}
	}
	err := table.submit(t.Context(), 0, func(w *writing) error {
		w.put(w.items, itemKey(owner, "k#a"), []byte("damaged"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	if err := table.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, table); got != "items 3 by_parent 2 by_actor 2 expiry 0 " {
		t.Error(got)
	}
}

func TestSweepInTheBackground(t *testing.T) {
	clock := storetest.NewClock()
	table := openTable(t, Config{System: clock.System(), SweepEvery: time.Millisecond})
	it := store.Item{SK: "k", ExpiresAt: clock.Now().Add(time.Minute)}
	if err := table.Commit(t.Context(), owner, audit.Of(eventOf(owner, "a")), store.Create(it)); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	waitUntil(t, func() bool { return entries(t, table) == "items 1 by_parent 1 by_actor 1 expiry 0 " })
}
