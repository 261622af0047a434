package idempotency

import (
	"context"
	"errors"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Table returns a table whose commits carry the record of the pending request in their context. Everything else passes through.
//
// A commit with a pending request has one action more, so the caller's may have at most [store.MaxActions] - 1. Its errors are
// those of [store.Table]; where another request with the same key was faster it is a Conflict, code `idempotency_in_progress`, and
// no [store.ConditionError]: those only ever name the caller's own changes.
func Table(inner store.Table) store.Table { return table{inner} }

type table struct{ store.Table }

var errOvertaken = errors.New("another request with the same idempotency key was faster")

func (t table) Commit(ctx context.Context, client tenant.ID, rec audit.Record, changes ...store.Change) error {
	p := From(ctx)
	if p == nil {
		return t.Table.Commit(ctx, client, rec, changes...)
	}
	p.commit.Lock()
	defer p.commit.Unlock()
	own, answered, ok, err := p.change()
	if err != nil {
		return fault.Wrap("idempotency.Commit", fault.Internal, "internal", err)
	}
	if !ok {
		return t.Table.Commit(ctx, client, rec, changes...)
	}
	// Last, so that the indexes of the caller's changes stay what they are.
	all := append(append(make([]store.Change, 0, len(changes)+1), changes...), own)
	err = t.Table.Commit(ctx, client, rec, all...)
	if err == nil {
		p.succeeded(answered)
		return nil
	}
	if i, failed := store.FailedOn(err); failed && i >= len(changes) {
		p.overtaken()
		return fault.Wrap("idempotency.Commit", fault.Conflict, "idempotency_in_progress", errOvertaken)
	}
	return err
}
