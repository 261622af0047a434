package bolt

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
)

// BenchmarkCommit compares a commit of one change with its audit event to bbolt's own Update and Batch with the same bytes: two
// keys and the two records that the commit writes, and none of its indexes, change stream and conditions. An operation is one
// commit.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d/commit", writers), func(b *testing.B) {
			table, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "table.db"), System: system.Real(), SweepEvery: -1})
			if err != nil {
				b.Fatal(err)
			}
			measure(b, writers, func(id string) error {
				it, e := benchChange(id)
				return table.Commit(context.Background(), owner, audit.Of(e), store.Create(it))
			})
			if err := table.Close(); err != nil {
				b.Fatal(err)
			}
		})
		for name, run := range map[string]func(*bbolt.DB, func(*bbolt.Tx) error) error{
			"Update": (*bbolt.DB).Update, "Batch": (*bbolt.DB).Batch,
		} {
			b.Run(fmt.Sprintf("writers=%d/%s", writers, name), func(b *testing.B) { benchBolt(b, writers, run) })
		}
	}
}

func benchBolt(b *testing.B, writers int, run func(*bbolt.DB, func(*bbolt.Tx) error) error) {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bolt.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(items)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	measure(b, writers, func(id string) error {
		it, e := benchChange(id)
		event, err := store.EventItem(e)
		if err != nil {
			return err
		}
		one, two := encode(it), encode(event)
		return run(db, func(tx *bbolt.Tx) error {
			if err := tx.Bucket(items).Put(itemKey(owner, it.SK), one); err != nil {
				return err
			}
			return tx.Bucket(items).Put(itemKey(owner, event.SK), two)
		})
	})
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// benchChange is an item of half a kilobyte in one index, and its event.
func benchChange(id string) (store.Item, audit.Event) {
	data := make([]byte, 512)
	for i := range data {
		data[i] = '1'
	}
	return store.Item{SK: "agent#" + id, ParentSK: "profile#1#agent#" + id, Schema: 1, Summary: []byte(`{"name":"Sofia"}`), Data: data},
		eventOf(owner, id)
}

// measure has the writers share b.N calls.
func measure(b *testing.B, writers int, call func(id string) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				// Ids do not come in the order of the keys, as random ids do not.
				if err := call(fmt.Sprintf("%016x", uint64(n)*0x9E3779B97F4A7C15)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
