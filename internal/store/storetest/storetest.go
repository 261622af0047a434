// Package storetest is the suite that every adapter of package store passes: what must hold of a table, whatever it is made
// of. An adapter's test is one line:
//
//	func TestTable(t *testing.T) { storetest.Run(t, open) }
//
// Each case works in clients of its own with random ids, so open may give the same table each time.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Fixture is an open table and the clock that it was given.
type Fixture struct {
	Table store.Table
	Clock *Clock // the table's own time: give [Clock.System] to the adapter
	// IndexLag is set where an index may answer from before the last commit; the suite then asks again, for at most 10 s.
	IndexLag bool
	// CommitShort is how many bytes short of [store.MaxCommit] the largest commit stays: 0, but for an emulator that counts
	// otherwise than the service does.
	CommitShort int
}

// Clock is a time that only moves when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at some second of 2026.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now returns the clock's time.
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

// System returns a system with this clock and the machine's random source.
func (c *Clock) System() system.System { return system.System{Now: c.Now, Random: rand.Reader} }

// Run runs the suite. open is called once for each group of cases; it closes the table with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	groups := []struct {
		name string
		run  func(t *testing.T, open func() *scene)
	}{
		{"Items", testItems}, {"Conditions", testConditions}, {"BatchGet", testBatchGet},
		{"Queries", testQueries}, {"Indexes", testIndexes}, {"Cursors", testCursors}, {"Expiry", testExpiry},
		{"Limits", testLimits}, {"Keys", testKeys}, {"Isolation", testIsolation}, {"Events", testEvents},
		{"Erase", testErase}, {"Cancellation", testCancellation}, {"Concurrency", testConcurrency}, {"Model", testModel},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			fx := open(t)
			g.run(t, func() *scene { return newScene(fx) })
		})
	}
}

// scene is one case's stage: the table and a client that nobody else uses.
type scene struct {
	Fixture
	sys    system.System
	client tenant.ID
}

func newScene(fx Fixture) *scene {
	sys := fx.Clock.System()
	return &scene{Fixture: fx, sys: sys, client: tenant.ID(sys.NewID("cli"))}
}

// tb is what a test and a property test have in common.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

type cases map[string]func(t *testing.T, s *scene)

func (c cases) run(t *testing.T, open func() *scene) {
	t.Helper()
	for name, run := range c {
		t.Run(name, func(t *testing.T) { run(t, open()) })
	}
}

// event returns an event in the trail of partition.
func (s *scene) event(partition tenant.ID) audit.Event {
	id := s.sys.NewULID()
	e := audit.Event{Partition: partition, Capability: "storetest", Body: audit.Body{
		ID: id, OccurredAt: s.sys.Now(), Type: "thing.changed", Action: "change-thing", Result: "success",
		Actor: audit.Actor{Type: "user", ID: "usr_1"}, Target: audit.Target{Type: "thing", ID: "thg_1"}, SchemaVersion: 1,
	}}
	if !partition.Platform() {
		e.Body.ClientID = string(partition)
	}
	return e
}

func (s *scene) record() audit.Record { return audit.Of(s.event(s.client)) }

func (s *scene) commit(changes ...store.Change) error {
	return s.Table.Commit(context.Background(), s.client, s.record(), changes...)
}

