package testkit

import (
	"context"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Overtaken is a table on which somebody else is faster: before each of the first Times commits, First is called. It is for one
// goroutine.
type Overtaken struct {
	store.Table
	Times int
	First func()
}

// Commit implements [store.Table].
func (o *Overtaken) Commit(ctx context.Context, client tenant.ID, r audit.Record, changes ...store.Change) error {
	if o.Times > 0 {
		o.Times--
		o.First()
	}
	return o.Table.Commit(ctx, client, r, changes...)
}
