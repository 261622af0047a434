package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/nowgo/agents/internal/store"
)

func testQueries(t *testing.T, open func() *scene) {
	all := cases{
		"a prefix meets only its own list": func(t *testing.T, s *scene) {
			s.seed(t, "agent", "agent#1", "agent#2", "agents#1", "agen", "agent$1", "client")
			s.wantKeys(t, store.Query{Prefix: "agent#"}, "agent#1", "agent#2")
			s.wantKeys(t, store.Query{Prefix: "agent#", Descending: true}, "agent#2", "agent#1")
			s.wantKeys(t, store.Query{Prefix: "agent#1"}, "agent#1")
			s.wantKeys(t, store.Query{Prefix: "zebra#"})
		},
		"keys sort by their bytes, in any script": func(t *testing.T, s *scene) {
			sks := []string{"k#A", "k#Z", "k#a", "k#z", "k#~", "k#é", "k#\u07ff", "k#日本", "k#\uffee", "k#😀", "k#\U0010ffff"}
			s.seed(t, sks...)
			s.wantKeys(t, store.Query{Prefix: "k#"}, sks...)
			s.wantKeys(t, store.Query{Prefix: "k#é"}, "k#é")
			s.wantKeys(t, store.Query{Prefix: "k#\U0010ffff"}, "k#\U0010ffff")
			slices.Reverse(sks)
			s.wantKeys(t, store.Query{Prefix: "k#", Descending: true}, sks...)
			s.wantKeys(t, store.Query{Prefix: "k#", From: "k#~", To: "k#😀"}, "k#~", "k#é", "k#\u07ff", "k#日本", "k#\uffee")
		},
		"the main table's items are whole": func(t *testing.T, s *scene) {
			s.seed(t, "thing")
			got, want := s.walk(t, store.Query{Prefix: "thing", Limit: 1}), item("thing")
			want.Version = 1
			if diff := sameItem(got[0], want); diff != "" {
				t.Error(diff)
			}
		},
		"a page holds as many as the limit and says that there is more": func(t *testing.T, s *scene) {
			s.seed(t, "k#1", "k#2", "k#3", "k#4", "k#5")
			p, err := s.Table.Query(context.Background(), s.client, store.Query{Prefix: "k#", Limit: 2})
			if err != nil || fmt.Sprint(sortKeys(p.Items)) != "[k#1 k#2]" || p.Next == "" {
				t.Errorf("got %q, next %q, %v", sortKeys(p.Items), p.Next, err)
			}
			p, err = s.Table.Query(context.Background(), s.client, store.Query{Prefix: "k#", Limit: 9})
			if err != nil || len(p.Items) != 5 || p.Next != "" {
				t.Errorf("got %q, next %q, %v", sortKeys(p.Items), p.Next, err)
			}
		},
		"more than a megabyte is walked to its end": func(t *testing.T, s *scene) {
			var sks []string
			for i := range 8 { // one answer of DynamoDB holds 1 MB
				it := store.Item{SK: fmt.Sprintf("big#%d", i), Data: text(300 << 10)}
				s.mustCommit(t, store.Create(it))
				sks = append(sks, it.SK)
			}
			s.wantKeys(t, store.Query{Prefix: "big#"}, sks...)
		},
		"a query that cannot be answered is refused": func(t *testing.T, s *scene) {
			for name, q := range map[string]store.Query{
				"no prefix": {Limit: 1}, "no limit": {Prefix: "k#"}, "limit below 1": {Prefix: "k#", Limit: -1},
				"limit over the maximum":   {Prefix: "k#", Limit: store.MaxPage + 1},
				"unknown index":            {Prefix: "k#", Limit: 1, Index: "by_moon"},
				"prefix not UTF-8":         {Prefix: "k\xff", Limit: 1},
				"prefix with controls":     {Prefix: "k\n", Limit: 1},
				"prefix longer than a key": {Prefix: string(text(store.MaxKey + 1)), Limit: 1},
				"bound not UTF-8":          {Prefix: "k#", From: "k#\xff", Limit: 1},
				"other bound not UTF-8":    {Prefix: "k#", To: "k#\xff", Limit: 1},
				"bound longer than a key":  {Prefix: "k#", To: string(text(store.MaxKey + 1)), Limit: 1},
			} {
				if _, err := s.Table.Query(context.Background(), s.client, q); !isBadQuery(err) {
					t.Errorf("%s: got %v, want ErrBadQuery", name, err)
				}
			}
		},
	}
	for _, index := range []store.Index{store.Main, store.ByParent, store.ByActor} {
		all[fmt.Sprintf("bounds narrow the prefix, index %q", index)] = func(t *testing.T, s *scene) { testBounds(t, s, index) }
	}
	all.run(t, open)
}

