// Package relay carries the events of the table's change stream to the event bus: the outbox's other half (invariant 3).
//
// An event is an item of the commit that it tells of, so that none is lost between the two. The relay reads the change stream,
// publishes, and only then moves on; where it dies in between, it publishes again. Delivery is therefore at least once, and
// consumers drop repeats by the id in the event's body.
//
// [Relay] publishes a batch, trying again only what was not taken. [Loop] runs it in the monolith, with a durable cursor for each
// consumer. Package relay/stream runs it as a function on DynamoDB Streams.
package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// ErrPoison is wrapped by the failure of an item that is no event: trying again cannot help it.
var ErrPoison = errors.New("relay: not an event")

// Policy says how often and how patiently a batch is tried.
type Policy struct {
	Attempts int           // at least 1
	First    time.Duration // the pause after the first attempt; each further one is twice as long,
	Longest  time.Duration // up to this. A pause is shortened by a random part of at most a half
}

// DefaultPolicy tries five times within about one and a half seconds.
func DefaultPolicy() Policy {
	return Policy{Attempts: 5, First: 100 * time.Millisecond, Longest: 5 * time.Second}
}

// Wait returns after d, or with ctx's error.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Entry is an event item as the change stream has it.
type Entry struct {
	Partition tenant.ID
	Item      store.Item
}

// IsEvent reports whether the item is an event.
func (e Entry) IsEvent() bool { return strings.HasPrefix(e.Item.SK, keys.EventPrefix) }

// Failure is an entry that was not published.
type Failure struct {
	Index    int // among the entries
	Attempts int // 0 for poison
	Err      error
}

// Relay publishes event items. Its fields are set once; it may then be used concurrently.
type Relay struct {
	Publisher bus.Publisher
	Policy    Policy
	System    system.System
	Log       *slog.Logger
	Wait      func(context.Context, time.Duration) error // [Wait], except in tests
}

// New returns a relay to the publisher with the default policy.
func New(p bus.Publisher, sys system.System, log *slog.Logger) Relay {
	return Relay{Publisher: p, Policy: DefaultPolicy(), System: sys, Log: log, Wait: Wait}
}

// Send publishes the events of the entries and returns those that were not taken within the policy's attempts, by index. Poison is
// logged and among them, and keeps none of the others from being published.
func (r Relay) Send(ctx context.Context, entries []Entry) []Failure {
	var failures []Failure
	b := batch{}
	for i, e := range entries {
		event, err := Decode(e)
		if err != nil {
			failures = append(failures, Failure{Index: i, Err: err})
			r.Log.ErrorContext(ctx, "an event item cannot be read", "client_id", e.Partition, "sk", e.Item.SK, "error", err)
			continue
		}
		b.add(i, event)
	}
	for attempt := 1; len(b.events) > 0; attempt++ {
		var err error
		if b, err = b.publish(ctx, r.Publisher); len(b.events) == 0 {
			break
		}
		r.Log.WarnContext(ctx, "events were not taken", "events", len(b.events), "attempt", attempt, "error", err)
		if attempt >= r.Policy.Attempts || r.Wait(ctx, r.pause(attempt)) != nil {
			for _, i := range b.indexes {
				failures = append(failures, Failure{Index: i, Attempts: attempt, Err: err})
			}
			break
		}
	}
	slices.SortFunc(failures, func(a, b Failure) int { return a.Index - b.Index })
	return failures
}

// Decode returns the bus's event of an event item. Its error wraps [ErrPoison].
func Decode(e Entry) (bus.Event, error) {
	if !e.IsEvent() {
		return bus.Event{}, fmt.Errorf("%w: key %q", ErrPoison, e.Item.SK)
	}
	recorded, err := store.ItemEvent(e.Partition, e.Item)
	if err != nil {
		return bus.Event{}, fmt.Errorf("%w: %w", ErrPoison, err)
	}
	if recorded.Body.ID == "" || recorded.Body.Type == "" || recorded.Capability == "" {
		return bus.Event{}, fmt.Errorf("%w: no id, type or capability", ErrPoison)
	}
	event, err := bus.Of(recorded)
	if err != nil {
		return bus.Event{}, fmt.Errorf("%w: %w", ErrPoison, err)
	}
	return event, nil
}

// pause is how long to wait after the given attempt, from 1.
func (r Relay) pause(attempt int) time.Duration {
	d := r.Policy.First
	for ; attempt > 1 && d < r.Policy.Longest; attempt-- {
		d *= 2
	}
	d = min(d, r.Policy.Longest)
	// Relays that failed together should not come back together.
	var random [1]byte
	if _, err := io.ReadFull(r.System.Random, random[:]); err != nil {
		return d
	}
	return d - d/2*time.Duration(random[0])/255
}

// batch is events that are still to be published, with their indexes among the entries.
type batch struct {
	indexes []int
	events  []bus.Event
}

func (b *batch) add(index int, event bus.Event) {
	b.indexes, b.events = append(b.indexes, index), append(b.events, event)
}

// publish tries the batch once and returns what was not taken. An error that does not say which events it is of is of all: rather
// twice than never.
func (b batch) publish(ctx context.Context, p bus.Publisher) (batch, error) {
	err := p.Publish(ctx, b.events)
	if err == nil {
		return batch{}, nil
	}
	var partial *bus.PartialError
	if !errors.As(err, &partial) {
		return b, err
	}
	var left batch
	for _, k := range partial.Failed {
		if k < 0 || k >= len(b.events) {
			return b, err
		}
		left.add(b.indexes[k], b.events[k])
	}
	if len(left.events) == 0 {
		return b, err
	}
	return left, err
}
