package storetest

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// testErase is the end of a client: everything goes, and nothing of another client does, however alike their ids.
func testErase(t *testing.T, open func() *scene) {
	cases{
		"every item goes, the expired and the events too, and the look-alike stays": func(t *testing.T, s *scene) {
			eraser, ok := s.Table.(store.Eraser)
			if !ok {
				t.Fatalf("%T is no store.Eraser", s.Table)
			}
			alike := *s
			alike.client = s.client + "a"
			for i := range 130 {
				it := item(fmt.Sprintf("thing#%03d", i))
				it.ParentSK, it.ActorSK = "p#"+it.SK, "u#"+it.SK
				if i == 7 {
					it.ExpiresAt = s.Clock.Now().Add(time.Minute)
				}
				s.mustCommit(t, store.Create(it))
			}
			alike.mustCommit(t, store.Create(item("thing#kept")))
			s.Clock.Advance(time.Hour)
			total := map[string]int{}
			for {
				removed, err := eraser.Erase(t.Context(), s.client, 100)
				if err != nil {
					t.Fatal(err)
				}
				if len(removed) == 0 {
					break
				}
				n := 0
				for kind, count := range removed {
					total[kind] += count
					n += count
				}
				if n > 100 {
					t.Fatalf("%d items in one call", n)
				}
			}
			if want := map[string]int{"thing": 130, "event": 130}; !maps.Equal(total, want) {
				t.Errorf("removed %v, not %v", total, want)
			}
			s.wantKeys(t, store.Query{Prefix: "thing#"})
			s.wantKeys(t, store.Query{Index: store.ByParent, Prefix: "p#"})
			s.wantKeys(t, store.Query{Index: store.ByActor, Prefix: "u#"})
			alike.wantKeys(t, store.Query{Prefix: "thing#"}, "thing#kept")
		},
		"the platform's rows and a bad limit are refused": func(t *testing.T, s *scene) {
			eraser, ok := s.Table.(store.Eraser)
			if !ok {
				t.Fatalf("%T is no store.Eraser", s.Table)
			}
			for _, client := range []tenant.ID{"", "$platform#1", "cli", "CLI_x#y"} {
				if _, err := eraser.Erase(t.Context(), client, 1); !errors.Is(err, store.ErrBadKey) {
					t.Errorf("%q: %v", client, err)
				}
			}
			for _, limit := range []int{0, -1, store.MaxPage + 1} {
				if _, err := eraser.Erase(t.Context(), s.client, limit); !errors.Is(err, store.ErrBadQuery) {
					t.Errorf("limit %d: %v", limit, err)
				}
			}
		},
	}.run(t, open)
}
