package quota

import (
	"maps"
	"strconv"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
)

const (
	shards      = 8                // rows of one month
	reservedFor = 15 * time.Minute // that a turn without a reply stays reserved
	keptFor     = 400 * 24 * time.Hour
)

// usage is one shard of what a client used in one month.
type usage struct {
	Days    map[string]int     `json:"days,omitempty"`    // messages, by day: 01 to 31
	Tokens  int                `json:"tokens"`            // settled
	Pending map[string]pending `json:"pending,omitempty"` // reserved, by the turn

	version int64 // of its row; 0: there is none yet
}

type pending struct {
	Tokens int   `json:"tokens"`
	Until  int64 `json:"until"` // seconds since 1970; from then on the estimate is what was used
}

// row names a shard of a month.
type row struct {
	month string // 2026-11
	shard int
}

func (r row) key() string { return keys.Usage(r.month, strconv.Itoa(r.shard)) }

// item returns the shard as a row that is gone a good year after its month.
func (u usage) item(r row) (store.Item, error) {
	it, err := store.Row(r.key(), 1, nil, u)
	if month, bad := time.Parse("2006-01", r.month); bad == nil {
		it.ExpiresAt = month.Add(keptFor)
	}
	return it, err
}

func usageOf(it store.Item) (usage, error) {
	u := usage{version: it.Version}
	err := it.Read(nil, &u)
	return u, err
}

// change returns the change that writes the shard.
func (u usage) change(r row) (store.Change, error) {
	it, err := u.item(r)
	if u.version == 0 {
		return store.Create(it), err
	}
	return store.Update(it, u.version), err
}

// at returns the shard as it stands at the time: turns whose time to be settled is over have used their estimate. It shares nothing
// with u.
func (u usage) at(now time.Time) usage {
	u.Days, u.Pending = maps.Clone(u.Days), maps.Clone(u.Pending)
	for turn, p := range u.Pending {
		if p.Until <= now.Unix() {
			u.Tokens += p.Tokens
			delete(u.Pending, turn)
		}
	}
	return u
}

// reserved returns the tokens of turns under way.
func (u usage) reserved() int {
	sum := 0
	for _, p := range u.Pending {
		sum += p.Tokens
	}
	return sum
}

// share is a shard's part of a budget; together they are the whole of it.
func share(whole, shard int) int {
	part := whole / shards
	if shard < whole%shards {
		part++
	}
	return part
}

// takes reports whether the shard has room for a message of that day and its tokens.
func (u usage) takes(p Plan, shard int, day string, tokens int) bool {
	return u.Days[day]+1 <= share(p.Messages, shard) && u.Tokens+u.reserved()+tokens <= share(p.Tokens, shard)
}