func testBounds(t *testing.T, s *scene, index store.Index) {
	keys := []string{"k", "k#", "k#1", "k#2", "k#2#x", "k#3", "k#3~", "k$", "l#1"}
	var changes []store.Change
	for _, k := range keys {
		it := item(k)
		it.ParentSK, it.ActorSK = k, k
		changes = append(changes, store.Create(it))
	}
	s.mustCommit(t, changes...)
	for _, c := range []struct {
		from, to string
		want     []string
	}{
		{"", "", []string{"k#", "k#1", "k#2", "k#2#x", "k#3", "k#3~"}},
		{"k#2", "", []string{"k#2", "k#2#x", "k#3", "k#3~"}},
		{"", "k#2", []string{"k#", "k#1"}},
		{"k#1", "k#3", []string{"k#1", "k#2", "k#2#x"}},
		{"k#2", "k#2#", []string{"k#2"}},
		{"k#2#", "k#2$", []string{"k#2#x"}},
		{"k#1", "k#1", nil},
		{"k#3", "k#1", nil},
		{"a", "z", []string{"k#", "k#1", "k#2", "k#2#x", "k#3", "k#3~"}},
		{"k", "k#1", []string{"k#"}},
		{"", "k#", nil},
		{"", "a", nil},
		{"k$", "", nil},
		{"z", "", nil},
		{"k#3", "z", []string{"k#3", "k#3~"}},
		{"k#3", "k$", []string{"k#3", "k#3~"}},
	} {
		s.wantKeys(t, store.Query{Index: index, Prefix: "k#", From: c.from, To: c.to}, c.want...)
		s.wantKeys(t, store.Query{Index: index, Prefix: "k#", From: c.from, To: c.to, Limit: 1}, c.want...)
		down := slices.Clone(c.want)
		slices.Reverse(down)
		s.wantKeys(t, store.Query{Index: index, Prefix: "k#", From: c.from, To: c.to, Descending: true}, down...)
		s.wantKeys(t, store.Query{Index: index, Prefix: "k#", From: c.from, To: c.to, Descending: true, Limit: 1}, down...)
	}
}

func testIndexes(t *testing.T, open func() *scene) {
	const parent, actor = store.ByParent, store.ByActor
	with := func(sk, parentSK, actorSK string) store.Item {
		it := item(sk)
		it.ParentSK, it.ActorSK = parentSK, actorSK
		return it
	}
	cases{
		"an item is in the indexes whose key it has": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#1", "")), store.Create(with("b", "", "u#1")),
				store.Create(with("c", "p#2", "u#2")), store.Create(item("d")))
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"}, "a", "c")
			s.wantKeys(t, store.Query{Index: actor, Prefix: "u#"}, "b", "c")
			s.wantKeys(t, store.Query{Index: parent, Prefix: "u#"})
			s.wantKeys(t, store.Query{Index: actor, Prefix: "p#"})
		},
		"an index sorts by its own key": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#3", "")), store.Create(with("b", "p#1", "")), store.Create(with("c", "p#2", "")))
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"}, "b", "c", "a")
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#", Descending: true}, "a", "c", "b")
		},
		"items may share an index key, and a walk meets each once": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#1", "")), store.Create(with("b", "p#1", "")), store.Create(with("c", "p#1", "")))
			s.eventually(t, parent, func() string {
				got := sortKeys(s.walk(t, store.Query{Index: parent, Prefix: "p#", Limit: 1}))
				slices.Sort(got) // which order they come in is the adapter's
				if fmt.Sprint(got) != "[a b c]" {
					return fmt.Sprintf("got %q", got)
				}
				return ""
			})
		},
		"an index gives all but Data": func(t *testing.T, s *scene) {
			it := with("a", "p#1", "u#1")
			s.mustCommit(t, store.Create(it))
			for index, prefix := range map[store.Index]string{parent: "p#", actor: "u#"} {
				s.eventually(t, index, func() string {
					got := s.walk(t, store.Query{Index: index, Prefix: prefix, Limit: 5})
					if len(got) != 1 {
						return fmt.Sprintf("got %d items", len(got))
					}
					want := it
					want.Version, want.Data = 1, nil
					// The key of the other index is not promised.
					if index == parent {
						want.ActorSK, got[0].ActorSK = "", ""
					} else {
						want.ParentSK, got[0].ParentSK = "", ""
					}
					return sameItem(got[0], want)
				})
			}
		},
		"an update moves an item within, into and out of the indexes": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#1", "u#1")), store.Create(with("z", "p#5", "u#5")))
			s.mustCommit(t, store.Update(with("a", "p#9", ""), 1))
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"}, "z", "a")
			s.wantKeys(t, store.Query{Index: actor, Prefix: "u#"}, "z")
			s.mustCommit(t, store.Update(with("a", "", "u#9"), 2))
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"}, "z")
			s.wantKeys(t, store.Query{Index: actor, Prefix: "u#"}, "z", "a")
		},
		"an update that keeps its index keys shows the new content there": func(t *testing.T, s *scene) {
			it := with("a", "p#1", "")
			s.mustCommit(t, store.Create(it))
			it.Summary = []byte(`"new"`)
			s.mustCommit(t, store.Update(it, 1))
			s.eventually(t, parent, func() string {
				got := s.walk(t, store.Query{Index: parent, Prefix: "p#", Limit: 5})
				if len(got) != 1 || string(got[0].Summary) != `"new"` || got[0].Version != 2 {
					return fmt.Sprintf("got %+v", got)
				}
				return ""
			})
		},
		"a deleted item leaves its indexes": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#1", "u#1")))
			s.mustCommit(t, store.Delete("a", 1))
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"})
			s.wantKeys(t, store.Query{Index: actor, Prefix: "u#"})
		},
		"a commit that failed leaves no trace in the indexes": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(with("a", "p#1", "u#1")))
			err := s.commit(store.Create(with("b", "p#2", "u#2")), store.Update(with("a", "p#7", "u#7"), 9))
			wantCondition(t, err, 1, "a")
			s.wantKeys(t, store.Query{Index: parent, Prefix: "p#"}, "a")
			s.wantKeys(t, store.Query{Index: actor, Prefix: "u#7"})
		},
	}.run(t, open)
}
