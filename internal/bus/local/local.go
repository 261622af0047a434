// Package local is the event bus within the process. It keeps nothing: what makes delivery durable is the relay, which reads
// the change stream once for each subscription and moves on only when the subscription has taken an event.
package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/pattern"
)

// MaxEvent is the largest event in bytes of its JSON, EventBridge's own limit, so that what passes here passes there.
const MaxEvent = 256 << 10

// ErrTooLarge is the cause of a [bus.PartialError] for an event over [MaxEvent].
var ErrTooLarge = errors.New("local: event too large")

// ErrTaken is returned for a second subscription of the same name.
var ErrTaken = errors.New("local: a subscription of this name exists")

// Bus delivers events to subscriptions whose pattern they match. It is safe for concurrent use. Make it with [New].
type Bus struct {
	mu            sync.RWMutex
	subscriptions []*Subscription
}

// Subscription is a handler that gets the events of a pattern. It is itself a [bus.Publisher], to this one handler, which is how
// a relay with a cursor of its own for each subscription feeds it.
type Subscription struct {
	Name    string
	pattern *pattern.Pattern
	handler bus.Handler
}

// New returns a bus without subscriptions.
func New() *Bus { return &Bus{} }

// Subscribe adds a subscription. The pattern is of EventBridge's syntax. Errors: [pattern.ErrBad], [ErrTaken]; an empty name or
// no handler is refused too.
func (b *Bus) Subscribe(name, source string, handler bus.Handler) (*Subscription, error) {
	if name == "" || handler == nil {
		return nil, errors.New("local: a subscription has a name and a handler")
	}
	p, err := pattern.Compile([]byte(source))
	if err != nil {
		return nil, fmt.Errorf("local: subscription %s: %w", name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subscriptions {
		if s.Name == name {
			return nil, fmt.Errorf("%w: %s", ErrTaken, name)
		}
	}
	s := &Subscription{Name: name, pattern: p, handler: handler}
	b.subscriptions = append(b.subscriptions, s)
	return s, nil
}

// Subscriptions returns the subscriptions in the order they were made.
func (b *Bus) Subscriptions() []*Subscription {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Clone(b.subscriptions)
}

// Publish delivers the events to every subscription that they match, one after another, and returns when all handlers have. An
// event that any of them did not take is among the failed of the [*bus.PartialError].
func (b *Bus) Publish(ctx context.Context, events []bus.Event) error {
	var all failures
	for _, s := range b.Subscriptions() {
		all.merge(s.deliver(ctx, events))
	}
	if len(b.Subscriptions()) == 0 {
		_, all = decode(events)
	}
	return all.err()
}

// Publish delivers to the subscription the events that match its pattern.
func (s *Subscription) Publish(ctx context.Context, events []bus.Event) error {
	f := s.deliver(ctx, events)
	return f.err()
}

// deliver calls the handler once, with the events that match.
func (s *Subscription) deliver(ctx context.Context, events []bus.Event) failures {
	decoded, failed := decode(events)
	var indexes []int
	var matching []bus.Event
	for i, d := range decoded {
		if d != nil && s.pattern.Matches(*d) {
			indexes = append(indexes, i)
			matching = append(matching, events[i])
		}
	}
	if len(matching) == 0 {
		return failed
	}
	if err := ctx.Err(); err != nil {
		failed.add(err, indexes...)
		return failed
	}
	err := s.call(ctx, matching)
	var partial *bus.PartialError
	switch {
	case errors.As(err, &partial):
		for _, i := range partial.Failed {
			if i >= 0 && i < len(indexes) {
				failed.add(err, indexes[i])
			}
		}
	case err != nil:
		failed.add(err, indexes...)
	}
	return failed
}

// call runs the handler. One that panics has not taken its events; it does not take the process with it, as it would not on AWS.
func (s *Subscription) call(ctx context.Context, events []bus.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("local: subscription %s panicked: %v", s.Name, p)
		}
	}()
	if err := s.handler(ctx, events); err != nil {
		return fmt.Errorf("local: subscription %s: %w", s.Name, err)
	}
	return nil
}

// decode readies events for matching; those that no bus would take are among the failures, and nil.
func decode(events []bus.Event) ([]*pattern.Event, failures) {
	var failed failures
	decoded := make([]*pattern.Event, len(events))
	for i, e := range events {
		d, err := decodeOne(e)
		if err != nil {
			failed.add(err, i)
			continue
		}
		decoded[i] = &d
	}
	return decoded, failed
}

func decodeOne(e bus.Event) (pattern.Event, error) {
	if e.Source == "" || e.DetailType == "" {
		return pattern.Event{}, errors.New("local: an event has a source and a detail type")
	}
	b, err := json.Marshal(e)
	if err != nil {
		return pattern.Event{}, fmt.Errorf("local: %w", err)
	}
	if len(b) > MaxEvent {
		return pattern.Event{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(b))
	}
	return pattern.Decode(b)
}

// failures collects the indexes of events that were not taken, each once, and the error of the first of them.
type failures struct {
	indexes []int
	first   error
}

func (f *failures) add(err error, indexes ...int) {
	for _, i := range indexes {
		if len(f.indexes) == 0 || i < f.indexes[0] {
			f.first = err
		}
		if at, found := slices.BinarySearch(f.indexes, i); !found {
			f.indexes = slices.Insert(f.indexes, at, i)
		}
	}
}

func (f *failures) merge(other failures) {
	f.add(other.first, other.indexes...)
}

func (f *failures) err() error {
	if len(f.indexes) == 0 {
		return nil
	}
	return &bus.PartialError{Failed: f.indexes, Err: f.first}
}
