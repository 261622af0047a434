// Package testkit gives tests the real adapters on temporary files, a clock that they set, and calls made by somebody.
package testkit

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Clock is a clock that stands still until it is moved. It may be used concurrently.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Kit is what a service under test works with.
type Kit struct {
	Table  *bolt.Table
	Blobs  *folder.Store
	Clock  *Clock
	System system.System
}

// New opens the embedded table and a blob folder that are gone after the test. The clock stands at a second of 2026.
func New(t testing.TB, consumers ...string) *Kit {
	t.Helper()
	k := &Kit{Clock: &Clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	k.System = system.System{Now: k.Clock.Now, Random: rand.Reader}
	dir := t.TempDir()
	var err error
	if k.Table, err = bolt.Open(t.Context(), bolt.Config{Path: filepath.Join(dir, "nowgo.db"), System: k.System,
		Consumers: consumers, SweepEvery: -1}); err != nil {
		t.Fatal(err)
	}
	if k.Blobs, err = folder.Open(filepath.Join(dir, "blobs"), k.System); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Table.Close(); err != nil {
			t.Error(err)
		}
		if err := k.Blobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
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
