package bolt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
)

// together runs the calls so that they wait behind one transaction and share the next, in their order.
func together(t *testing.T, table *Table, calls ...func() error) []error {
	t.Helper()
	release := block(t, table)
	errs := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
		waitUntil(t, func() bool { return len(table.queue) == i+1 })
	}
	release()
	wg.Wait()
	return errs
}

// block holds the writer in a job of its own until release is called.
func block(t *testing.T, table *Table) (release func()) {
	t.Helper()
	entered, hold, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- table.submit(context.Background(), maxBytes, func(*writing) error {
			close(entered)
			<-hold
			return nil
		})
	}()
	<-entered
	return func() {
		close(hold)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func waitUntil(t *testing.T, true func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !true(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to pass in 10 s")
		}
	}
}

func TestCommitsShareATransaction(t *testing.T) {
	table := openTable(t, Config{})
	if err := commitOne(table, owner, "there"); err != nil {
		t.Fatal(err)
	}
	transactions := 0
	table.commit = func(tx *bbolt.Tx) error { transactions++; return tx.Commit() }
	var calls []func() error
	for i := range 40 {
		id := fmt.Sprint(i)
		if i == 20 {
			id = "there"
		}
		calls = append(calls, func() error { return commitOne(table, owner, id) })
	}
	for i, err := range together(t, table, calls...) {
		if _, failed := store.FailedOn(err); failed != (i == 20) || err != nil && !failed {
			t.Errorf("commit %d: %v", i, err)
		}
	}
	if transactions != 1 {
		t.Errorf("%d transactions", transactions)
	}
	verifyItems(t, table, []string{"0", "19", "21", "39"})
}

func TestConditionsSeeTheCommitsBefore(t *testing.T) {
	table := openTable(t, Config{})
	update := func(seen int64) func() error {
		return func() error {
			return table.Commit(t.Context(), owner, audit.Of(eventOf(owner, fmt.Sprint("e", seen))),
				store.Update(store.Item{SK: "k#a"}, seen))
		}
	}
	errs := together(t, table, func() error { return commitOne(table, owner, "a") }, update(1), update(2), update(2))
	if errs[0] != nil || errs[1] != nil || errs[2] != nil {
		t.Errorf("got %v", errs)
	}
	if at, ok := store.FailedOn(errs[3]); !ok || at != 0 {
		t.Errorf("the second update of version 2: %v", errs[3])
	}
	if it, err := table.Get(t.Context(), owner, "k#a"); err != nil || it.Version != 3 {
		t.Errorf("version %d, %v", it.Version, err)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	table := openTable(t, Config{})
	release := block(t, table)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- table.Commit(ctx, owner, audit.Of(eventOf(owner, "a")), store.Create(store.Item{SK: "k#a"}))
	}()
	waitUntil(t, func() bool { return len(table.queue) == 1 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) { // answered although the writer is busy
		t.Errorf("got %v", err)
	}
	release()
	if err := commitOne(table, owner, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := table.Get(t.Context(), owner, "k#a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a withdrawn commit was written: %v", err)
	}
}

func TestCancelledAfterItWasTaken(t *testing.T) {
	table := openTable(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	table.commit = func(tx *bbolt.Tx) error { cancel(); return tx.Commit() }
	err := table.Commit(ctx, owner, audit.Of(eventOf(owner, "a")), store.Create(store.Item{SK: "k#a", ParentSK: "p#a"}))
	if err != nil {
		t.Errorf("got %v", err)
	}
	verifyItems(t, table, []string{"a"})
}

func TestClose(t *testing.T) {
	path := t.TempDir() + "/table.db"
	table := openTable(t, Config{Path: path, Consumers: []string{"relay"}})
	release := block(t, table)
	done, closed, waited := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { done <- commitOne(table, owner, "a") }()
	waitUntil(t, func() bool { return len(table.queue) == 1 })
	go func() { closed <- table.Close() }()
	go func() { waited <- waitBeyond(t, table) }()
	<-table.done
	release()
	if err := errors.Join(<-done, <-closed); err != nil {
		t.Errorf("a commit that waited, and Close: %v", err)
	}
	if err := <-waited; !errors.Is(err, ErrClosed) {
		t.Errorf("Wait: %v", err)
	}
	_, err := table.Get(t.Context(), owner, "k#a")
	for what, err := range map[string]error{"Get": err, "Commit": commitOne(table, owner, "b"), "Sweep": table.Sweep(t.Context())} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	if err := table.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	verifyItems(t, openTable(t, Config{Path: path}), []string{"a"})
}

// waitBeyond waits for a change after all that there are.
func waitBeyond(t *testing.T, table *Table) error {
	for {
		if err := table.Wait(t.Context(), "relay"); err != nil {
			return err
		}
		if _, err := table.Changes(t.Context(), "relay", 10); err != nil {
			return ErrClosed
		}
	}
}
