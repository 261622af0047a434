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
	"github.com/nowgo/agents/internal/tenant"
)

// Change is a new event item in the change stream.
type Change struct {
	Sequence  uint64 // grows, not always by one
	Partition tenant.ID
	Item      store.Item
}

// Source is the table's change stream as the loop reads it: the event items that were added, and no others.
type Source interface {
	// Changes returns the changes after those that the consumer acknowledged, in the order of their sequences, at most limit; none
	// at the end.
	Changes(ctx context.Context, consumer string, limit int) ([]Change, error)
	// Acknowledge moves the consumer's cursor to the sequence. It returns when that is durable.
	Acknowledge(ctx context.Context, consumer string, sequence uint64) error
	// Wait returns when there may be changes for the consumer, at once if there are, or with ctx's error.
	Wait(ctx context.Context, consumer string) error
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
	var consumers sync.WaitGroup
	for _, c := range l.Consumers {
		consumers.Go(func() { l.consume(ctx, work, c) })
	}
	consumers.Wait()
}

// consume carries changes to one consumer until ctx has ended and the stream is at its end, or work has ended.
func (l *Loop) consume(ctx, work context.Context, c Consumer) {
	for {
		more, err := l.step(ctx, work, c)
		if err == nil && !more && ctx.Err() == nil {
			err = l.Source.Wait(ctx, c.Name)
		}
		switch {
		case work.Err() != nil || ctx.Err() != nil && (err != nil || !more):
			return
		case err != nil:
			l.Log.ErrorContext(ctx, "the change stream stands still", "consumer", c.Name, "error", err)
			if l.wait(ctx, l.Policy.Longest) != nil {
				return
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
	if err := l.deliver(ctx, work, c, changes); err != nil {
		return true, err
	}
	return true, l.Source.Acknowledge(work, c.Name, changes[len(changes)-1].Sequence)
}

// deliver publishes the events, and puts those that were not taken with the dead letters.
func (l *Loop) deliver(ctx, work context.Context, c Consumer, changes []Change) error {
	entries := make([]Entry, len(changes))
	for i, change := range changes {
		entries[i] = Entry{change.Partition, change.Item}
	}
	// A pause ends with ctx: when the process is to stop, what fails is left rather than tried again.
	r := Relay{Publisher: c.Publisher, Policy: l.Policy, System: l.System, Log: l.Log.With("consumer", c.Name),
		Wait: func(_ context.Context, d time.Duration) error { return l.wait(ctx, d) }}
	failures := r.Send(work, entries)
	for _, f := range failures {
		if !errors.Is(f.Err, ErrPoison) && (ctx.Err() != nil && f.Attempts < l.Policy.Attempts || work.Err() != nil) {
			return errors.Join(errLeft, f.Err)
		}
		if err := l.bury(work, c, changes[f.Index], f); err != nil {
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
