package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// entry returns a new event's item, with a private part.
func entry(t *testing.T, client tenant.ID) relay.Entry {
	t.Helper()
	e, err := audit.Happened(t.Context(), system.Real(), client, audit.Fact{Capability: "agents", Type: "agent.published",
		Target: audit.Target{Type: "agent", ID: "agt_1"}, Private: map[string]string{"name": "Ana Secreta"}})
	if err != nil {
		t.Fatal(err)
	}
	it, err := store.EventItem(e)
	if err != nil {
		t.Fatal(err)
	}
	return relay.Entry{Partition: client, Item: it}
}

func entries(t *testing.T, n int) []relay.Entry {
	list := make([]relay.Entry, n)
	for i := range list {
		list[i] = entry(t, "cli_one")
	}
	return list
}

func idOf(t *testing.T, e relay.Entry) string {
	t.Helper()
	event, err := relay.Decode(e)
	if err != nil {
		t.Fatal(err)
	}
	return event.ID
}

// publisher takes events, with faults: a call's fault says which it refuses.
type publisher struct {
	mu    sync.Mutex
	calls int
	got   []bus.Event
	fault func(call int, events []bus.Event) (refused []int, err error)
}

func (p *publisher) Publish(_ context.Context, events []bus.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	var refused []int
	var err error
	if p.fault != nil {
		refused, err = p.fault(p.calls, events)
	}
	if err != nil && refused == nil {
		return err
	}
	for i, e := range events {
		if !slices.Contains(refused, i) {
			p.got = append(p.got, e)
		}
	}
	if err != nil {
		return &bus.PartialError{Failed: refused, Err: err}
	}
	return nil
}

func (p *publisher) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, e := range p.got {
		ids = append(ids, e.ID)
	}
	return ids
}

var errThrottled = errors.New("throttled")

// patient is a relay that does not really wait; it counts its pauses.
func patient(p bus.Publisher, pauses *[]time.Duration) relay.Relay {
	return relay.Relay{Publisher: p, Policy: relay.DefaultPolicy(), System: system.Real(), Log: quiet,
		Wait: func(ctx context.Context, d time.Duration) error {
			*pauses = append(*pauses, d)
			return ctx.Err()
		}}
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  func(call int, events []bus.Event) ([]int, error)
		calls  int
		failed []int
		got    []int // how often each of four entries was published
	}{
		{"all taken", nil, 1, nil, []int{1, 1, 1, 1}},
		{"throttled twice, then taken", func(call int, _ []bus.Event) ([]int, error) {
			if call < 3 {
				return nil, errThrottled
			}
			return nil, nil
		}, 3, nil, []int{1, 1, 1, 1}},
		{"some refused once: only those are sent again", func(call int, _ []bus.Event) ([]int, error) {
			if call == 1 {
				return []int{1, 3}, errThrottled
			}
			return nil, nil
		}, 2, nil, []int{1, 1, 1, 1}},
		{"some refused twice, of what is left", func(call int, _ []bus.Event) ([]int, error) {
			return map[int][]int{1: {1, 2, 3}, 2: {0, 2}}[call], map[bool]error{true: errThrottled}[call < 3]
		}, 3, nil, []int{1, 1, 1, 1}},
		{"one never taken", func(_ int, events []bus.Event) ([]int, error) {
			return []int{min(2, len(events)-1)}, errThrottled
		}, 5, []int{2}, []int{1, 1, 0, 1}},
		{"never reachable", func(int, []bus.Event) ([]int, error) { return nil, errThrottled }, 5, []int{0, 1, 2, 3}, []int{0, 0, 0, 0}},
		{"an answer that makes no sense is of all", func(call int, _ []bus.Event) ([]int, error) {
			if call == 1 {
				return []int{9}, errThrottled
			}
			return nil, nil
		}, 2, nil, []int{2, 2, 2, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &publisher{fault: c.fault}
			var pauses []time.Duration
			list := entries(t, 4)
			failures := patient(p, &pauses).Send(t.Context(), list)
			var failed []int
			for _, f := range failures {
				failed = append(failed, f.Index)
				if !errors.Is(f.Err, errThrottled) || f.Attempts != 5 {
					t.Errorf("failure %+v", f)
				}
			}
			if !slices.Equal(failed, c.failed) || p.calls != c.calls || len(pauses) != c.calls-1 {
				t.Errorf("failed %v in %d calls with %d pauses, want %v in %d", failed, p.calls, len(pauses), c.failed, c.calls)
			}
			for i, e := range list {
				if n := count(p.ids(), idOf(t, e)); n != c.got[i] {
					t.Errorf("event %d was published %d times, want %d", i, n, c.got[i])
				}
			}
		})
	}
}

func count(list []string, s string) int {
	n := 0
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func TestPausesGrowWithinBounds(t *testing.T) {
	p := &publisher{fault: func(int, []bus.Event) ([]int, error) { return nil, errThrottled }}
	var pauses []time.Duration
	r := patient(p, &pauses)
	r.Policy = relay.Policy{Attempts: 6, First: time.Second, Longest: 5 * time.Second}
	r.Send(t.Context(), entries(t, 1))
	for i, whole := range []time.Duration{1, 2, 4, 5, 5} {
		if whole *= time.Second; pauses[i] > whole || pauses[i] < whole/2 {
			t.Errorf("pause %d is %s, want %s to %s", i, pauses[i], whole/2, whole)
		}
	}
}

func TestSendStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &publisher{fault: func(int, []bus.Event) ([]int, error) { cancel(); return nil, errThrottled }}
	var pauses []time.Duration
	if failures := patient(p, &pauses).Send(ctx, entries(t, 2)); len(failures) != 2 || p.calls != 1 {
		t.Errorf("%d failures after %d calls, want 2 after 1", len(failures), p.calls)
	}
}

// TestPoisonStallsNobody holds that an item that is no event is told of, and all others are published (invariant 3).
func TestPoisonStallsNobody(t *testing.T) {
	list := entries(t, 5)
	list[0].Item.SK = "agent#agt_1"
	list[1].Item.Summary = json.RawMessage(`{"capability":`)
	list[3].Item.Summary = json.RawMessage(`{"capability":"agents","body":{}}`)
	p := &publisher{}
	var pauses []time.Duration
	failures := patient(p, &pauses).Send(t.Context(), list)
	if len(failures) != 3 || len(p.ids()) != 2 || len(pauses) != 0 {
		t.Fatalf("failures %v, published %v", failures, p.ids())
	}
	for k, i := range []int{0, 1, 3} {
		if f := failures[k]; f.Index != i || !errors.Is(f.Err, relay.ErrPoison) || f.Attempts != 0 {
			t.Errorf("failure %+v, want poison at %d", f, i)
		}
	}
}

// TestPrivatePartStays holds that what is personal is not published (invariant 4).
func TestPrivatePartStays(t *testing.T) {
	p := &publisher{}
	var pauses []time.Duration
	patient(p, &pauses).Send(t.Context(), entries(t, 1))
	b, err := json.Marshal(p.got)
	if err != nil || len(p.got) != 1 || strings.Contains(string(b), "Secreta") || !strings.Contains(string(b), "private_commitment") {
		t.Errorf("published %s, %v", b, err)
	}
}
