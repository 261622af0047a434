package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// EventPage is a part of the platform's trail. Next is empty at the end.
type EventPage struct {
	Items []audit.Event
	Next  string
}

// PlatformEvents returns a page of at most limit (1 to 999) events of the platform's trail, the newest first, merged from its
// shards: a page costs a query of each. The cursor is the id of the last event seen. Errors: store.ErrBadQuery, those of the
// table.
func (d *Directory) PlatformEvents(ctx context.Context, limit int, cursor string) (EventPage, error) {
	if cursor != "" {
		if _, err := ulid.ParseStrict(cursor); err != nil {
			return EventPage{}, badCursor()
		}
	}
	var shards [Shards][]audit.Event
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(Shards / 2)
	for i := range Shards {
		g.Go(func() (err error) {
			shards[i], err = d.newest(ctx, numbered(trailPartition, i), limit, cursor)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return EventPage{}, fmt.Errorf("directory: platform events: %w", err)
	}
	all := slices.Concat(shards[:]...)
	slices.SortFunc(all, func(a, b audit.Event) int { return strings.Compare(b.Body.ID, a.Body.ID) })
	page := EventPage{Items: all}
	if len(all) > limit {
		page.Items, page.Next = all[:limit], all[limit-1].Body.ID
	}
	return page, nil
}

// PlatformEventByID returns one event of the platform's trail; it asks every shard. Errors: store.ErrNotFound, store.ErrBadKey, those of
// the table.
func (d *Directory) PlatformEventByID(ctx context.Context, id string) (audit.Event, error) {
	var shards [Shards]*audit.Event
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(Shards / 2)
	for i := range Shards {
		g.Go(func() error {
			partition := numbered(trailPartition, i)
			it, err := d.table.Get(ctx, partition, keys.Event(0, id))
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			e, err := store.ItemEvent(partition, it)
			shards[i] = &e
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return audit.Event{}, fmt.Errorf("directory: platform event: %w", err)
	}
	for _, e := range shards {
		if e != nil {
			return *e, nil
		}
	}
	return audit.Event{}, fmt.Errorf("directory: platform event: %w", store.ErrNotFound)
}

// newest returns up to limit+1 events of a shard that are older than the one with id before: one more than asked shows that
// there is a next page.
func (d *Directory) newest(ctx context.Context, partition tenant.ID, limit int, before string) ([]audit.Event, error) {
	if limit < 1 || limit >= store.MaxPage {
		return nil, fmt.Errorf("%w: limit %d", store.ErrBadQuery, limit)
	}
	q := store.Query{Prefix: keys.EventShard(0), Limit: limit + 1, Descending: true}
	if before != "" {
		q.To = keys.Event(0, before)
	}
	var events []audit.Event
	for {
		page, err := d.table.Query(ctx, partition, q)
		if err != nil {
			return nil, err
		}
		for _, it := range page.Items {
			e, err := store.ItemEvent(partition, it)
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
		if q.Cursor = page.Next; q.Cursor == "" || len(events) > limit {
			return events, nil
		}
	}
}
