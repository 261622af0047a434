package bolt

import (
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
)

// shared has six items with one index key, and others on both sides.
func shared(t testing.TB) *Table {
	table := openTable(t, Config{})
	var changes []store.Change
	for _, sk := range []string{"a", "b", "b!", "ba", "c", "d"} {
		changes = append(changes, store.Create(store.Item{SK: sk, ParentSK: "p#1", Data: []byte("1")}))
	}
	changes = append(changes, store.Create(store.Item{SK: "x", ParentSK: "p#0"}), store.Create(store.Item{SK: "y", ParentSK: "p#1!"}),
		store.Create(store.Item{SK: "z", ParentSK: "p#10"}), store.Create(store.Item{SK: "0", ParentSK: "p#2"}))
	if err := table.Commit(t.Context(), owner, audit.Of(eventOf(owner, "e")), changes...); err != nil {
		t.Fatal(err)
	}
	return table
}

// TestRepeatedIndexKeys: the order is (index key, sort key), whatever the page and the direction.
func TestRepeatedIndexKeys(t *testing.T) {
	table := shared(t)
	for _, c := range []struct {
		q    store.Query
		want string
	}{
		{store.Query{Prefix: "p#"}, "xabb!bacdyz0"},
		{store.Query{Prefix: "p#1"}, "abb!bacdyz"},
		{store.Query{Prefix: "p#", From: "p#1", To: "p#1!"}, "abb!bacd"},
		{store.Query{Prefix: "p#", From: "p#1!"}, "yz0"},
		{store.Query{Prefix: "p#", Descending: true}, "0zydcbab!bax"},
		{store.Query{Prefix: "p#", To: "p#1!", Descending: true}, "dcbab!bax"},
	} {
		for limit := 1; limit <= 11; limit++ {
			q := c.q
			q.Index, q.Limit = store.ByParent, limit
			got, pages := "", 0
			for more := true; more; more = q.Cursor != "" {
				page, err := table.Query(t.Context(), owner, q)
				if err != nil || len(page.Items) == 0 {
					t.Fatalf("%+v: %v", q, err)
				}
				for _, it := range page.Items {
					got += it.SK
					if it.Data != nil {
						t.Errorf("Data is in the index: %+v", it)
					}
				}
				q.Cursor = page.Next
				pages++
			}
			if got != c.want {
				t.Errorf("%+v: got %s, want %s", q, got, c.want)
			}
			if n := len(strings.ReplaceAll(strings.ReplaceAll(c.want, "b!", "B"), "ba", "A")); pages > n/limit+1 {
				t.Errorf("%+v: %d pages of %d items", q, pages, n)
			}
		}
	}
}

// A cursor with a true hash but a position outside of the query is refused: the hash is no secret.
func TestForgedCursor(t *testing.T) {
	table := shared(t)
	for _, position := range []string{"", "p#", "p#0\x00x", "p#2\x00a", "q", "\xff", "p", strings.Repeat("p#1", 2000)} {
		for _, down := range []bool{false, true} {
			q := store.Query{Index: store.ByParent, Prefix: "p#1", Limit: 5, Descending: down}
			q.Cursor = encodeCursor(owner, q, []byte(position))
			if page, err := table.Query(t.Context(), owner, q); !errors.Is(err, store.ErrBadQuery) {
				t.Errorf("%q: got %v, %v", position, page, err)
			}
		}
	}
}

// FuzzCursor gives any text as cursor, and any position with a true hash.
func FuzzCursor(f *testing.F) {
	table := shared(f)
	first, err := table.Query(f.Context(), owner, store.Query{Index: store.ByParent, Prefix: "p#1", Limit: 2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first.Next, false, false)
	f.Add("p#1\x00b", true, true)
	f.Add("p#1", true, false)
	f.Add("", false, true)
	f.Fuzz(func(t *testing.T, text string, position, down bool) {
		q := store.Query{Index: store.ByParent, Prefix: "p#1", Limit: 3, Cursor: text, Descending: down}
		if position {
			q.Cursor = encodeCursor(owner, q, []byte(text))
		}
		page, err := table.Query(t.Context(), owner, q)
		if err != nil && !errors.Is(err, store.ErrBadQuery) {
			t.Fatalf("got %v", err)
		}
		for _, it := range page.Items {
			if !strings.HasPrefix(it.ParentSK, "p#1") {
				t.Fatalf("the cursor led to %+v", it)
			}
		}
		if err == nil && q.Cursor != "" {
			raw, err := decodeCursor(owner, q)
			if err != nil || encodeCursor(owner, q, raw) != q.Cursor {
				t.Fatalf("two texts are one cursor: %v", err)
			}
		}
	})
}
