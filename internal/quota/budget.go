package quota

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Budgets are the clients' budgets of messages and tokens. They may be used concurrently.
type Budgets struct {
	Table  store.Table
	Book   *Book
	System system.System
}

// Reservation is a message and the tokens of its turn. Its [Reservation.Note] can be kept and found again with [Resume].
type Reservation struct {
	row  row
	turn string
	seen *usage // the row as the last commit left it; nil: it has to be read
}

// Note returns the reservation as a short text without spaces.
func (r *Reservation) Note() string { return r.row.month + "." + strconv.Itoa(r.row.shard) }

// Resume returns the reservation of a turn from its note. Errors: Internal.
func Resume(turn, note string) (*Reservation, error) {
	month, shard, _ := strings.Cut(note, ".")
	n, err := strconv.Atoi(shard)
	if _, bad := time.Parse("2006-01", month); bad != nil || err != nil || n < 0 || n >= shards {
		return nil, fault.Wrap("quota.Resume", fault.Internal, "internal", fmt.Errorf("%q is no reservation", note))
	}
	return &Reservation{row: row{month, n}, turn: turn}, nil
}

// Reserve returns the change that counts a message of today, and reserves the tokens until they are settled, for the commit that stores
// the message. Turns of one place (a conversation) are counted in one row. It costs one read; where that commit loses its race,
// Reserve is called again. Errors: RateLimited `budget_exhausted` with RetryAfter and Limits; Unavailable.
func (b *Budgets) Reserve(ctx context.Context, client tenant.ID, place, turn string, tokens int) (*Reservation, store.Change, error) {
	const op = "quota.Reserve"
	now := b.System.Now().UTC()
	plan, day := b.Book.Plan(ctx, client), now.Format("02")
	r := row{now.Format("2006-01"), shardOf(place)}
	u, err := b.read(ctx, client, r)
	if err != nil {
		return nil, store.Change{}, store.Fault(op, err)
	}
	if u = u.at(now); !u.takes(plan, r.shard, day, tokens) {
		if r, u, err = b.elsewhere(ctx, client, r, plan, now, tokens); err != nil {
			return nil, store.Change{}, store.Fault(op, err)
		}
	}
	if u.Days == nil {
		u.Days = map[string]int{}
	}
	if u.Pending == nil {
		u.Pending = map[string]pending{}
	}
	u.Days[day]++
	u.Pending[turn] = pending{tokens, now.Add(reservedFor).Unix()}
	change, err := u.change(r)
	u.version++ // once it is committed
	return &Reservation{row: r, turn: turn, seen: &u}, change, store.Fault(op, err)
}

func shardOf(place string) int {
	h := fnv.New32a()
	h.Write([]byte(place)) // never fails
	return int(h.Sum32() % shards)
}

// elsewhere returns a shard that has room, as it stands now: the first after r.
func (b *Budgets) elsewhere(ctx context.Context, client tenant.ID, r row, plan Plan, now time.Time, tokens int) (row, usage, error) {
	all, err := b.month(ctx, client, now)
	if err != nil {
		return r, usage{}, err
	}
	for range shards {
		r.shard = (r.shard + 1) % shards
		if all[r.shard].takes(plan, r.shard, now.Format("02"), tokens) {
			return r, all[r.shard], nil
		}
	}
	return r, usage{}, exhausted(plan, all, now)
}

// exhausted says which budget is spent, and when there is another.
func exhausted(plan Plan, all [shards]usage, now time.Time) error {
	s := standing(plan, all, now)
	e := &fault.Error{Op: "quota.Reserve", Kind: fault.RateLimited, Code: "budget_exhausted", RetryAfter: s.Tokens.ResetsAt.Sub(now)}
	if s.Messages.Remaining == 0 {
		e.Limits = append(e.Limits, s.Messages.limit(LimitMessages, now, 24*time.Hour))
		e.RetryAfter = s.Messages.ResetsAt.Sub(now)
	}
	month := s.Tokens.ResetsAt.Sub(s.Tokens.ResetsAt.AddDate(0, -1, 0))
	tokens := s.Tokens.limit(LimitTokens, now, month)
	if s.Messages.Remaining > 0 {
		tokens.Remaining = 0 // none that are enough for another turn
	}
	e.Limits = append(e.Limits, tokens)
	return e
}

// Settle returns the change that replaces what was reserved by what was used, for the commit that stores the reply. Each call after the
// first reads the row anew: where the commit loses its race, Settle is called again. A turn that is settled, or whose
// estimate counts as used, is left as it is. Errors: Unavailable.
func (b *Budgets) Settle(ctx context.Context, client tenant.ID, r *Reservation, used int) (store.Change, error) {
	const op = "quota.Settle"
	if r.seen == nil {
		u, err := b.read(ctx, client, r.row)
		if err != nil {
			return store.Change{}, store.Fault(op, err)
		}
		r.seen = &u
	}
	u := *r.seen
	r.seen = nil
	if u = u.at(b.System.Now()); u.holds(r.turn) {
		delete(u.Pending, r.turn)
		u.Tokens += used
	}
	change, err := u.change(r.row)
	return change, store.Fault(op, err)
}

func (u usage) holds(turn string) bool {
	_, ok := u.Pending[turn]
	return ok
}

// read returns a shard; one that has no row yet is empty.
func (b *Budgets) read(ctx context.Context, client tenant.ID, r row) (usage, error) {
	it, err := b.Table.Get(ctx, client, r.key())
	if errors.Is(err, store.ErrNotFound) {
		return usage{}, nil
	}
	if err != nil {
		return usage{}, err
	}
	return usageOf(it)
}

// month returns all shards of the month as they stand now.
func (b *Budgets) month(ctx context.Context, client tenant.ID, now time.Time) ([shards]usage, error) {
	var all [shards]usage
	month := now.Format("2006-01")
	index, wanted := map[string]int{}, make([]string, shards)
	for i := range shards {
		wanted[i] = row{month, i}.key()
		index[wanted[i]] = i
	}
	rows, err := b.Table.BatchGet(ctx, client, wanted)
	if err != nil {
		return all, err
	}
	for _, it := range rows {
		u, err := usageOf(it)
		if err != nil {
			return all, err
		}
		all[index[it.SK]] = u.at(now)
	}
	return all, nil
}
