package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	commitTime   = time.Second
	commitRounds = 5
	client       = tenant.ID("cli_aaaaaaaaaaaaaaaaaaaaaaaaaa")
)

// BenchmarkCommit compares a commit of one change with its audit event, durable, with the faster of bbolt's Update and Batch
// storing the same two keys and values, durable too, and none of the indexes, the change stream and the conditions.
func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 64} {
		table, err := bolt.Open(b.Context(), bolt.Config{Path: filepath.Join(b.TempDir(), "table.db"), System: system.Real(), SweepEvery: -1})
		if err != nil {
			b.Fatal(err)
		}
		commit := func(id string) error {
			it, e := oneChange(id)
			return table.Commit(context.Background(), client, audit.Of(e), store.Create(it))
		}
		update, batch := bareWriter(b, (*bbolt.DB).Update), bareWriter(b, (*bbolt.DB).Batch)
		var ours, theirs, ratios []float64
		for range commitRounds {
			us := commits(b, writers, commit)
			them := max(commits(b, writers, update), commits(b, writers, batch))
			ours, theirs, ratios = append(ours, us), append(theirs, them), append(ratios, us/them)
		}
		if err := table.Close(); err != nil {
			b.Fatal(err)
		}
		note(b, fmt.Sprintf("commit with its event, %d writers, per second", writers), fmt.Sprintf("%.0f", median(ours)),
			fmt.Sprintf("%.0f", median(theirs)), median(ratios), "≥ 0.5", median(ratios) >= 0.5)
		b.ReportMetric(median(ratios), fmt.Sprintf("ratio-%d", writers))
	}
}

// bareWriter returns what stores a change and its event as bbolt itself does, in a file of its own.
func bareWriter(b *testing.B, run func(*bbolt.DB, func(*bbolt.Tx) error) error) func(id string) error {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	name := []byte("items")
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(name)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return func(id string) error {
		it, e := oneChange(id)
		event, err := store.EventItem(e)
		if err != nil {
			return err
		}
		return run(db, func(tx *bbolt.Tx) error {
			for _, row := range []store.Item{it, event} {
				value := make([]byte, 0, row.Size())
				for _, part := range []string{row.ParentSK, row.ActorSK, string(row.Summary), string(row.Data)} {
					value = append(value, part...)
				}
				if err := tx.Bucket(name).Put([]byte(string(client)+"\x00"+row.SK), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// oneChange is an item of half a kilobyte in one index, and its event.
func oneChange(id string) (store.Item, audit.Event) {
	data := json.RawMessage(`"` + strings.Repeat("x", 510) + `"`)
	it := store.Item{SK: "agent#" + id, ParentSK: "profile#1#agent#" + id, Schema: 1, Summary: json.RawMessage(`{"name":"Sofia"}`), Data: data}
	return it, audit.Event{Partition: client, Capability: "agents", Body: audit.Body{ID: id, ClientID: string(client), Type: "agent.generated",
		Action: "generate-agent", Actor: audit.Actor{Type: "user", ID: "usr_1"}, Target: audit.Target{Type: "agent", ID: id}, Result: "success",
		SchemaVersion: audit.SchemaVersion}}
}

var commitIDs atomic.Uint64

// commits has the writers call for a while and returns how many calls a second there were.
func commits(b *testing.B, writers int, call func(id string) error) float64 {
	b.Helper()
	var made atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	until := began.Add(commitTime)
	for range writers {
		wg.Go(func() {
			for time.Now().Before(until) {
				// Ids do not come in the order of the keys, as random ids do not.
				if err := call(fmt.Sprintf("%026x", commitIDs.Add(1)*0x9E3779B97F4A7C15)); err != nil {
					b.Error(err)
					return
				}
				made.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(made.Load()) / time.Since(began).Seconds()
}
