package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
)

// sized returns an item that counts exactly n bytes.
func sized(sk string, n int) store.Item {
	it := store.Item{SK: sk, Schema: 1, Summary: text(2), Data: text(2)}
	it.Data = text(n - it.Size() + 2)
	return it
}

func testLimits(t *testing.T, open func() *scene) {
	cases{
		"the largest item is kept": func(t *testing.T, s *scene) {
			want := sized("big", store.MaxItem)
			s.mustCommit(t, store.Create(want))
			want.Version = 1
			if diff := sameItem(s.mustGet(t, "big"), want); diff != "" {
				t.Error("the item came back otherwise")
			}
			s.mustCommit(t, store.Update(want, 1))
		},
		"an item one byte larger is refused, and nothing is written": func(t *testing.T, s *scene) {
			err := s.commit(store.Create(item("small")), store.Create(sized("big", store.MaxItem+1)))
			wantError(t, err, store.ErrTooLarge)
			s.wantAbsent(t, "small")
			s.wantAbsent(t, "big")
			s.wantEvents(t, 0)
		},
		"the largest commit is kept": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			s.mustCommitOf(t, e, largest(t, e, -s.CommitShort)...)
			s.wantEvents(t, 1)
		},
		"a commit one byte larger is refused, and nothing is written": func(t *testing.T, s *scene) {
			e := s.event(s.client)
			err := s.Table.Commit(t.Context(), s.client, audit.Of(e), largest(t, e, 1)...)
			wantError(t, err, store.ErrTooLarge)
			s.wantKeys(t, store.Query{Prefix: "part#"})
			s.wantEvents(t, 0)
		},
		"the most actions, events counted, are kept": func(t *testing.T, s *scene) {
			s.mustCommit(t, creates(store.MaxActions-1)...)
			if got := s.walk(t, store.Query{Prefix: "n#", Limit: 30}); len(got) != store.MaxActions-1 {
				t.Errorf("%d items", len(got))
			}
		},
		"one action more is refused, and nothing is written": func(t *testing.T, s *scene) {
			wantError(t, s.commit(creates(store.MaxActions)...), store.ErrTooMany)
			s.wantKeys(t, store.Query{Prefix: "n#"})
			s.wantEvents(t, 0)
		},
		"the longest keys are kept, in the indexes too": func(t *testing.T, s *scene) {
			long := strings.Repeat("k", store.MaxKey)
			it := item(long)
			it.ParentSK, it.ActorSK = long, long
			s.mustCommit(t, store.Create(it))
			s.mustGet(t, long)
			for _, index := range []store.Index{store.Main, store.ByParent, store.ByActor} {
				s.wantKeys(t, store.Query{Index: index, Prefix: long}, long)
				s.wantKeys(t, store.Query{Index: index, Prefix: "kk", From: long[1:], Limit: 1}, long)
			}
		},
	}.run(t, open)
}

// largest returns changes that, with the event e, count [store.MaxCommit] bytes and extra.
func largest(t *testing.T, e audit.Event, extra int) []store.Change {
	t.Helper()
	event, err := store.EventItem(e)
	if err != nil {
		t.Fatal(err)
	}
	var changes []store.Change
	for left := store.MaxCommit - event.Size() + extra; left > 0; {
		n := min(left, store.MaxItem)
		if rest := left - n; rest > 0 && rest < 1024 {
			n -= 1024 // leave enough for an item
		}
		changes = append(changes, store.Create(sized(fmt.Sprintf("part#%02d", len(changes)), n)))
		left -= n
	}
	return changes
}

func creates(n int) []store.Change {
	changes := make([]store.Change, n)
	for i := range changes {
		changes[i] = store.Create(item(fmt.Sprintf("n#%03d", i)))
	}
	return changes
}

func (s *scene) mustCommitOf(t *testing.T, e audit.Event, changes ...store.Change) {
	t.Helper()
	if err := s.Table.Commit(t.Context(), s.client, audit.Of(e), changes...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func testKeys(t *testing.T, open func() *scene) {
	bad := map[string]string{
		"an empty key":            "",
		"a key too long":          strings.Repeat("k", store.MaxKey+1),
		"a key that is not UTF-8": "k\xc3\x28",
		"a lone surrogate":        "k\xed\xa0\x80",
		"a key with a NUL":        "k\x00",
		"a key with a newline":    "k\n",
		"a key with DEL":          "k\x7f",
	}
	all := cases{}
	for name, key := range bad {
		all["refused: "+name] = func(t *testing.T, s *scene) {
			_, err := s.Table.Get(t.Context(), s.client, key)
			wantError(t, err, store.ErrBadKey)
			for _, c := range []store.Change{store.Create(item(key)), store.Update(item(key), 1), store.Delete(key, 1), store.Check(key, 0)} {
				wantError(t, s.commit(store.Create(item("beside")), c), store.ErrBadKey)
			}
			if key != "" { // an empty index key means: not in that index
				wantError(t, s.commit(store.Create(store.Item{SK: "k", ParentSK: key})), store.ErrBadKey)
				wantError(t, s.commit(store.Create(store.Item{SK: "k", ActorSK: key})), store.ErrBadKey)
			}
			s.wantAbsent(t, "beside")
			s.wantEvents(t, 0)
		}
	}
	all["refused: no client"] = func(t *testing.T, s *scene) {
		_, err := s.Table.Get(t.Context(), "", "k")
		wantError(t, err, store.ErrBadKey)
		_, err = s.Table.Query(t.Context(), "", store.Query{Prefix: "k", Limit: 1})
		wantError(t, err, store.ErrBadQuery)
		_, err = s.Table.BatchGet(t.Context(), "", []string{"k"})
		wantError(t, err, store.ErrBadKey)
	}
	all["refused: two changes of one item"] = func(t *testing.T, s *scene) {
		s.seed(t, "there")
		wantError(t, s.commit(store.Create(item("k")), store.Create(item("k"))), store.ErrBadKey)
		wantError(t, s.commit(store.Check("there", 1), store.Update(item("there"), 1)), store.ErrBadKey)
		s.wantAbsent(t, "k")
		s.wantEvents(t, 1)
	}
	all.run(t, open)
}
