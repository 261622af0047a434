package bolt

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// The test binary, started again with these in its environment, plays another process.
const (
	childRole   = "NOWGO_TEST_CHILD" // what it does, see runChild
	childPath   = "NOWGO_TEST_PATH"  // of the table's file
	childPrefix = "NOWGO_TEST_NAME"  // begins the ids of the items that it writes
)

const owner = tenant.ID("cli_durable")

// child returns the command of a child process.
func child(t *testing.T, role, path, prefix string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path, childPrefix+"="+prefix)
	cmd.Stderr = os.Stderr
	return cmd
}

func runChild(role string) error {
	cfg := Config{Path: os.Getenv(childPath), System: system.Real(), SweepEvery: -1, Consumers: []string{"relay"}}
	switch role {
	case "write forever":
		return writeMany(cfg, 4, 1<<30)
	case "write some":
		return writeMany(cfg, 3, 12)
	case "write some without syncing":
		cfg.noSync = true
		return writeMany(cfg, 3, 12)
	case "full disk":
		return fillDisk(cfg)
	case "hold":
		return hold(cfg)
	}
	return fmt.Errorf("no such role: %s", role)
}

// writeMany commits an item and its event, times times in each of several goroutines, and prints the item's id after each
// acknowledgement with one write(2).
func writeMany(cfg Config, writers, times int) error {
	table, err := Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range times {
				id := fmt.Sprintf("%s-%d-%d-", os.Getenv(childPrefix), w, n)
				if err := commitOne(table, owner, id); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
					os.Exit(1)
				}
			}
		})
	}
	wg.Wait()
	return table.Close()
}

// commitOne commits the item k#<id>, with an event about it whose id is <id> too.
func commitOne(table *Table, client tenant.ID, id string) error {
	return table.Commit(context.Background(), client, audit.Of(eventOf(client, id)),
		store.Create(store.Item{SK: "k#" + id, ParentSK: "p#" + id, Summary: []byte(`"` + id + `"`)}))
}

func eventOf(client tenant.ID, id string) audit.Event {
	return audit.Event{Partition: client, Capability: "bolttest", Body: audit.Body{ID: id, ClientID: string(client),
		OccurredAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Type: "thing.created", Action: "create-thing", Result: "success",
		Actor: audit.Actor{Type: "user", ID: "usr_1"}, Target: audit.Target{Type: "thing", ID: id}, SchemaVersion: 1}}
}

// hold keeps the table open until its standard input ends.
func hold(cfg Config) error {
	table, err := Open(context.Background(), cfg)
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("open\n"); err != nil {
		return err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil && err.Error() != "EOF" {
		return err
	}
	return table.Close()
}
