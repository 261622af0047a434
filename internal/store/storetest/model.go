package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nowgo/agents/internal/store"
)

// model is the table as anybody would think of it: a map.
type model struct {
	items  map[string]store.Item
	events int
}

// live returns the item that is there at now.
func (m *model) live(sk string, now time.Time) (store.Item, bool) {
	it, ok := m.items[sk]
	return it, ok && !it.Expired(now)
}

// commit applies the changes, or returns the index of the first whose condition does not hold.
func (m *model) commit(changes []store.Change, now time.Time) (failed int, ok bool) {
	for i, c := range changes {
		it, there := m.live(c.Item.SK, now)
		holds := there && (it.Version == c.Seen || c.Op == store.OpCheck && c.Seen == 0)
		if c.Op == store.OpCreate {
			holds = !there
		}
		if !holds {
			return i, false
		}
	}
	for _, c := range changes {
		it := c.Item
		it.Version = c.Seen + 1
		switch c.Op {
		case store.OpCreate, store.OpUpdate:
			m.items[it.SK] = it
		case store.OpDelete:
			delete(m.items, it.SK)
		}
	}
	m.events++
	return 0, true
}

// query answers q whole, without cursor and limit.
func (m *model) query(q store.Query, now time.Time) []store.Item {
	var found []store.Item
	for _, it := range m.items {
		key := indexKey(it, q.Index)
		if key == "" || it.Expired(now) || !strings.HasPrefix(key, q.Prefix) || key < q.From || q.To != "" && key >= q.To {
			continue
		}
		if q.Index != store.Main {
			it.Data = nil
		}
		found = append(found, it)
	}
	slices.SortFunc(found, func(a, b store.Item) int {
		n := strings.Compare(indexKey(a, q.Index), indexKey(b, q.Index))
		if q.Descending {
			n = -n
		}
		if n == 0 {
			n = strings.Compare(a.SK, b.SK) // the order of equals is the adapter's
		}
		return n
	})
	return found
}

func indexKey(it store.Item, index store.Index) string {
	switch index {
	case store.ByParent:
		return it.ParentSK
	case store.ByActor:
		return it.ActorSK
	default:
		return it.SK
	}
}

// The generators draw from few values, so that commits meet each other.
var (
	anySK      = rapid.SampledFrom([]string{"k#1", "k#2", "k#2#x", "k#3", "b#1", "b", "é#1"})
	anyIndexSK = rapid.SampledFrom([]string{"", "", "p#1", "p#1#x", "p#2", "q#1"})
	anyPrefix  = rapid.SampledFrom([]string{"k", "k#", "k#2", "b", "é", "p", "p#1", "q#", "z"})
	anyBound   = rapid.SampledFrom([]string{"", "", "", "k#2", "k#3", "b", "p#1", "p#1#", "p#2", "zz"})
	anyLife    = rapid.SampledFrom([]time.Duration{0, 0, 0, 5 * time.Second, 60 * time.Second, -time.Second})
	anyIndex   = rapid.SampledFrom([]store.Index{store.Main, store.ByParent, store.ByActor})
	anyOp      = rapid.SampledFrom([]store.Op{store.OpCreate, store.OpCreate, store.OpUpdate, store.OpUpdate, store.OpDelete, store.OpCheck})
)

// anyChanges draws changes of different items, mostly with conditions that hold.
func anyChanges(t *rapid.T, m *model, now time.Time) []store.Change {
	sks := rapid.SliceOfNDistinct(anySK, 0, 4, rapid.ID[string]).Draw(t, "keys")
	var changes []store.Change
	for _, sk := range sks {
		it := store.Item{SK: sk, ParentSK: anyIndexSK.Draw(t, "parent"), ActorSK: anyIndexSK.Draw(t, "actor"),
			Schema: rapid.IntRange(0, 3).Draw(t, "schema"), Summary: anyJSON(t, "summary"), Data: anyJSON(t, "data")}
		if life := anyLife.Draw(t, "life"); life != 0 {
			it.ExpiresAt = now.Add(life)
		}
		op := anyOp.Draw(t, "op")
		seen := int64(rapid.IntRange(1, 3).Draw(t, "seen"))
		if rapid.IntRange(0, 9).Draw(t, "hold") < 8 {
			held, there := m.live(sk, now)
			if !there {
				op = store.OpCreate
			} else if op == store.OpCreate {
				op = store.OpUpdate
			}
			seen = held.Version
		}
		switch op {
		case store.OpCreate:
			changes = append(changes, store.Create(it))
		case store.OpUpdate:
			changes = append(changes, store.Update(it, max(seen, 1)))
		case store.OpDelete:
			changes = append(changes, store.Delete(sk, max(seen, 1)))
		case store.OpCheck:
			changes = append(changes, store.Check(sk, seen-1)) // of absent, stale or any version
		}
	}
	return changes
}

