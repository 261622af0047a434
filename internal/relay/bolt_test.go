package relay_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/local"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
)

// embedded is the embedded table's change stream as the loop reads it.
type embedded struct{ *bolt.Table }

func (e embedded) Changes(ctx context.Context, consumer string, limit int) ([]relay.Change, error) {
	changes, err := e.Table.Changes(ctx, consumer, limit)
	list := make([]relay.Change, len(changes))
	for i, c := range changes {
		list[i] = relay.Change(c)
	}
	return list, err
}

func openTable(t *testing.T, path string) *bolt.Table {
	t.Helper()
	table, err := bolt.Open(t.Context(), bolt.Config{Path: path, System: system.Real(), Consumers: []string{"a", "b"}, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// commit makes n changes with an event each, and returns the events' ids.
func commit(t *testing.T, table store.Table, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		e, err := audit.Happened(t.Context(), system.Real(), "cli_one", audit.Fact{Capability: "agents", Type: "agent.generated",
			Target: audit.Target{Type: "agent", ID: fmt.Sprint(i)}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.Body.ID)
		if err := table.Commit(t.Context(), "cli_one", audit.Of(e), store.Create(store.Item{SK: "agent#" + e.Body.ID, Schema: 1})); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// once is a consumer that drops repeats by event id, as all must.
type once struct {
	mu   sync.Mutex
	seen map[string]int
}

func (o *once) take(_ context.Context, events []bus.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		o.seen[e.ID]++
	}
	return nil
}

func (o *once) has(ids []string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		if o.seen[id] == 0 {
			return false
		}
	}
	return len(o.seen) == len(ids)
}

// TestEmbeddedTable holds that what is committed reaches each subscription of the process's bus, over restarts: what is committed
// while nothing runs is carried at the next start, and what was acknowledged does not come again.
func TestEmbeddedTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	a, b := &once{seen: map[string]int{}}, &once{seen: map[string]int{}}
	var all []string
	for round := range 3 {
		table, events := openTable(t, path), local.New()
		all = append(all, commit(t, table, 20)...) // before the loop runs
		l := &relay.Loop{Source: embedded{table}, Policy: relay.DefaultPolicy()}
		for name, consumer := range map[string]*once{"a": a, "b": b} {
			s, err := events.Subscribe(name, `{"source":["nowgo.agents"]}`, consumer.take)
			if err != nil {
				t.Fatal(err)
			}
			l.Consumers = append(l.Consumers, relay.Consumer{Name: name, Publisher: s})
		}
		stop := start(t, l)
		all = append(all, commit(t, table, 20)...)
		eventually(t, "both have all", func() bool { return a.has(all) && b.has(all) })
		eventually(t, "both cursors are at the end", func() bool { return idle(t, table, "a") && idle(t, table, "b") })
		stop()
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		for name, consumer := range map[string]*once{"a": a, "b": b} {
			for id, n := range consumer.seen {
				if n != 1 {
					t.Errorf("round %d: %s got %s %d times, though nothing failed", round, name, id, n)
				}
			}
		}
	}
}

// idle reports whether nothing is left for the consumer.
func idle(t *testing.T, table *bolt.Table, consumer string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	changes, err := table.Changes(ctx, consumer, 1)
	if err != nil {
		t.Fatal(err)
	}
	return len(changes) == 0
}
