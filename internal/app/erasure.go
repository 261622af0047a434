package app

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Erasure is how a deployment erases clients.
type Erasure struct {
	Rows    store.Eraser
	Settle  time.Duration // that what is under way has to arrive; 0: erasure.DefaultSettle
	Backups time.Duration // for which the deployment keeps copies by itself
}

// Eraser returns the worker that erases the clients whose grace period is over. It needs the platform's secret.
func (a *App) Eraser(e Erasure) *erasure.Worker {
	return &erasure.Worker{Table: a.ports.Table, Rows: e.Rows, Directory: directory.New(a.ports.Table), Clients: a.clients, People: a.Identity,
		Files: a.ports.Blobs, Cache: forgetful{a.ports.Cache}, System: a.ports.System, Log: a.ports.Log, Signer: a.certificates,
		Settle: e.Settle, Backups: e.Backups}
}

// forgetful clears caches that can be cleared. What others keep ends with its lifetime, long before the erasure does.
type forgetful struct{ cache.Cache }

// Clear implements erasure.Cache.
func (f forgetful) Clear(ctx context.Context, client tenant.ID) error {
	if c, ok := f.Cache.(erasure.Cache); ok {
		return c.Clear(ctx, client)
	}
	return nil
}
