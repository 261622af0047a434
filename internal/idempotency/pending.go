package idempotency

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Pending is a repeatable request being served. It may be used concurrently; commits within one request follow each other.
type Pending struct {
	keeper      *Keeper
	partition   tenant.ID
	sk          string
	seal        *seal
	fingerprint []byte

	commit sync.Mutex // held during a commit
	mu     sync.Mutex
	// version is that of the record as this request saw or wrote it; 0 where there is none.
	version   int64
	stale     bool   // the record was left behind by a request that did not end
	progress  string // the note of that request
	note      string
	entity    any
	announced bool
	render    func(entity any) (Reply, error)
	committed bool // at least one commit went through
	done      bool // the answer is kept
	withdrawn bool // the next commit takes the record away
	lost      bool // another request wrote the record
}

type pendingKey struct{}

// With returns a context that carries p.
func With(ctx context.Context, p *Pending) context.Context {
	return context.WithValue(ctx, pendingKey{}, p)
}

// From returns the pending request in ctx, or nil.
func From(ctx context.Context) *Pending {
	p, _ := ctx.Value(pendingKey{}).(*Pending)
	return p
}

// Answer announces the entity that the operation will answer with, in the state that the next commit gives it. It does nothing
// where no request is pending. Announced again, the last one holds.
func Answer(ctx context.Context, entity any) {
	if p := From(ctx); p != nil {
		p.mu.Lock()
		p.entity, p.announced = entity, true
		p.mu.Unlock()
	}
}

// Note sets what a repetition is told by [Progress], should this request commit and then not end. It holds from the next commit.
func Note(ctx context.Context, note string) {
	if p := From(ctx); p != nil {
		p.mu.Lock()
		p.note = note
		p.mu.Unlock()
	}
}

// Withdraw has the next commit take the kept answer away again, for an operation that undoes its effect after all.
func Withdraw(ctx context.Context) {
	if p := From(ctx); p != nil {
		p.mu.Lock()
		p.withdrawn = true
		p.mu.Unlock()
	}
}

// Progress returns the note of an earlier request with the same key that committed something, did not end, and whose lease has
// passed. Its effect must be continued rather than made again.
func Progress(ctx context.Context) (note string, ok bool) {
	p := From(ctx)
	if p == nil {
		return "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.progress, p.stale
}

// RenderWith sets how an announced entity becomes the reply that is kept.
func (p *Pending) RenderWith(render func(entity any) (Reply, error)) {
	p.mu.Lock()
	p.render = render
	p.mu.Unlock()
}

// Kept returns the announced entity once its answer is committed.
func (p *Pending) Kept() (entity any, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.entity, p.done
}

// Unanswered reports whether something was committed and no answer with it: a defect of the operation once it has succeeded.
func (p *Pending) Unanswered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.committed && !p.done
}

// change returns the change of the record that belongs to the next commit, and whether it carries the answer; ok is false where
// the record needs no more changes.
func (p *Pending) change() (c store.Change, answered, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.withdrawn && p.version > 0 {
		c = store.Delete(p.sk, p.version)
		c.Partition = p.partition
		return c, false, true, nil
	}
	if p.done || p.withdrawn {
		return store.Change{}, false, false, nil
	}
	now := p.keeper.system.Now().UTC()
	rec := record{State: stateRunning, Fingerprint: p.fingerprint, Until: now.Add(Lease)}
	body := sealed{Note: p.note}
	if body.Note == "" {
		body.Note = p.progress
	}
	if p.announced {
		if p.render == nil {
			return store.Change{}, false, false, fmt.Errorf("idempotency: an answer without a form")
		}
		reply, err := p.render(p.entity)
		if err != nil {
			return store.Change{}, false, false, err
		}
		rec.State, body = stateDone, sealed{Reply: &reply}
	}
	if rec.Sealed, err = p.seal.close(p.keeper.system.Random, p.sk, body); err != nil {
		return store.Change{}, false, false, err
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return store.Change{}, false, false, fmt.Errorf("idempotency: encode: %w", err)
	}
	it := store.Item{SK: p.sk, Schema: 1, ExpiresAt: now.Add(Kept), Data: data}
	c = store.Create(it)
	if p.version > 0 {
		c = store.Update(it, p.version)
	}
	c.Partition = p.partition
	return c, p.announced, true, nil
}

func (p *Pending) succeeded(answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.withdrawn {
		p.version, p.committed, p.done = 0, false, false
		return
	}
	p.version++
	p.committed, p.done = true, answered
}

func (p *Pending) overtaken() {
	p.mu.Lock()
	p.lost = true
	p.mu.Unlock()
}
