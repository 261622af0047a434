// Package testkit gives tests the real adapters on temporary files, a clock that they set, and calls made by somebody.
package testkit

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Kit is what a service under test works with.
type Kit struct {
	Table  *bolt.Table
	Blobs  *folder.Store
	Clock  *storetest.Clock
	System system.System
}

// New opens the embedded table and a blob folder that are gone after the test. The clock stands at a second of 2026.
func New(t testing.TB, consumers ...string) *Kit {
	t.Helper()
	k := &Kit{Clock: storetest.NewClock()}
	k.System = k.Clock.System()
	k.Table = OpenTable(t, bolt.Config{System: k.System, Consumers: consumers, SweepEvery: -1})
	k.Blobs = OpenBlobs(t, k.System)
	return k
}

// OpenTable opens an embedded table that is gone after the test; cfg may leave out the path.
func OpenTable(t testing.TB, cfg bolt.Config) *bolt.Table {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "nowgo.db")
	}
	table, err := bolt.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	return table
}

// OpenBlobs opens a blob folder that is gone after the test.
func OpenBlobs(t testing.TB, sys system.System) *folder.Store {
	t.Helper()
	blobs, err := folder.Open(t.TempDir(), sys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return blobs
}

// As returns a context in which a user of the client makes a call.
func As(ctx context.Context, client tenant.ID, user string, role tenant.Role, operation string) context.Context {
	return tenant.WithCall(ctx, tenant.Call{Principal: tenant.Principal{Client: client, User: user, Role: role, Session: "ses_test"},
		Operation: operation, RequestID: "req-test"})
}

// Record returns a record of one event, for a change made by hand.
func Record(ctx context.Context, t testing.TB, sys system.System, client tenant.ID) audit.Record {
	t.Helper()
	e, err := audit.Happened(ctx, sys, client, audit.Fact{Capability: "test", Type: "test.changed",
		Target: audit.Target{Type: "test", ID: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	return audit.Of(e)
}
