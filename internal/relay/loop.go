package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
)

// Change is one change of the table.
type Change struct {
	Sequence uint64 // of the stream; grows, not by one at a time
	Op       store.Op
	Entry
}

// Source is the table's change stream as the loop reads it.
type Source interface {
	// Changes returns the changes after the consumer's cursor, in the order of their sequences, at most limit. A consumer that is
	// new begins with what the stream still has.
	Changes(ctx context.Context, consumer string, limit int) ([]Change, error)
	// Acknowledge moves the consumer's cursor to the sequence. It returns when that is durable.
	Acknowledge(ctx context.Context, consumer string, sequence uint64) error
	// Notify returns a channel that yields, or is closed, once there is a change after the call. A value may stand for several.
	Notify() <-chan struct{}
}

// Consumer is what events are carried to: a subscription of bus/local, or a publisher to elsewhere. Its name is that of its
// cursor, so it must not change.
type Consumer struct {
	Name      string
	Publisher bus.Publisher
}

// Loop carries the change stream to consumers, each in a goroutine of its own with a cursor of its own: one that is slow or fails
// holds up no other. What a consumer does not take within the policy's attempts is written to the dead letters and passed.
type Loop struct {
	Source      Source
	Consumers   []Consumer
	DeadLetters blob.Store
	Policy      Policy
	System      system.System
	Log         *slog.Logger
	Batch       int           // changes read at once; 0: 100
	Poll        time.Duration // how long a missed notification can go unnoticed; 0: 5 s
	Grace       time.Duration // how long Run may go on after its context ended, to carry what there is; 0: 5 s
	Wait        func(context.Context, time.Duration) error
}

// Run carries events until ctx ends, and then those that are in the stream already, for the grace at most. What it leaves is
// carried after the next start.
func (l *Loop) Run(ctx context.Context) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		if Wait(work, orDefault(l.Grace, 5*time.Second)) == nil {
			stop()
		}
	})()
	wakes := make([]chan struct{}, len(l.Consumers))
	var consumers, bell sync.WaitGroup
	for i, c := range l.Consumers {
		wakes[i] = make(chan struct{}, 1)
		consumers.Go(func() { l.consume(ctx, work, c, wakes[i]) })
	}
	bell.Go(func() { l.ring(ctx, wakes) })
	consumers.Wait()
	bell.Wait()
}

// ring wakes the consumers when there are changes.
func (l *Loop) ring(ctx context.Context, wakes []chan struct{}) {
	next := l.Source.Notify()
	poll := time.NewTicker(orDefault(l.Poll, 5*time.Second))
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		case <-next:
			next = l.Source.Notify() // before waking: what changes from here on rings again
		}
		for _, wake := range wakes {
			select {
			case wake <- struct{}{}:
			default: // it has not looked since it was last woken
			}
		}
	}
}

// consume carries changes to one consumer until ctx has ended and the stream is at its end, or work has ended.
func (l *Loop) consume(ctx, work context.Context, c Consumer, wake <-chan struct{}) {
	for {
		more, err := l.step(ctx, work, c)
		switch {
		case work.Err() != nil || ctx.Err() != nil && (err != nil || !more):
			return
		case err != nil:
			l.Log.ErrorContext(ctx, "the change stream stands still", "consumer", c.Name, "error", err)
			if l.wait(ctx, l.Policy.Longest) != nil {
				return
			}
		case !more:
			select {
			case <-ctx.Done():
			case <-wake:
			}
		}
	}
}

// errLeft is returned by step where events are left for the next start.
var errLeft = errors.New("relay: events are left for the next start")

// step carries one batch of changes and acknowledges it. It reports whether there may be more.
func (l *Loop) step(ctx, work context.Context, c Consumer) (bool, error) {
	changes, err := l.Source.Changes(work, c.Name, orDefault(l.Batch, 100))
	if err != nil || len(changes) == 0 {
		return false, err
	}
	var events []Change
	for _, change := range changes {
		if change.Op == store.OpCreate && change.IsEvent() {
			events = append(events, change)
		}
	}
	if err := l.deliver(ctx, work, c, events); err != nil {
		return true, err
	}
	return true, l.Source.Acknowledge(work, c.Name, changes[len(changes)-1].Sequence)
}

// deliver publishes the events, and puts those that were not taken with the dead letters.
func (l *Loop) deliver(ctx, work context.Context, c Consumer, events []Change) error {
	if len(events) == 0 {
		return nil
	}
	entries := make([]Entry, len(events))
	for i, e := range events {
		entries[i] = e.Entry
	}
	// A pause ends with ctx: when the process is to stop, what fails is left rather than tried again.
	r := Relay{Publisher: c.Publisher, Policy: l.Policy, System: l.System, Log: l.Log.With("consumer", c.Name),
		Wait: func(_ context.Context, d time.Duration) error { return l.wait(ctx, d) }}
	failures := r.Send(work, entries)
	for _, f := range failures {
		if !errors.Is(f.Err, ErrPoison) && (ctx.Err() != nil && f.Attempts < l.Policy.Attempts || work.Err() != nil) {
			return errors.Join(errLeft, f.Err)
		}
		if err := l.bury(work, c, events[f.Index], f); err != nil {
			return err
		}
	}
	return nil
}

func (l *Loop) wait(ctx context.Context, d time.Duration) error {
	if l.Wait != nil {
		return l.Wait(ctx, d)
	}
	return Wait(ctx, d)
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
