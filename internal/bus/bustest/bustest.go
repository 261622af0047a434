// Package bustest is the suite that every event bus passes.
package bustest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/system"
)

// Subject is a bus under test.
type Subject struct {
	bus.Publisher
	// Observe subscribes to a pattern and returns a function that takes what has arrived since it was last called. It may wait
	// for a moment, at most a second, where nothing has.
	Observe func(t *testing.T, pattern string) func() []bus.Event
}

// patience is how long an event may take to arrive.
const patience = 20 * time.Second

// Run holds a bus to what the port promises. Open is called once for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"delivers an event as it is", deliversAsIs},
		{"delivers to those whose pattern matches, and to no other", deliversToMatching},
		{"takes more events than one call may carry", takesMany},
		{"takes events that together are over a call's size", takesLarge},
		{"takes nothing without a complaint", takesNothing},
		{"names the event that no bus takes, and takes the others", namesTheFailed},
		{"accepts nothing once the context has ended", refusesAfterCancel},
		{"may be used concurrently", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// Event returns an event of the given capability and type whose change is n and padding, with an id of its own.
func Event(t *testing.T, capability, kind string, n, padding int) bus.Event {
	t.Helper()
	sys := system.Real()
	change, err := json.Marshal(map[string]any{"n": n, "padding": strings.Repeat("x", padding)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := bus.Of(audit.Event{Partition: "cli_a", Capability: capability, Body: audit.Body{
		ID: sys.NewULID(), ClientID: "cli_a", OccurredAt: sys.Now().Truncate(time.Second), Type: kind, Action: "test",
		Actor: audit.Actor{Type: "system"}, Target: audit.Target{Type: "test", ID: "ação"}, Result: "success",
		SchemaVersion: audit.SchemaVersion, Change: change}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ID returns the id of the event in the detail, the one that consumers know it by.
func ID(t *testing.T, e bus.Event) string {
	t.Helper()
	var body audit.Body
	if err := json.Unmarshal(e.Detail, &body); err != nil {
		t.Fatalf("detail %s: %v", e.Detail, err)
	}
	return body.ID
}

func ids(t *testing.T, events []bus.Event) []string {
	t.Helper()
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = ID(t, e)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// await polls until every one of want arrived, and returns all that did.
func await(t *testing.T, take func() []bus.Event, want []bus.Event) []bus.Event {
	t.Helper()
	var got []bus.Event
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		got = append(got, take()...)
		if arrived := ids(t, got); !slices.ContainsFunc(ids(t, want), func(id string) bool { return !slices.Contains(arrived, id) }) {
			return got
		}
	}
	t.Fatalf("%d of %d events arrived in %s", len(ids(t, got)), len(want), patience)
	return nil
}

func deliversAsIs(t *testing.T, s Subject) {
	take := s.Observe(t, `{"source":[{"prefix":"nowgo."}]}`)
	e := Event(t, "agents", "agent.published", 1, 0)
	if err := s.Publish(t.Context(), []bus.Event{e}); err != nil {
		t.Fatal(err)
	}
	got := await(t, take, []bus.Event{e})[0]
	if got.Source != e.Source || got.DetailType != e.DetailType || !got.Time.Equal(e.Time) {
		t.Errorf("got %s %s %s, want %s %s %s", got.Source, got.DetailType, got.Time, e.Source, e.DetailType, e.Time)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(got.Detail, &a), json.Unmarshal(e.Detail, &b)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("detail\n%s\nwant\n%s", got.Detail, e.Detail)
	}
}

func deliversToMatching(t *testing.T, s Subject) {
	published := s.Observe(t, `{"detail-type":["agent.published"],"detail":{"change":{"n":[{"numeric":[">",1]}]}}}`)
	all := s.Observe(t, `{"source":["nowgo.agents"]}`)
	events := []bus.Event{Event(t, "agents", "agent.published", 1, 0), Event(t, "agents", "agent.deleted", 2, 0),
		Event(t, "clients", "agent.published", 0, 0), Event(t, "agents", "agent.published", 3, 0)}
	if err := s.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, await(t, all, []bus.Event{events[0], events[1], events[3]})); len(got) != 3 {
		t.Errorf("%d events of the source arrived, want 3", len(got))
	}
	if got := ids(t, await(t, published, events[3:])); len(got) != 1 {
		t.Errorf("%d events of the pattern arrived, want 1", len(got))
	}
}

func takesMany(t *testing.T, s Subject) {
	take := s.Observe(t, `{"source":["nowgo.agents"]}`)
	events := make([]bus.Event, 25)
	for i := range events {
		events[i] = Event(t, "agents", "agent.published", i, 0)
	}
	if err := s.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	await(t, take, events)
}

func takesLarge(t *testing.T, s Subject) {
	take := s.Observe(t, `{"source":["nowgo.agents"]}`)
	events := make([]bus.Event, 9)
	for i := range events {
		events[i] = Event(t, "agents", "agent.published", i, 60<<10)
	}
	if err := s.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	await(t, take, events)
}

func takesNothing(t *testing.T, s Subject) {
	if err := s.Publish(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func namesTheFailed(t *testing.T, s Subject) {
	take := s.Observe(t, `{"source":["nowgo.agents"]}`)
	events := []bus.Event{Event(t, "agents", "a.b", 1, 0), Event(t, "agents", "a.b", 2, 300<<10), Event(t, "agents", "a.b", 3, 0)}
	err := s.Publish(t.Context(), events)
	var partial *bus.PartialError
	if !errors.As(err, &partial) || !slices.Equal(partial.Failed, []int{1}) || partial.Err == nil {
		t.Fatalf("got %v, want a partial error of event 1", err)
	}
	await(t, take, []bus.Event{events[0], events[2]})
}

func refusesAfterCancel(t *testing.T, s Subject) {
	s.Observe(t, `{"source":["nowgo.agents"]}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Publish(ctx, []bus.Event{Event(t, "agents", "a.b", 1, 0), Event(t, "agents", "a.b", 2, 0)})
	var partial *bus.PartialError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &partial) || !slices.Equal(partial.Failed, []int{0, 1}) {
		t.Fatalf("got %v, want a partial error of both for the canceled context", err)
	}
}

func concurrent(t *testing.T, s Subject) {
	take := s.Observe(t, `{"source":["nowgo.agents"]}`)
	var all []bus.Event
	var wg sync.WaitGroup
	for w := range 4 {
		events := []bus.Event{Event(t, "agents", "a.b", w, 0), Event(t, "agents", "a.b", w, 0)}
		all = append(all, events...)
		wg.Go(func() {
			if err := s.Publish(t.Context(), events); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	await(t, take, all)
}
