package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
)

// A process whose files may not grow stands for one whose disk is full: the same writes fail, with EFBIG for ENOSPC.
func TestFullDisk(t *testing.T) {
	cmd := child(t, "full disk", filepath.Join(t.TempDir(), "table.db"), "")
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// fillDisk is the child: it commits, has the disk full twice (no room to grow, no room within the file), and commits again.
func fillDisk(cfg Config) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	table, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	if err := commitOne(table, owner, "before"); err != nil {
		return err
	}
	for i, limit := range []uint64{0, 64 << 10} {
		info, err := os.Stat(cfg.Path)
		if err != nil {
			return err
		}
		if limit == 0 {
			limit = uint64(info.Size())
		}
		if err := whileFull(table, limit, i); err != nil {
			return fmt.Errorf("limit %d: %w", limit, err)
		}
	}
	return table.Close()
}

// whileFull lets no file grow beyond limit and commits until that fails.
func whileFull(table *Table, limit uint64, round int) error {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		return err
	}
	written := 0
	err := error(nil)
	for ; err == nil && written < 1000; written++ {
		err = commitLarge(table, fmt.Sprintf("large-%d-%d", round, written))
	}
	if !errors.Is(err, store.ErrUnavailable) {
		return fmt.Errorf("after %d commits the error is %w, not ErrUnavailable", written, err)
	}
	lost := fmt.Sprintf("k#large-%d-%d", round, written-1)
	if _, err := table.Get(context.Background(), owner, lost); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%s failed, and reading it says %w", lost, err)
	}
	if _, err := table.Get(context.Background(), owner, "k#before"); err != nil {
		return fmt.Errorf("a read on a full disk: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	return commitOne(table, owner, fmt.Sprintf("after-%d", round))
}

func commitLarge(table *Table, id string) error {
	data := make([]byte, 300<<10)
	for i := range data {
		data[i] = '1'
	}
	return table.Commit(context.Background(), owner, audit.Of(eventOf(owner, id)), store.Create(store.Item{SK: "k#" + id, Data: data}))
}

func TestFailedCommit(t *testing.T) {
	full := fmt.Errorf("write: %w", syscall.ENOSPC)
	failing := func(*bbolt.Tx) error { return full }
	t.Run("fails alone, and later ones succeed", func(t *testing.T) {
		table := openTable(t, Config{})
		table.commit = failing
		if err := commitOne(table, owner, "a"); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
		table.commit = (*bbolt.Tx).Commit
		if err := commitOne(table, owner, "a"); err != nil {
			t.Errorf("the next: %v", err)
		}
	})
	t.Run("does not take those of its transaction along", func(t *testing.T) {
		table := openTable(t, Config{})
		table.commit = func(tx *bbolt.Tx) error {
			if tx.Bucket(items).Get(itemKey(owner, "k#large")) != nil {
				return full
			}
			return tx.Commit()
		}
		errs := together(t, table, func() error { return commitOne(table, owner, "a") },
			func() error { return commitOne(table, owner, "large") }, func() error { return commitOne(table, owner, "b") })
		if errs[0] != nil || !errors.Is(errs[1], syscall.ENOSPC) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
	})
	t.Run("that is visible all the same ends all writing, for the disk may not have it", func(t *testing.T) {
		table := openTable(t, Config{})
		table.commit = func(tx *bbolt.Tx) error { return errors.Join(tx.Commit(), syscall.EIO) }
		if err := table.Ready(t.Context()); err != nil {
			t.Errorf("before it, Ready says %v", err)
		}
		for _, id := range []string{"a", "b"} {
			if err := commitOne(table, owner, id); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: got %v", id, err)
			}
		}
		if err := table.Ready(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("after it, Ready says %v", err)
		}
		if _, err := table.Get(t.Context(), owner, "k#b"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("reading: %v", err)
		}
	})
	t.Run("that panics is an error, and later ones succeed", func(t *testing.T) {
		table := openTable(t, Config{})
		table.commit = func(*bbolt.Tx) error { panic("page 7 already freed") }
		if err := commitOne(table, owner, "a"); !errors.Is(err, ErrCorrupt) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		table.commit = (*bbolt.Tx).Commit
		if err := commitOne(table, owner, "a"); err != nil {
			t.Errorf("the next: %v", err)
		}
	})
}
