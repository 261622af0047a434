package monolith

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nowgo/agents/internal/archive"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/local"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
)

// consumers names the workers that have a cursor on the change stream: those that on AWS have a queue.
func consumers() []string {
	var names []string
	for _, w := range route.Workers() {
		if w.Trigger == route.Queue {
			names = append(names, w.Name)
		}
	}
	return names
}

// newLoop subscribes every queue worker of the table of routes, by its own pattern, to the change stream.
func newLoop(table *bolt.Table, blobs blob.Store, sys system.System, log *slog.Logger) (*relay.Loop, error) {
	b := local.New()
	loop := &relay.Loop{Source: stream{table}, DeadLetters: blobs, Policy: relay.DefaultPolicy(), System: sys, Log: log}
	for _, w := range route.Workers() {
		if w.Trigger != route.Queue {
			continue
		}
		handler, err := worker(w.Name, blobs)
		if err != nil {
			return nil, err
		}
		s, err := b.Subscribe(w.Name, w.Pattern, handler)
		if err != nil {
			return nil, fmt.Errorf("worker %s: %w", w.Name, err)
		}
		loop.Consumers = append(loop.Consumers, relay.Consumer{Name: w.Name, Publisher: s})
	}
	return loop, nil
}

// erase erases the clients that are due, once a minute until ctx ends; the eraser itself logs what fails.
func (m *Monolith) erase(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := m.eraser.Run(ctx); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "erasing is tried again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func worker(name string, blobs blob.Store) (bus.Handler, error) {
	switch name {
	case "archivist":
		return archive.New(blobs).Handle, nil
	default:
		return nil, fmt.Errorf("worker %s is in the table of routes and not in the monolith", name)
	}
}

// stream shows the embedded table's change stream as the relay reads it.
type stream struct{ *bolt.Table }

// Changes implements relay.Source.
func (s stream) Changes(ctx context.Context, consumer string, limit int) ([]relay.Change, error) {
	changes, err := s.Table.Changes(ctx, consumer, limit)
	if err != nil {
		return nil, err
	}
	out := make([]relay.Change, len(changes))
	for i, c := range changes {
		out[i] = relay.Change(c)
	}
	return out, nil
}
