package dynamo

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

func TestSuccessor(t *testing.T) {
	for prefix, want := range map[string]string{
		"a": "b", "agent#": "agent$", "k~": "k\x7f", "é": "ê", "\u07ff": "\u0800", "k\ud7ff": "k\ue000", "k\uffff": "k\U00010000",
		"k\U0010ffff": "l", "\U0010ffff\U0010ffff": "",
	} {
		if got := successor(prefix); got != want {
			t.Errorf("successor of %q: got %q, want %q", prefix, got, want)
		}
	}
}

// TestSpanIsPrefixAndBounds compares with the definition: begins with the prefix, at or above From, below To.
func TestSpanIsPrefixAndBounds(t *testing.T) {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune{'a', 'b', '#', 0x7f, 0x7ff, 0xd7ff, 0xe000, 0xffff, 0x10ffff}), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		q := store.Query{Prefix: letters.Filter(func(s string) bool { return s != "" }).Draw(t, "prefix"),
			From: letters.Draw(t, "from"), To: letters.Draw(t, "to")}
		key := letters.Draw(t, "key")
		if rapid.Bool().Draw(t, "near") {
			key = q.Prefix + key
		}
		want := strings.HasPrefix(key, q.Prefix) && key >= q.From && (q.To == "" || key < q.To)
		s := spanOf(q)
		if got := s.side(key) == 0; got != want {
			t.Fatalf("%q in %+v: got %t, want %t", key, s, got, want)
		}
		if want && s.empty() {
			t.Fatalf("%+v holds %q and says that it is empty", s, key)
		}
	})
}

// TestAForgedCursorStaysInTheQuery: who knows how the binding is made can name any position, but not reach it.
func TestAForgedCursorStaysInTheQuery(t *testing.T) {
	const client tenant.ID = "cli_aaaa"
	main := store.Query{Prefix: "agent#", To: "agent#5", Limit: 1}
	parent := store.Query{Index: store.ByParent, Prefix: "p#", Limit: 1}
	for name, c := range map[string]struct {
		q       store.Query
		key, sk string
	}{
		"below the prefix":       {main, "agen", "agen"},
		"above the prefix":       {main, "session#1", "session#1"},
		"above the bound":        {main, "agent#5", "agent#5"},
		"a key with controls":    {main, "agent#\n", "agent#\n"},
		"a key too long":         {main, "agent#" + strings.Repeat("1", store.MaxKey), "agent#" + strings.Repeat("1", store.MaxKey)},
		"index key out of span":  {parent, "q#1", "agent#1"},
		"no sort key":            {parent, "p#1", ""},
		"index key not UTF-8":    {parent, "p#\xff", "agent#1"},
		"two keys in the second": {parent, "p#1\x00p#2", "agent#1"},
	} {
		c.q.Cursor = encodeCursor(client, c.q, c.key, c.sk)
		if from, err := spanOf(c.q).startOf(client, c.q); !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("%s: got %v, %v", name, from, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	main := store.Query{Prefix: "agent#", Limit: 1}
	parent := store.Query{Index: store.ByParent, Prefix: "profile#p#", To: "profile#p#z", Limit: 1, Descending: true}
	f.Add(encodeCursor("cli_aaaa", main, "agent#1", "agent#1"), false)
	f.Add(encodeCursor("cli_aaaa", parent, "profile#p#1", "agent#1"), true)
	f.Add("", false)
	f.Add("AAAAAAAAAAAAAAAAAAAAAA", true)
	f.Fuzz(func(t *testing.T, cursor string, index bool) {
		const client tenant.ID = "cli_aaaa"
		q := main
		if index {
			q = parent
		}
		q.Cursor = cursor
		from, err := spanOf(q).startOf(client, q)
		switch {
		case err != nil && !errors.Is(err, store.ErrBadQuery):
			t.Fatalf("got %v", err)
		case err != nil || cursor == "":
			return
		}
		sk, key := position(from, q.Index)
		if own, _ := row(from).text(attrClient); own != string(client) || !strings.HasPrefix(key, q.Prefix) || sk == "" {
			t.Fatalf("the cursor %q leads to %v", cursor, from)
		}
		if again := encodeCursor(client, q, key, sk); again != cursor {
			t.Fatalf("two cursors for one position: %q and %q", cursor, again)
		}
	})
}
