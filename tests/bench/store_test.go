package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	few, many    = 100, 10_000 // clients
	each         = 100         // items of one client
	pageSize     = 20
	lookups      = 20_000
	lookupRounds = 7
	loaders      = 64
)

// BenchmarkClients compares the embedded table with many clients to one with few: a read of an item, and a page of a list, of
// clients and items at random.
func BenchmarkClients(b *testing.B) {
	small, large := loaded(b, few), loaded(b, many)
	reads := ratioOf(b, small, large, few, many, func(t *bolt.Table, id tenant.ID, random *rand.Rand) error {
		_, err := t.Get(context.Background(), id, itemOf(random.IntN(each)))
		return err
	})
	noteGrowth(b, "a read with 10,000 clients, beside 100", reads, 3)
	pages := ratioOf(b, small, large, few, many, func(t *bolt.Table, id tenant.ID, _ *rand.Rand) error {
		page, err := t.Query(context.Background(), id, store.Query{Prefix: "agent#", Limit: pageSize})
		if err == nil && len(page.Items) != pageSize {
			err = fmt.Errorf("a page of %d items", len(page.Items))
		}
		return err
	})
	noteGrowth(b, "a page of a list with 10,000 clients, beside 100", pages, 1.5)
}

// growth is the time of one call in the large table and in the small one.
type growth struct{ large, small, ratio float64 }

func noteGrowth(b *testing.B, what string, g growth, most float64) {
	b.Helper()
	note(b, what, fmt.Sprintf("%.1f µs", g.large*1e6), fmt.Sprintf("%.1f µs", g.small*1e6), g.ratio, fmt.Sprintf("≤ %g", most), g.ratio <= most)
	b.ReportMetric(g.ratio, fmt.Sprintf("ratio-of-%g", most))
}

func itemOf(n int) string { return fmt.Sprintf("agent#agt_%022d", n) }

func clientOf(n int) tenant.ID { return tenant.ID(fmt.Sprintf("cli_%026d", n)) }

// loaded returns a table with that many clients. Commits hold half as many items as they may hold actions: it is the public way in.
func loaded(b *testing.B, clients int) *bolt.Table {
	b.Helper()
	sys := system.Real()
	table, err := bolt.Open(b.Context(), bolt.Config{Path: filepath.Join(b.TempDir(), "table.db"), System: sys, SweepEvery: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := table.Close(); err != nil {
			b.Error(err)
		}
	})
	work := make(chan int)
	var wg sync.WaitGroup
	for range loaders {
		wg.Go(func() {
			for n := range work {
				if err := load100(table, sys, clientOf(n)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for n := range clients {
		work <- n
	}
	close(work)
	wg.Wait()
	return table
}

// load100 gives a client its items, in two commits.
func load100(table *bolt.Table, sys system.System, id tenant.ID) error {
	for from := 0; from < each; from += each / 2 {
		changes := make([]store.Change, 0, each/2)
		for n := from; n < from+each/2; n++ {
			changes = append(changes, store.Create(store.Item{SK: itemOf(n), ParentSK: fmt.Sprintf("profile#1#agent#%d", n), Schema: 1,
				Summary: json.RawMessage(`{"name":"Sofia","status":"published","profile_id":"pro_1","created_at":"2026-11-23T20:00:00Z"}`)}))
		}
		e := audit.Event{Partition: id, Body: audit.Body{ID: sys.NewULID(), Type: "agent.generated", Target: audit.Target{Type: "agent", ID: "1"}}}
		if err := table.Commit(context.Background(), id, audit.Of(e), changes...); err != nil {
			return err
		}
	}
	return nil
}

// ratioOf makes calls in both tables in turn and returns the medians.
func ratioOf(b *testing.B, small, large *bolt.Table, few, many int, call func(*bolt.Table, tenant.ID, *rand.Rand) error) growth {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	one := func(t *bolt.Table, clients int) float64 {
		began := time.Now()
		for range lookups {
			if err := call(t, clientOf(random.IntN(clients)), random); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began).Seconds() / lookups
	}
	one(small, few) // into the page cache
	one(large, many)
	var larges, smalls, ratios []float64
	for range lookupRounds {
		s, l := one(small, few), one(large, many)
		larges, smalls, ratios = append(larges, l), append(smalls, s), append(ratios, l/s)
	}
	return growth{median(larges), median(smalls), median(ratios)}
}
