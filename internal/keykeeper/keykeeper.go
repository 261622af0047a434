// Package keykeeper keeps the schedule of the signing keys: it announces a key, lets it take over, and removes the one before, as
// identity.RotateKeys says. It is run once an hour, in the monolith and as a function of its own.
//
// Each step is recorded in the platform's trail, before it is taken: the keys are not in the table, so that the two cannot be one commit,
// and of a record without its change and a change without its record the first is the one that the next run puts right. Two runs at once
// do not fork the keys: one of them finds the document changed and leaves it.
package keykeeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
)

// Store is where the key document is kept.
type Store interface {
	// Read returns the document and its version.
	Read(ctx context.Context) (document []byte, version string, err error)
	// Replace puts next in the document's place, whole and durable or not at all. Of those who read the same version one succeeds; the
	// others get [identity.ErrKeysMoved].
	Replace(ctx context.Context, version string, next []byte) error
}

// Keeper keeps the schedule.
type Keeper struct {
	Keys   Store
	Table  store.Table
	System system.System
	Log    *slog.Logger
}

// Run takes the steps that are due. It returns nil where none is, and where another run takes them.
func (k Keeper) Run(ctx context.Context) error {
	document, version, err := k.Keys.Read(ctx)
	if err != nil {
		return fmt.Errorf("keykeeper: %w", err)
	}
	next, steps, err := identity.RotateKeys(document, k.System)
	if err != nil || len(steps) == 0 {
		return err
	}
	if err := k.record(ctx, steps); err != nil {
		return fmt.Errorf("keykeeper: %w", err)
	}
	err = k.Keys.Replace(ctx, version, next)
	if errors.Is(err, identity.ErrKeysMoved) {
		k.Log.InfoContext(ctx, "another run has changed the signing keys; this one leaves them")
		return nil
	}
	if err != nil {
		return fmt.Errorf("keykeeper: %w", err)
	}
	for _, s := range steps {
		k.Log.InfoContext(ctx, "signing key "+s.Step, "key_id", s.Key, "signs_at", s.SignsAt)
	}
	return nil
}

// record commits one event for each step.
func (k Keeper) record(ctx context.Context, steps []identity.Rotation) error {
	recorded := make([]audit.Event, len(steps))
	for i, s := range steps {
		e, err := audit.Happened(ctx, k.System, "", audit.Fact{Capability: string(route.Authentication), Type: events.TypeSigningKeyRotated,
			Target: audit.Target{Type: "signing_key", ID: s.Key}, Actor: audit.Actor{Type: "system"},
			Change: events.SigningKeyRotated{Step: s.Step, KeyID: s.Key, SignsAt: s.SignsAt.UTC(), Keys: s.Keys}})
		if err != nil {
			return err
		}
		recorded[i] = directory.PlatformEvent(e)
	}
	return k.Table.Commit(ctx, recorded[0].Partition, audit.Of(recorded[0], recorded[1:]...))
}

// Loop runs at once and then again after every such time, until ctx ends. What fails is logged, and tried again by the next run.
func (k Keeper) Loop(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := k.Run(ctx); err != nil && ctx.Err() == nil {
			k.Log.ErrorContext(ctx, "the signing keys are not rotated", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
