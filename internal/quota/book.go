package quota

import (
	"context"
	"fmt"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	planLifetime = 15 * time.Second // that a client's plan is remembered
	planReading  = 2 * time.Second  // that others do not read what one is reading
	planCapacity = 1 << 14          // clients whose plans are remembered
)

// Clients tells the name of a client's plan; empty is the default. Errors are those of its table.
type Clients interface {
	Plan(ctx context.Context, client tenant.ID) (string, error)
}

// Book remembers clients' plans in this process, so that no request reads one: a change of plan is in force everywhere after 15
// seconds. It may be used concurrently. Make it with [NewBook].
type Book struct {
	clients Clients
	sys     system.System

	mu   sync.Mutex // held to look and to note, not to read
	kept *lru.Cache[tenant.ID, noted]
}

type noted struct {
	plan  Plan
	until time.Time
}

// NewBook returns a book that remembers nothing yet.
func NewBook(clients Clients, sys system.System) (*Book, error) {
	kept, err := lru.New[tenant.ID, noted](planCapacity)
	if err != nil {
		return nil, fmt.Errorf("quota: %w", err)
	}
	return &Book{clients: clients, sys: sys, kept: kept}, nil
}

// Plan returns the client's plan. While one caller reads it anew the others have the one before, or the default. It is the default
// too where it cannot be read: a limit is no reason not to answer.
func (b *Book) Plan(ctx context.Context, client tenant.ID) Plan {
	plan, fresh := b.look(client)
	if fresh {
		return plan
	}
	name, err := b.clients.Plan(ctx, client)
	if err != nil {
		return plan // tried again soon
	}
	plan, _ = Find(name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Add(client, noted{plan, b.sys.Now().Add(planLifetime)})
	return plan
}

// look returns what is remembered, or the default, and whether that will do. Where not, the caller is the one who reads.
func (b *Book) look(client tenant.ID) (Plan, bool) {
	now := b.sys.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.kept.Get(client)
	if ok && now.Before(n.until) {
		return n.plan, true
	}
	if !ok {
		n.plan, _ = Find(Default)
	}
	b.kept.Add(client, noted{n.plan, now.Add(planReading)})
	return n.plan, false
}
