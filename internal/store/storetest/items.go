package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
)

func testItems(t *testing.T, open func() *scene) {
	cases{
		"an item comes back as it was written, byte for byte": func(t *testing.T, s *scene) {
			want := store.Item{SK: "thing#é#1", ParentSK: "parent#1", ActorSK: "actor#1", Version: 77, Schema: 3,
				ExpiresAt: s.Clock.Now().Add(time.Hour), Summary: json.RawMessage(`{"b": 1,  "a":"ção \u00e9 😀","n":1.50}`),
				Data: json.RawMessage(`[1, 2,{"z":null}]`)}
			s.mustCommit(t, store.Create(want))
			want.Version = 1 // the store's, whatever the caller said
			if diff := sameItem(s.mustGet(t, want.SK), want); diff != "" {
				t.Error(diff)
			}
		},
		"an item of its key alone comes back with nothing else": func(t *testing.T, s *scene) {
			s.mustCommit(t, store.Create(store.Item{SK: "bare"}))
			if diff := sameItem(s.mustGet(t, "bare"), store.Item{SK: "bare", Version: 1}); diff != "" {
				t.Error(diff)
			}
		},
		"an update replaces the whole item and adds one to its version": func(t *testing.T, s *scene) {
			first := item("thing")
			first.ParentSK, first.ActorSK, first.ExpiresAt = "p", "a", s.Clock.Now().Add(time.Hour)
			s.mustCommit(t, store.Create(first))
			s.mustCommit(t, store.Update(store.Item{SK: "thing", Schema: 2, Summary: json.RawMessage(`2`)}, 1))
			if diff := sameItem(s.mustGet(t, "thing"), store.Item{SK: "thing", Version: 2, Schema: 2, Summary: json.RawMessage(`2`)}); diff != "" {
				t.Error(diff)
			}
			s.mustCommit(t, store.Update(item("thing"), 2))
			if v := s.mustGet(t, "thing").Version; v != 3 {
				t.Errorf("version %d after the second update, want 3", v)
			}
		},
		"a deleted item is gone, and created again begins at version 1": func(t *testing.T, s *scene) {
			s.seed(t, "thing")
			s.mustCommit(t, store.Update(item("thing"), 1))
			s.mustCommit(t, store.Delete("thing", 2))
			s.wantAbsent(t, "thing")
			s.seed(t, "thing")
			if v := s.mustGet(t, "thing").Version; v != 1 {
				t.Errorf("version %d, want 1", v)
			}
		},
		"a commit of events alone is accepted": func(t *testing.T, s *scene) {
			s.mustCommit(t)
			s.wantEvents(t, 1)
		},
		"what was returned can be changed without changing the table": func(t *testing.T, s *scene) {
			s.seed(t, "thing")
			got := s.mustGet(t, "thing")
			for i := range got.Summary {
				got.Summary[i] = 'x'
			}
			page := s.walk(t, store.Query{Prefix: "thing", Limit: 1})
			for i := range page[0].Data {
				page[0].Data[i] = 'x'
			}
			want := item("thing")
			want.Version = 1
			if diff := sameItem(s.mustGet(t, "thing"), want); diff != "" {
				t.Error(diff)
			}
		},
	}.run(t, open)
}

func testBatchGet(t *testing.T, open func() *scene) {
	batch := func(s *scene, sks ...string) ([]store.Item, error) {
		return s.Table.BatchGet(context.Background(), s.client, sks)
	}
	cases{
		"items come in the order of the keys, without the absent and expired": func(t *testing.T, s *scene) {
			s.seed(t, "a", "b", "c")
			dead := item("d")
			dead.ExpiresAt = s.Clock.Now().Add(time.Second)
			s.mustCommit(t, store.Create(dead))
			s.Clock.Advance(time.Second)
			got, err := batch(s, "c", "nowhere", "d", "a")
			if err != nil || fmt.Sprint(sortKeys(got)) != "[c a]" {
				t.Fatalf("got %q, %v; want [c a]", sortKeys(got), err)
			}
			want := item("c")
			want.Version = 1
			if diff := sameItem(got[0], want); diff != "" {
				t.Error(diff)
			}
		},
		"no keys, no items": func(t *testing.T, s *scene) {
			if got, err := batch(s); err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
		},
		"as many keys as allowed, and no more": func(t *testing.T, s *scene) {
			var sks []string
			for i := range store.MaxBatch + 1 {
				sks = append(sks, fmt.Sprintf("thing#%03d", i))
			}
			s.seed(t, sks...)
			got, err := batch(s, sks[:store.MaxBatch]...)
			if err != nil || fmt.Sprint(sortKeys(got)) != fmt.Sprint(sks[:store.MaxBatch]) {
				t.Errorf("got %q, %v", sortKeys(got), err)
			}
			_, err = batch(s, sks...)
			wantError(t, err, store.ErrTooMany)
		},
		"more bytes than one answer of DynamoDB holds come all the same": func(t *testing.T, s *scene) {
			var sks []string
			for i := range 50 { // 50 of 340 KB are 17 MB; one answer holds 16
				it := store.Item{SK: fmt.Sprintf("big#%02d", i), Data: text(340 << 10)}
				s.mustCommit(t, store.Create(it))
				sks = append(sks, it.SK)
			}
			got, err := batch(s, sks...)
			if err != nil || fmt.Sprint(sortKeys(got)) != fmt.Sprint(sks) {
				t.Errorf("got %q, %v", sortKeys(got), err)
			}
		},
		"a repeated or impossible key is refused": func(t *testing.T, s *scene) {
			for _, sks := range [][]string{{"a", "b", "a"}, {"a", ""}, {"a\x00"}} {
				if _, err := batch(s, sks...); !errors.Is(err, store.ErrBadKey) {
					t.Errorf("%q: got %v, want ErrBadKey", sks, err)
				}
			}
		},
	}.run(t, open)
}

// text returns JSON text of n bytes, at least 2.
func text(n int) json.RawMessage {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	b[0], b[n-1] = '"', '"'
	return b
}
