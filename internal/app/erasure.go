package app

import (
	"time"

	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
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
		Files: a.ports.Blobs, Cache: a.ports.Cache, System: a.ports.System, Log: a.ports.Log, Signer: a.certificates,
		Settle: e.Settle, Backups: e.Backups}
}
