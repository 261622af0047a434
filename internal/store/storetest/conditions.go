package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/nowgo/agents/internal/store"
)

func testConditions(t *testing.T, open func() *scene) {
	// there is at version 2; nowhere was never written.
	held := map[string]store.Change{
		"create of an absent item":           store.Create(item("nowhere")),
		"update at the version seen":         store.Update(item("there"), 2),
		"delete at the version seen":         store.Delete("there", 2),
		"check of presence":                  store.Check("there", 0),
		"check of presence at version there": store.Check("there", 2),
	}
	broken := map[string]store.Change{
		"create of a present item":    store.Create(item("there")),
		"update at an older version":  store.Update(item("there"), 1),
		"update at a later version":   store.Update(item("there"), 3),
		"update of an absent item":    store.Update(item("nowhere"), 1),
		"delete at an older version":  store.Delete("there", 1),
		"delete of an absent item":    store.Delete("nowhere", 1),
		"check of an absent item":     store.Check("nowhere", 0),
		"check at an older version":   store.Check("there", 1),
		"check of absent at version1": store.Check("nowhere", 1),
	}
	prepare := func(t *testing.T, s *scene) {
		s.seed(t, "there", "other")
		s.mustCommit(t, store.Update(item("there"), 1))
	}
	all := cases{}
	for name, change := range held {
		all["holds: "+name] = func(t *testing.T, s *scene) {
			prepare(t, s)
			s.mustCommit(t, store.Create(item("beside")), change)
			s.mustGet(t, "beside")
			s.wantEvents(t, 3)
		}
	}
	for name, change := range broken {
		all["does not hold, nothing is written: "+name] = func(t *testing.T, s *scene) {
			prepare(t, s)
			err := s.commit(store.Create(item("before")), store.Update(item("other"), 1), change, store.Create(item("after")))
			wantCondition(t, err, 2, change.Item.SK)
			s.wantAbsent(t, "before")
			s.wantAbsent(t, "after")
			s.wantAbsent(t, "nowhere")
			if v := s.mustGet(t, "other").Version; v != 1 {
				t.Errorf("the change before the failed one was made: version %d", v)
			}
			if v := s.mustGet(t, "there").Version; v != 2 {
				t.Errorf("the item of the failed change is at version %d", v)
			}
			s.wantEvents(t, 2) // INVARIANT 2, read backwards: no event without its change
		}
	}
	all["of several conditions that fail, the first is named"] = func(t *testing.T, s *scene) {
		prepare(t, s)
		err := s.commit(store.Check("other", 1), store.Delete("nowhere", 9), store.Create(item("there")))
		wantCondition(t, err, 1, "nowhere")
	}
	all["a check changes neither item nor version"] = func(t *testing.T, s *scene) {
		prepare(t, s)
		before := s.mustGet(t, "there")
		s.mustCommit(t, store.Check("there", 2))
		if diff := sameItem(s.mustGet(t, "there"), before); diff != "" {
			t.Error(diff)
		}
	}
	all["an update or a delete without the version seen is refused"] = func(t *testing.T, s *scene) {
		prepare(t, s) // INVARIANT 13
		for _, c := range []store.Change{store.Update(item("there"), 0), store.Delete("there", 0), store.Update(item("there"), -1)} {
			wantError(t, s.commit(c), store.ErrBadKey)
		}
		wantError(t, s.commit(store.Change{Item: item("there")}), store.ErrBadKey)
		if v := s.mustGet(t, "there").Version; v != 2 {
			t.Errorf("version %d", v)
		}
	}
	all.run(t, open)
}

func testCancellation(t *testing.T, open func() *scene) {
	cases{
		"a canceled call returns the context's error and writes nothing": func(t *testing.T, s *scene) {
			s.seed(t, "there")
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			checkAll(ctx, t, s, context.Canceled)
		},
		"a call past its deadline returns the context's error and writes nothing": func(t *testing.T, s *scene) {
			s.seed(t, "there")
			ctx, cancel := context.WithTimeout(context.Background(), -1)
			defer cancel()
			checkAll(ctx, t, s, context.DeadlineExceeded)
		},
	}.run(t, open)
}

func checkAll(ctx context.Context, t *testing.T, s *scene, want error) {
	t.Helper()
	_, err := s.Table.Get(ctx, s.client, "there")
	wantError(t, err, want)
	_, err = s.Table.BatchGet(ctx, s.client, []string{"there"})
	wantError(t, err, want)
	_, err = s.Table.Query(ctx, s.client, store.Query{Prefix: "t", Limit: 1})
	wantError(t, err, want)
	err = s.Table.Commit(ctx, s.client, s.record(), store.Create(item("new")))
	wantError(t, err, want)
	if errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a canceled call is not the table's fault: %v", err)
	}
	s.wantAbsent(t, "new")
	s.wantEvents(t, 1)
}
