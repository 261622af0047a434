package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Listed is a client as the platform's list shows it.
type Listed struct {
	ID        tenant.ID
	Name      string
	Slug      string
	Status    string // active or suspended
	CreatedAt time.Time
	Version   int64 // of the entry, not of the client
}

// ListedPage is a part of the list. Next is empty at the end.
type ListedPage struct {
	Items []Listed
	Next  string
}

type listedSummary struct {
	ID        tenant.ID `json:"id"`
	Name      string    `json:"name"`
	Slug      string    `json:"slug"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

func (l Listed) item() (store.Item, error) {
	return store.Row(keys.ListedClient(l.CreatedAt, string(l.ID)), 1,
		listedSummary{l.ID, l.Name, l.Slug, l.Status, l.CreatedAt}, nil)
}

func listed(it store.Item) (Listed, error) {
	var s listedSummary
	if err := it.Read(&s, nil); err != nil {
		return Listed{}, fmt.Errorf("directory: client: %w", err)
	}
	return Listed{s.ID, s.Name, s.Slug, s.Status, s.CreatedAt, it.Version}, nil
}

// ListClient returns the change that adds a client to the list.
func (d *Directory) ListClient(l Listed) store.Change {
	it, err := l.item()
	return in(sharded(clientsPartition, string(l.ID)), store.Create(it), err)
}

// UpdateListed returns the change that replaces an entry; the condition is that it is still at l.Version. ID and CreatedAt
// are its key, and must be those it was listed with.
func (d *Directory) UpdateListed(l Listed) store.Change {
	it, err := l.item()
	return in(sharded(clientsPartition, string(l.ID)), store.Update(it, l.Version), err)
}

// Listed returns a client's entry. Errors: store.ErrNotFound, those of the table.
func (d *Directory) Listed(ctx context.Context, client tenant.ID, created time.Time) (Listed, error) {
	it, err := d.table.Get(ctx, sharded(clientsPartition, string(client)), keys.ListedClient(created, string(client)))
	if err != nil {
		return Listed{}, fmt.Errorf("directory: client: %w", err)
	}
	return listed(it)
}

// Clients returns a page of at most limit (1 to 1000) entries: shard after shard, within a shard in the order of creation. A page
// costs one query, and one more for each shard that ends within it. Errors: store.ErrBadQuery, those of the table.
func (d *Directory) Clients(ctx context.Context, limit int, cursor string) (ListedPage, error) {
	shard, inner, err := splitCursor(cursor)
	if err != nil {
		return ListedPage{}, err
	}
	var page ListedPage
	for shard < Shards {
		got, err := d.table.Query(ctx, numbered(clientsPartition, shard),
			store.Query{Prefix: keys.ClientPrefix, Limit: limit - len(page.Items), Cursor: inner})
		if err != nil {
			return ListedPage{}, fmt.Errorf("directory: clients: %w", err)
		}
		for _, it := range got.Items {
			l, err := listed(it)
			if err != nil {
				return ListedPage{}, err
			}
			page.Items = append(page.Items, l)
		}
		if inner = got.Next; inner == "" {
			shard++
		}
		if len(page.Items) >= limit {
			break
		}
	}
	if shard < Shards {
		page.Next = strconv.Itoa(shard) + "." + inner
	}
	return page, nil
}

func splitCursor(cursor string) (shard int, inner string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	number, inner, ok := strings.Cut(cursor, ".")
	shard, err = strconv.Atoi(number)
	if !ok || err != nil || shard < 0 || shard >= Shards {
		return 0, "", badCursor()
	}
	return shard, inner, nil
}

type slugData struct {
	Client tenant.ID `json:"client"`
}

// TakeSlug returns the change that gives a slug to a client; the condition is that nobody has it.
func (d *Directory) TakeSlug(slug string, client tenant.ID) store.Change {
	it, err := store.Row(keys.Slug(slug), 1, nil, slugData{client})
	return in(sharded(clientsPartition, slug), store.Create(it), err)
}

// ReleaseSlug returns the change that frees a slug; the condition is that it is taken.
func (d *Directory) ReleaseSlug(slug string) store.Change {
	return in(sharded(clientsPartition, slug), store.Delete(keys.Slug(slug), 1), nil) // never updated: always at version 1
}

// SlugOwner returns the client that has the slug. Errors: store.ErrNotFound, those of the table.
func (d *Directory) SlugOwner(ctx context.Context, slug string) (tenant.ID, error) {
	it, err := d.table.Get(ctx, sharded(clientsPartition, slug), keys.Slug(slug))
	if err != nil {
		return "", fmt.Errorf("directory: slug: %w", err)
	}
	var r slugData
	if err := it.Read(nil, &r); err != nil {
		return "", fmt.Errorf("directory: slug: %w", err)
	}
	return r.Client, nil
}