func (s *scene) mustCommit(t tb, changes ...store.Change) {
	t.Helper()
	if err := s.commit(changes...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// seed creates items with the given sort keys and nothing else.
func (s *scene) seed(t tb, sks ...string) {
	t.Helper()
	for len(sks) > 0 {
		n := min(len(sks), store.MaxActions-1)
		changes := make([]store.Change, n)
		for i, sk := range sks[:n] {
			changes[i] = store.Create(item(sk))
		}
		s.mustCommit(t, changes...)
		sks = sks[n:]
	}
}

func (s *scene) mustGet(t tb, sk string) store.Item {
	t.Helper()
	it, err := s.Table.Get(context.Background(), s.client, sk)
	if err != nil {
		t.Fatalf("get %q: %v", sk, err)
	}
	return it
}

func (s *scene) wantAbsent(t tb, sk string) {
	t.Helper()
	if it, err := s.Table.Get(context.Background(), s.client, sk); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get %q: got %+v, %v; want ErrNotFound", sk, it, err)
	}
}

// wantEvents requires that the client's trail has n events.
func (s *scene) wantEvents(t tb, n int) {
	t.Helper()
	if got := s.walk(t, store.Query{Prefix: "event#", Limit: store.MaxPage}); len(got) != n {
		t.Errorf("the trail has %d events, want %d", len(got), n)
	}
}

// walk reads a query to its end.
func (s *scene) walk(t tb, q store.Query) []store.Item {
	t.Helper()
	items, err := s.tryWalk(q)
	if err != nil {
		t.Fatalf("query %+v: %v", q, err)
	}
	return items
}

func (s *scene) tryWalk(q store.Query) ([]store.Item, error) {
	var items []store.Item
	for range 10_000 {
		p, err := s.Table.Query(context.Background(), s.client, q)
		if err != nil {
			return nil, err
		}
		if len(p.Items) > q.Limit {
			return nil, fmt.Errorf("a page of %d items, over the limit of %d", len(p.Items), q.Limit)
		}
		items = append(items, p.Items...)
		if p.Next == "" {
			return items, nil
		}
		q.Cursor = p.Next
	}
	return nil, errors.New("the pages do not end")
}

// eventually calls try until it returns nothing wrong: once, or where q's index lags for at most 10 s.
func (s *scene) eventually(t tb, index store.Index, try func() (wrong string)) {
	t.Helper()
	wrong := try()
	if wrong != "" && s.IndexLag && index != store.Main {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(10 * time.Second); wrong != "" && time.Now().Before(deadline); wrong = try() {
			<-tick.C
		}
	}
	if wrong != "" {
		t.Fatalf("%s", wrong)
	}
}

// wantKeys requires that the query's whole answer is the items with the given sort keys, in that order.
func (s *scene) wantKeys(t tb, q store.Query, want ...string) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = store.MaxPage
	}
	s.eventually(t, q.Index, func() string {
		items, err := s.tryWalk(q)
		if err != nil {
			return fmt.Sprintf("query %+v: %v", q, err)
		}
		if got := sortKeys(items); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Sprintf("query %+v:\n got %q\nwant %q", q, got, want)
		}
		return ""
	})
}

func sortKeys(items []store.Item) []string {
	var sks []string
	for _, it := range items {
		sks = append(sks, it.SK)
	}
	return sks
}

// item returns an item with content that tells it from others.
func item(sk string) store.Item {
	text, err := json.Marshal("of " + sk)
	if err != nil {
		text = []byte(`"?"`)
	}
	return store.Item{SK: sk, Schema: 1, Summary: text, Data: json.RawMessage(`{"secret":` + string(text) + `}`)}
}

// sameItem says how got differs from want, or nothing.
func sameItem(got, want store.Item) string {
	g, w := describe(got), describe(want)
	if g == w {
		return ""
	}
	return fmt.Sprintf("got  %s\nwant %s", g, w)
}

func describe(it store.Item) string {
	expires := "never"
	if !it.ExpiresAt.IsZero() {
		expires = fmt.Sprint(it.ExpiresAt.Unix())
	}
	return fmt.Sprintf("%q parent=%q actor=%q version=%d schema=%d expires=%s summary=%s data=%s",
		it.SK, it.ParentSK, it.ActorSK, it.Version, it.Schema, expires, it.Summary, it.Data)
}

// wantCondition requires that err names the change at index.
func wantCondition(t tb, err error, index int, sk string) {
	t.Helper()
	var ce *store.ConditionError
	if !errors.As(err, &ce) {
		t.Fatalf("got %v, want a ConditionError", err)
	}
	if ce.Change != index || ce.SK != sk {
		t.Errorf("the error names change %d on %q, want %d on %q", ce.Change, ce.SK, index, sk)
	}
}

func wantError(t tb, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
