package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Given is a client's id, which stays when the client is gone, so that no other client ever gets it.
type Given struct {
	Client      tenant.ID `json:"client"`
	ErasedAt    time.Time `json:"erased_at,omitzero"`
	Certificate string    `json:"certificate,omitempty"` // of the erasure, once that is done
	Version     int64     `json:"-"`
}

// GiveID returns the change that gives an id to a new client; the condition is that no client has or had it.
func (d *Directory) GiveID(client tenant.ID) store.Change {
	it, err := store.Row(keys.ClientID(string(client)), 1, nil, Given{Client: client})
	return in(sharded(clientsPartition, string(client)), store.Create(it), err)
}

// BuryID returns the change that keeps the certificate of an erased client beside its id; the condition is that it is still at g.Version.
func (d *Directory) BuryID(g Given) store.Change {
	it, err := store.Row(keys.ClientID(string(g.Client)), 1, nil, g)
	if g.Version == 0 { // a client from before ids were kept
		return in(sharded(clientsPartition, string(g.Client)), store.Create(it), err)
	}
	return in(sharded(clientsPartition, string(g.Client)), store.Update(it, g.Version), err)
}

// GivenID returns what is known of a client's id. Errors: store.ErrNotFound, those of the table.
func (d *Directory) GivenID(ctx context.Context, client tenant.ID) (Given, error) {
	it, err := d.table.Get(ctx, sharded(clientsPartition, string(client)), keys.ClientID(string(client)))
	if err != nil {
		return Given{}, fmt.Errorf("directory: client's id: %w", err)
	}
	var g Given
	if err := it.Read(nil, &g); err != nil {
		return Given{}, fmt.Errorf("directory: client's id: %w", err)
	}
	g.Version = it.Version
	return g, nil
}

// Due is a client's erasure, to come or under way. Client and At are its key.
type Due struct {
	Client    tenant.ID      `json:"client"`
	At        time.Time      `json:"at"` // when the grace period ends
	Slug      string         `json:"slug"`
	Listed    time.Time      `json:"listed"` // when the client was created
	AskedAt   time.Time      `json:"asked_at"`
	StartedAt time.Time      `json:"started_at,omitzero"`
	EmptyAt   time.Time      `json:"empty_at,omitzero"` // when nothing was left for the first time
	Removed   map[string]int `json:"removed,omitempty"`
	Version   int64          `json:"-"`
}

func (u Due) item() (store.Item, error) {
	return store.Row(keys.Due(u.At, string(u.Client)), 1, nil, u)
}

// PlanErasure returns the change that plans a client's erasure; the condition is that none is planned for that moment.
func (d *Directory) PlanErasure(u Due) store.Change {
	it, err := u.item()
	return in(sharded(clientsPartition, string(u.Client)), store.Create(it), err)
}

// UpdateErasure returns the change that notes an erasure's progress; the condition is that it is still at u.Version.
func (d *Directory) UpdateErasure(u Due) store.Change {
	it, err := u.item()
	return in(sharded(clientsPartition, string(u.Client)), store.Update(it, u.Version), err)
}

// EndErasure returns the change that takes an erasure off the plan, done or called off; the condition is that it is still at u.Version.
func (d *Directory) EndErasure(u Due) store.Change {
	return in(sharded(clientsPartition, string(u.Client)), store.Delete(keys.Due(u.At, string(u.Client)), u.Version), nil)
}

// Erasure returns a client's planned erasure. Errors: store.ErrNotFound, those of the table.
func (d *Directory) Erasure(ctx context.Context, client tenant.ID, at time.Time) (Due, error) {
	it, err := d.table.Get(ctx, sharded(clientsPartition, string(client)), keys.Due(at, string(client)))
	if err != nil {
		return Due{}, fmt.Errorf("directory: erasure: %w", err)
	}
	return due(it)
}

func due(it store.Item) (Due, error) {
	var u Due
	if err := it.Read(nil, &u); err != nil {
		return Due{}, fmt.Errorf("directory: erasure: %w", err)
	}
	u.Version = it.Version
	return u, nil
}

// DueErasures returns at most limit (1 to 1000) of each shard's erasures whose grace period is over, the longest overdue first within a
// shard. It costs one query for each shard.
func (d *Directory) DueErasures(ctx context.Context, now time.Time, limit int) ([]Due, error) {
	var all []Due
	for shard := range Shards {
		page, err := d.table.Query(ctx, numbered(clientsPartition, shard),
			store.Query{Prefix: keys.DuePrefix, To: keys.DuePrefix + keys.Created(now.Add(time.Microsecond)), Limit: limit})
		if err != nil {
			return nil, fmt.Errorf("directory: erasures: %w", err)
		}
		for _, it := range page.Items {
			u, err := due(it)
			if err != nil {
				return nil, err
			}
			all = append(all, u)
		}
	}
	return all, nil
}

// Unlist returns the change that takes a client off the list; the condition is that its entry is still at l.Version.
func (d *Directory) Unlist(l Listed) store.Change {
	return in(sharded(clientsPartition, string(l.ID)), store.Delete(keys.ListedClient(l.CreatedAt, string(l.ID)), l.Version), nil)
}
