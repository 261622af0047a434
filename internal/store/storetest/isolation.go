package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// testIsolation is invariant 1.
func testIsolation(t *testing.T, open func() *scene) {
	cases{
		"clients with look-alike ids see nothing of each other": testLookAlikes,
		"a change in another client's partition is refused": func(t *testing.T, s *scene) {
			other := newScene(s.Fixture)
			other.seed(t, "there")
			for _, c := range []store.Change{store.Create(item("new")), store.Update(item("there"), 1), store.Delete("there", 1), store.Check("there", 0)} {
				c.Partition = other.client
				wantError(t, s.commit(store.Create(item("own")), c), store.ErrBadKey)
			}
			s.wantAbsent(t, "own")
			other.wantAbsent(t, "new")
			if v := other.mustGet(t, "there").Version; v != 1 {
				t.Errorf("version %d", v)
			}
		},
		"an event in another client's trail is refused": func(t *testing.T, s *scene) {
			other := newScene(s.Fixture)
			err := s.Table.Commit(t.Context(), s.client, audit.Of(s.event(s.client), s.event(other.client)), store.Create(item("own")))
			wantError(t, err, store.ErrBadKey)
			s.wantAbsent(t, "own")
			other.wantEvents(t, 0)
		},
		"a change in a platform partition is one with the client's own": func(t *testing.T, s *scene) {
			platform := &scene{Fixture: s.Fixture, sys: s.sys, client: tenant.ID("$login#" + s.sys.NewSecret())}
			there := store.Create(item("person"))
			there.Partition = platform.client
			s.mustCommit(t, store.Create(item("user#1")), there)
			s.mustGet(t, "user#1")
			s.wantAbsent(t, "person")
			platform.mustGet(t, "person")
			platform.wantAbsent(t, "user#1")

			wantCondition(t, s.commit(store.Create(item("user#2")), there), 1, "person")
			s.wantAbsent(t, "user#2")
		},
		"the same sort key in two partitions is two items of one commit": func(t *testing.T, s *scene) {
			platform := &scene{Fixture: s.Fixture, sys: s.sys, client: tenant.ID("$login#" + s.sys.NewSecret())}
			there := store.Create(item("same"))
			there.Partition = platform.client
			s.mustCommit(t, store.Create(item("same")), there)
			s.mustCommit(t, store.Update(item("same"), 1))
			if v := platform.mustGet(t, "same").Version; v != 1 {
				t.Errorf("the other partition's item is at version %d", v)
			}
		},
	}.run(t, open)
}

func testLookAlikes(t *testing.T, s *scene) {
	base := string(s.client)
	var all []*scene
	for _, id := range []string{base, base + "-b", base + "a", base + "_", base + "0", base[:len(base)-1]} {
		all = append(all, &scene{Fixture: s.Fixture, sys: s.sys, client: tenant.ID(id)})
	}
	for i, at := range all {
		for _, sk := range []string{"k#1", "k#2", fmt.Sprintf("own#%d", i)} {
			it := store.Item{SK: sk, ParentSK: sk, ActorSK: sk, Summary: json.RawMessage(fmt.Sprintf("%q", at.client))}
			at.mustCommit(t, store.Create(it))
		}
	}
	for i, at := range all {
		for _, index := range []store.Index{store.Main, store.ByParent, store.ByActor} {
			at.wantKeys(t, store.Query{Index: index, Prefix: "k"}, "k#1", "k#2")
			at.wantKeys(t, store.Query{Index: index, Prefix: "k", Descending: true, Limit: 1}, "k#2", "k#1")
			at.wantKeys(t, store.Query{Index: index, Prefix: "own#"}, fmt.Sprintf("own#%d", i))
			for _, it := range at.walk(t, store.Query{Index: index, Prefix: "k", Limit: 10}) {
				if string(it.Summary) != fmt.Sprintf("%q", at.client) {
					t.Errorf("%s sees the item of %s", at.client, it.Summary)
				}
			}
		}
		other := fmt.Sprintf("own#%d", (i+1)%len(all))
		at.wantAbsent(t, other)
		got, err := at.Table.BatchGet(context.Background(), at.client, []string{other, "k#1"})
		if err != nil || fmt.Sprint(sortKeys(got)) != "[k#1]" {
			t.Errorf("batch: got %q, %v", sortKeys(got), err)
		}
		wantCondition(t, at.commit(store.Delete(other, 1)), 0, other)
	}
}
