package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
)

// testExpiry is invariant 8: an item is absent from its second on, long before anything deletes it.
func testExpiry(t *testing.T, open func() *scene) {
	// dying seeds an item in both indexes that lives for a minute, and lets it die.
	dying := func(t *testing.T, s *scene) {
		t.Helper()
		it := item("mortal")
		it.ParentSK, it.ActorSK, it.ExpiresAt = "p#1", "u#1", s.Clock.Now().Add(time.Minute)
		s.mustCommit(t, store.Create(it))
		s.Clock.Advance(59*time.Second + 999*time.Millisecond)
		s.mustGet(t, "mortal")
		s.wantKeys(t, store.Query{Prefix: "mortal"}, "mortal")
		s.Clock.Advance(time.Millisecond)
	}
	cases{
		"an expired item is absent for every read": func(t *testing.T, s *scene) {
			dying(t, s)
			s.wantAbsent(t, "mortal")
			s.wantKeys(t, store.Query{Prefix: "mortal"})
			s.wantKeys(t, store.Query{Index: store.ByParent, Prefix: "p#"})
			s.wantKeys(t, store.Query{Index: store.ByActor, Prefix: "u#"})
			if got, err := s.Table.BatchGet(context.Background(), s.client, []string{"mortal"}); err != nil || len(got) != 0 {
				t.Errorf("batch: got %v, %v", got, err)
			}
		},
		"an expired item is absent for every condition": func(t *testing.T, s *scene) {
			dying(t, s)
			wantCondition(t, s.commit(store.Update(item("mortal"), 1)), 0, "mortal")
			wantCondition(t, s.commit(store.Delete("mortal", 1)), 0, "mortal")
			wantCondition(t, s.commit(store.Check("mortal", 0)), 0, "mortal")
			wantCondition(t, s.commit(store.Check("mortal", 1)), 0, "mortal")
		},
		"an item can be created where one expired, at version 1 and with nothing of the old": func(t *testing.T, s *scene) {
			dying(t, s)
			s.mustCommit(t, store.Create(item("mortal")))
			want := item("mortal")
			want.Version = 1
			if diff := sameItem(s.mustGet(t, "mortal"), want); diff != "" {
				t.Error(diff)
			}
			s.wantKeys(t, store.Query{Index: store.ByParent, Prefix: "p#"})
			s.wantKeys(t, store.Query{Index: store.ByActor, Prefix: "u#"})
			s.Clock.Advance(48 * time.Hour) // the old expiry must not take the new item
			s.mustGet(t, "mortal")
			s.mustCommit(t, store.Update(item("mortal"), 1))
		},
		"an update can put the end off": func(t *testing.T, s *scene) {
			it := item("mortal")
			it.ExpiresAt = s.Clock.Now().Add(time.Minute)
			s.mustCommit(t, store.Create(it))
			it.ExpiresAt = it.ExpiresAt.Add(time.Hour)
			s.mustCommit(t, store.Update(it, 1))
			s.Clock.Advance(2 * time.Minute)
			s.mustGet(t, "mortal")
			s.Clock.Advance(time.Hour)
			s.wantAbsent(t, "mortal")
		},
		"a fraction of a second in the end is left out": func(t *testing.T, s *scene) {
			it := item("mortal")
			it.ExpiresAt = s.Clock.Now().Add(10*time.Second + 900*time.Millisecond)
			s.mustCommit(t, store.Create(it))
			s.Clock.Advance(10 * time.Second)
			s.wantAbsent(t, "mortal")
		},
		"an item created already expired is absent": func(t *testing.T, s *scene) {
			it := item("mortal")
			it.ExpiresAt = s.Clock.Now().Add(-time.Hour)
			s.mustCommit(t, store.Create(it))
			s.wantAbsent(t, "mortal")
			s.mustCommit(t, store.Create(item("mortal")))
		},
	}.run(t, open)
}
