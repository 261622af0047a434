package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nowgo/agents/internal/store"
)

func testConcurrency(t *testing.T, open func() *scene) {
	cases{
		"no update is lost": func(t *testing.T, s *scene) {
			const writers, times = 8, 6
			s.mustCommit(t, store.Create(store.Item{SK: "count", Summary: json.RawMessage("0")}))
			inParallel(writers, func(int) {
				for range times {
					if err := s.increment("count"); err != nil {
						t.Error(err)
					}
				}
			})
			got := s.mustGet(t, "count")
			if string(got.Summary) != fmt.Sprint(writers*times) || got.Version != writers*times+1 {
				t.Errorf("counted %s at version %d, want %d", got.Summary, got.Version, writers*times)
			}
			s.wantEvents(t, writers*times+1)
		},
		"of many creates of one item one wins": func(t *testing.T, s *scene) {
			var won atomic.Int32
			inParallel(8, func(i int) {
				for {
					err := s.commit(store.Create(item("once")), store.Create(item(fmt.Sprintf("by#%d", i))))
					if errors.Is(err, store.ErrConflict) {
						continue
					}
					if err == nil {
						won.Add(1)
					} else if at, ok := store.FailedOn(err); !ok || at != 0 {
						t.Errorf("got %v", err)
					}
					return
				}
			})
			if n := won.Load(); n != 1 {
				t.Errorf("%d creates won", n)
			}
			if got := s.walk(t, store.Query{Prefix: "by#", Limit: 10}); len(got) != 1 {
				t.Errorf("%d items beside, want the winner's", len(got))
			}
			s.wantEvents(t, 1)
		},
		"writers of different items are not in each other's way": func(t *testing.T, s *scene) {
			inParallel(8, func(i int) {
				for n := range 5 {
					if err := s.commit(store.Create(item(fmt.Sprintf("k#%d#%d", i, n)))); err != nil {
						t.Error(err)
					}
				}
			})
			if got := s.walk(t, store.Query{Prefix: "k#", Limit: 7}); len(got) != 40 {
				t.Errorf("%d items, want 40", len(got))
			}
			s.wantEvents(t, 40)
		},
		"a read never sees half of a commit": func(t *testing.T, s *scene) {
			s.seed(t, "left", "right")
			done := make(chan error, 1)
			go func() {
				for v := int64(1); v <= 20; v++ {
					if err := s.commit(store.Update(item("left"), v), store.Update(item("right"), v)); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
			for writing := true; writing; {
				select {
				case err := <-done:
					if err != nil {
						t.Fatal(err)
					}
					writing = false
				default:
				}
				left, right := s.mustGet(t, "left").Version, s.mustGet(t, "right").Version
				if right < left { // right is read later
					t.Fatalf("left is at %d and right, read after it, at %d", left, right)
				}
			}
		},
	}.run(t, open)
}

// increment adds one to the item, however often others are first.
func (s *scene) increment(sk string) error {
	for range 10_000 {
		it, err := s.Table.Get(context.Background(), s.client, sk)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(it.Summary))
		if err != nil {
			return err
		}
		it.Summary = json.RawMessage(strconv.Itoa(n + 1))
		err = s.commit(store.Update(it, it.Version))
		if _, stale := store.FailedOn(err); stale || errors.Is(err, store.ErrConflict) {
			continue
		}
		return err
	}
	return errors.New("never got through")
}

func inParallel(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
}
