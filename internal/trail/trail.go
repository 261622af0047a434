// Package trail reads the audit trail: a client's own, or the platform's. Each way of reading is one query of the table or of one
// index; it writes nothing.
package trail

import (
	"context"
	"errors"
	"net/url"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Filter selects events: all, those of an actor, or those upon a target.
type Filter struct {
	Actor      string
	TargetType string // together with TargetID
	TargetID   string
	Oldest     bool // the oldest first
}

// String is the filter in a canonical form, to bind cursors to.
func (f Filter) String() string {
	v := url.Values{"actor": {f.Actor}, "type": {f.TargetType}, "id": {f.TargetID}}
	if f.Oldest {
		v.Set("order", "oldest")
	}
	return v.Encode()
}

// Reader reads trails. It may be used concurrently.
type Reader struct {
	Table     store.Table
	Directory *directory.Directory
}

// List returns a page of the trail that the principal belongs to, and the cursor of the next. Errors: Invalid.
func (r *Reader) List(ctx context.Context, p tenant.Principal, f Filter, limit int, cursor string) ([]audit.Event, string, error) {
	const op = "trail.List"
	if (f.TargetType == "") != (f.TargetID == "") || f.Actor != "" && f.TargetID != "" {
		return nil, "", fault.BadField(op, "query", "takes target_type with target_id, or actor_id, not both")
	}
	for at, id := range map[string]string{"query.actor_id": f.Actor, "query.target_type": f.TargetType, "query.target_id": f.TargetID} {
		if !plain(id) {
			return nil, "", fault.BadField(op, at, "must be letters, digits, hyphens and underscores")
		}
	}
	if p.Client == "" {
		if f != (Filter{}) {
			return nil, "", fault.BadField(op, "query", "filters are for a client's trail")
		}
		page, err := r.Directory.PlatformEvents(ctx, limit, cursor)
		return page.Items, page.Next, store.Fault(op, err)
	}
	q := store.Query{Prefix: keys.EventShard(0), Limit: limit, Cursor: cursor, Descending: !f.Oldest}
	switch {
	case f.Actor != "":
		q.Index, q.Prefix = store.ByActor, keys.EventActors(f.Actor)
	case f.TargetID != "":
		q.Index, q.Prefix = store.ByParent, keys.EventTargets(f.TargetType, f.TargetID)
	}
	return store.List(ctx, op, r.Table, p.Client, q, func(it store.Item) (audit.Event, error) {
		return store.ItemEvent(p.Client, it)
	})
}

// plain reports whether s has the characters of an id: what else would get into a key of the table is nobody's.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Event returns one event of the trail that the principal belongs to. Errors: NotFound.
func (r *Reader) Event(ctx context.Context, p tenant.Principal, id string) (audit.Event, error) {
	const op = "trail.Event"
	e, err := r.event(ctx, p, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey) {
		return audit.Event{}, fault.Wrap(op, fault.NotFound, "event_not_found", err)
	}
	return e, store.Fault(op, err)
}

func (r *Reader) event(ctx context.Context, p tenant.Principal, id string) (audit.Event, error) {
	if p.Client == "" {
		return r.Directory.PlatformEventByID(ctx, id)
	}
	it, err := r.Table.Get(ctx, p.Client, keys.Event(0, id))
	if err != nil {
		return audit.Event{}, err
	}
	return store.ItemEvent(p.Client, it)
}