func anyJSON(t *rapid.T, label string) json.RawMessage {
	s := rapid.SampledFrom([]string{"", `null`, `{"a":1}`, `{"b": "é 😀", "c":[1, 2]}`, `"\u0000 \\ \" \u2028"`}).Draw(t, label)
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// testModel does at random what callers do and requires that the table answers as the map would.
func testModel(t *testing.T, open func() *scene) {
	rapid.Check(t, func(t *rapid.T) {
		s, m := open(), &model{items: map[string]store.Item{}}
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) { s.modelCommit(t, m) },
			"get":    func(t *rapid.T) { s.modelGet(t, m) },
			"query":  func(t *rapid.T) { s.modelQuery(t, m) },
			"time passes": func(t *rapid.T) {
				s.Clock.Advance(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			},
		})
		s.wantEvents(t, m.events)
	})
}

func (s *scene) modelCommit(t *rapid.T, m *model) {
	now := s.Clock.Now()
	changes := anyChanges(t, m, now)
	failed, ok := m.commit(changes, now)
	err := s.commit(changes...)
	if !ok {
		wantCondition(t, err, failed, changes[failed].Item.SK)
	} else if err != nil {
		t.Fatalf("commit %+v: %v", changes, err)
	}
}

func (s *scene) modelGet(t *rapid.T, m *model) {
	sks := rapid.SliceOfNDistinct(anySK, 1, 5, rapid.ID[string]).Draw(t, "keys")
	want, there := m.live(sks[0], s.Clock.Now())
	got, err := s.Table.Get(context.Background(), s.client, sks[0])
	if !there && !errors.Is(err, store.ErrNotFound) || there && err != nil {
		t.Fatalf("get %q: %v; there: %t", sks[0], err, there)
	}
	if diff := sameItem(got, want); there && diff != "" {
		t.Fatal(diff)
	}
	var all []store.Item
	for _, sk := range sks {
		if it, ok := m.live(sk, s.Clock.Now()); ok {
			all = append(all, it)
		}
	}
	batch, err := s.Table.BatchGet(context.Background(), s.client, sks)
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameItems(batch, all, store.Main); diff != "" {
		t.Fatalf("batch %q: %s", sks, diff)
	}
}

func (s *scene) modelQuery(t *rapid.T, m *model) {
	q := store.Query{Index: anyIndex.Draw(t, "index"), Prefix: anyPrefix.Draw(t, "prefix"), From: anyBound.Draw(t, "from"),
		To: anyBound.Draw(t, "to"), Limit: rapid.IntRange(1, 4).Draw(t, "limit"), Descending: rapid.Bool().Draw(t, "descending")}
	want := m.query(q, s.Clock.Now())
	s.eventually(t, q.Index, func() string {
		got, err := s.tryWalk(q)
		if err != nil {
			return fmt.Sprintf("query %+v: %v", q, err)
		}
		sortEquals(got, q.Index)
		if diff := sameItems(got, want, q.Index); diff != "" {
			return fmt.Sprintf("query %+v: %s", q, diff)
		}
		return ""
	})
}

// sortEquals orders those that share an index key by their sort key; between equals the adapter is free.
func sortEquals(items []store.Item, index store.Index) {
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && indexKey(items[to], index) == indexKey(items[from], index) {
			to++
		}
		slices.SortFunc(items[from:to], func(a, b store.Item) int { return strings.Compare(a.SK, b.SK) })
		from = to
	}
}

// sameItems says how got differs from want, leaving out the other index's key.
func sameItems(got, want []store.Item, index store.Index) string {
	text := func(items []store.Item) string {
		var b strings.Builder
		for _, it := range items {
			switch index {
			case store.ByParent:
				it.ActorSK = ""
			case store.ByActor:
				it.ParentSK = ""
			}
			b.WriteString("\n  " + describe(it))
		}
		return b.String()
	}
	if g, w := text(got), text(want); g != w {
		return fmt.Sprintf("\ngot: %s\nwant:%s", g, w)
	}
	return ""
}
