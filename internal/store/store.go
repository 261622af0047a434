// Package store is the port to the single table: items partitioned by client, two sparse indexes that keep the client as
// their partition, and one writing call that takes changes together with the audit events of what was done.
//
// Adapters are store/bolt (embedded) and store/dynamo; both pass store/storetest.
//
// Invariants (numbered as in the README):
//
//   - 1: every call takes the client right after the context, and reads or writes no other client's items. Only changes made by
//     store/directory name another partition, and those are platform partitions.
//   - 2: Commit takes the record of the change; an empty record is refused.
//   - 3: the events of a commit are items of the same transaction, created, never changed.
//   - 8: an item whose ExpiresAt has passed is absent, for reads and for conditions.
//   - 13: Update and Delete carry the version that was seen.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/tenant"
)

// Limits that hold in every adapter.
const (
	MaxKey     = 1024      // bytes of a sort key (DynamoDB's limit)
	MaxItem    = 350 << 10 // bytes of an item, keys included; larger things go to the blob port
	MaxActions = 100       // changes and events in one commit (DynamoDB, TransactWriteItems)
	MaxCommit  = 4 << 20   // bytes of all items of one commit (DynamoDB, TransactWriteItems)
	MaxPage    = 1000      // items in one page
	MaxBatch   = 100       // keys in one BatchGet (DynamoDB, BatchGetItem)
)

// Item is one row of the table.
type Item struct {
	SK       string
	ParentSK string // key in by_parent; empty: not in that index
	ActorSK  string // key in by_actor; empty: not in that index
	// Version is 1 after Create and one more after each Update. The store sets it; a caller's value is ignored.
	Version   int64
	Schema    int       // version of the encoding of Summary and Data
	ExpiresAt time.Time // zero: never. Whole seconds; the item is absent from that second on
	Summary   json.RawMessage
	// Data is what only the item itself holds; it is not projected into the indexes, so a Query on an index returns items
	// without it.
	Data json.RawMessage
}

// Expired reports whether the item is absent at the given time.
func (it Item) Expired(now time.Time) bool {
	return !it.ExpiresAt.IsZero() && it.ExpiresAt.Unix() <= now.Unix()
}

// Size is the number of bytes that the item counts against [MaxItem] and [MaxCommit]: its texts, and 256 for what DynamoDB
// counts beside them (the partition key, the names of the attributes, the numbers).
func (it Item) Size() int {
	return len(it.SK) + len(it.ParentSK) + len(it.ActorSK) + len(it.Summary) + len(it.Data) + 256
}

// Op is what a change does.
type Op uint8

// The changes there are.
const (
	OpCreate Op = iota + 1 // the item must be absent
	OpUpdate               // the item must be present at the version seen
	OpDelete               // the item must be present at the version seen
	OpCheck                // writes nothing; the item must be present (at the version seen, if that is not 0)
)

// Change is one action of a commit, with its condition. Make it with [Create], [Update], [Delete] or [Check].
type Change struct {
	Op        Op
	Partition tenant.ID // empty: the commit's client. Set only by store/directory, to a platform partition
	Item      Item      // for OpDelete and OpCheck only SK is used
	Seen      int64     // the version that OpUpdate, OpDelete and OpCheck require
}

// Create returns the change that adds an item which must not be there.
func Create(it Item) Change { return Change{Op: OpCreate, Item: it} }

// Update returns the change that replaces an item which must be at version seen.
func Update(it Item, seen int64) Change { return Change{Op: OpUpdate, Item: it, Seen: seen} }

// Delete returns the change that removes an item which must be at version seen.
func Delete(sk string, seen int64) Change {
	return Change{Op: OpDelete, Item: Item{SK: sk}, Seen: seen}
}

// Check returns the change that only requires an item: at version seen, or at any version where seen is 0.
func Check(sk string, seen int64) Change { return Change{Op: OpCheck, Item: Item{SK: sk}, Seen: seen} }

// Index names what a query reads.
type Index string

// The table itself and its two indexes.
const (
	Main     Index = ""
	ByParent Index = "by_parent"
	ByActor  Index = "by_actor"
)

// Query asks for the live items of one client whose key in an index begins with Prefix.
type Query struct {
	Index      Index
	Prefix     string // at least one byte; within it
	From, To   string // optional bounds on the whole key, valid UTF-8: From inclusive, To exclusive
	Limit      int    // 1 to [MaxPage]
	Cursor     string // Page.Next of the page before, or empty
	Descending bool
}

// Page is a part of the answer to a query. Next is empty at the end. A page can be shorter than the limit, even empty,
// before the end: expired items are left out after they were read.
type Page struct {
	Items []Item
	Next  string
}

// Table is the port. Implementations may be used concurrently.
//
// Every method returns ctx's error where it was cancelled, and [ErrUnavailable] (wrapped) where the table does not answer.
type Table interface {
	// Get returns the live item with the given key, read consistently: it sees every commit that was acknowledged before.
	// Errors: [ErrNotFound], [ErrBadKey].
	Get(ctx context.Context, client tenant.ID, sk string) (Item, error)

	// BatchGet returns the live items among the given keys, at most [MaxBatch], read consistently, in the order of the keys;
	// absent ones are left out. Errors: [ErrBadKey] (also for a repeated key), [ErrTooMany].
	BatchGet(ctx context.Context, client tenant.ID, sks []string) ([]Item, error)

	// Query returns a page. The main table is read consistently; on DynamoDB the indexes lag by milliseconds.
	// Errors: [ErrBadQuery] (limit, prefix, cursor of another query).
	Query(ctx context.Context, client tenant.ID, q Query) (Page, error)

	// Commit makes all changes and adds all events of the record, or nothing. It returns after both are durable.
	// Errors: [*ConditionError] naming the first change whose condition did not hold; [ErrConflict] where another commit was in
	// the way each time it was tried; [ErrTooMany], [ErrTooLarge], [ErrBadKey] (also for two changes of one item),
	// [audit.ErrEmpty].
	Commit(ctx context.Context, client tenant.ID, record audit.Record, changes ...Change) error
}

// Errors of the port.
var (
	ErrNotFound    = errors.New("store: no such item")
	ErrBadKey      = errors.New("store: bad key")
	ErrBadQuery    = errors.New("store: bad query")
	ErrTooMany     = errors.New("store: too many actions")
	ErrTooLarge    = errors.New("store: item or commit too large")
	ErrConflict    = errors.New("store: another commit was in the way")
	ErrUnavailable = errors.New("store: the table does not answer")
)

// ConditionError says which change's condition did not hold.
type ConditionError struct {
	Change int // its index among the changes of the commit
	SK     string
	Op     Op
}

func (e *ConditionError) Error() string {
	return fmt.Sprintf("store: condition of change %d on %q does not hold", e.Change, e.SK)
}

// FailedOn returns the change that failed, if err is a [*ConditionError].
func FailedOn(err error) (index int, ok bool) {
	var ce *ConditionError
	if errors.As(err, &ce) {
		return ce.Change, true
	}
	return 0, false
}
