package storetest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

func isBadQuery(err error) bool { return errors.Is(err, store.ErrBadQuery) }

func testCursors(t *testing.T, open func() *scene) {
	all := cases{
		"a cursor works only for the client and query it was given for": testForeignCursors,
		"a damaged cursor is refused or stays within the query":         testDamagedCursors,
		"the limit may change from page to page": func(t *testing.T, s *scene) {
			s.seed(t, "k#1", "k#2", "k#3", "k#4")
			p, err := s.Table.Query(context.Background(), s.client, store.Query{Prefix: "k#", Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			s.wantKeys(t, store.Query{Prefix: "k#", Limit: 3, Cursor: p.Next}, "k#2", "k#3", "k#4")
		},
		"a page whose items have all expired still leads on": func(t *testing.T, s *scene) {
			for i := range 4 {
				it := item(fmt.Sprintf("k#%d", i))
				it.ExpiresAt = s.Clock.Now().Add(time.Minute)
				s.mustCommit(t, store.Create(it))
			}
			s.seed(t, "k#9")
			s.Clock.Advance(time.Hour)
			s.wantKeys(t, store.Query{Prefix: "k#", Limit: 2}, "k#9")
		},
	}
	for _, index := range []store.Index{store.Main, store.ByParent, store.ByActor} {
		for _, down := range []bool{false, true} {
			all[fmt.Sprintf("walk meets each item once whatever is written meanwhile, index %q descending %t", index, down)] =
				func(t *testing.T, s *scene) { testWalk(t, s, index, down) }
		}
	}
	all.run(t, open)
}

// testWalk reads three by three; between pages it adds an item before the position, one after it, and deletes the one that the
// cursor stands on.
func testWalk(t *testing.T, s *scene, index store.Index, down bool) {
	var want []string
	put := func(sk string) {
		it := item(sk)
		it.ParentSK, it.ActorSK = sk, sk
		s.mustCommit(t, store.Create(it))
	}
	for i := range 20 {
		want = append(want, fmt.Sprintf("k#%02d", i))
		put(want[i])
	}
	s.wantKeys(t, store.Query{Index: index, Prefix: "k#"}, want...)
	behind, ahead := "k#00-behind", "k#19-ahead"
	if down {
		slices.Reverse(want)
		behind, ahead = ahead, behind
		want = append(want[:len(want)-1], ahead, want[len(want)-1])
	} else {
		want = append(want, ahead)
	}
	q := store.Query{Index: index, Prefix: "k#", Limit: 3, Descending: down}
	var got []string
	for page := 0; ; page++ {
		p, err := s.Table.Query(context.Background(), s.client, q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sortKeys(p.Items)...)
		if page == 0 {
			put(behind)
			put(ahead)
			s.eventually(t, index, func() string {
				if n := len(s.walk(t, store.Query{Index: index, Prefix: "k#", Limit: 100})); n != 22 {
					return fmt.Sprintf("%d items in the index", n)
				}
				return ""
			})
			s.mustCommit(t, store.Delete(got[len(got)-1], 1))
		}
		if p.Next == "" {
			break
		}
		q.Cursor = p.Next
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func testForeignCursors(t *testing.T, s *scene) {
	other := newScene(s.Fixture)
	for _, at := range []*scene{s, other} {
		for _, sk := range []string{"k#1", "k#2", "k#3"} {
			it := item(sk)
			it.ParentSK, it.ActorSK = sk, sk
			at.mustCommit(t, store.Create(it))
		}
		at.wantKeys(t, store.Query{Index: store.ByParent, Prefix: "k#"}, "k#1", "k#2", "k#3")
	}
	own := store.Query{Prefix: "k#", Limit: 1}
	p, err := s.Table.Query(context.Background(), s.client, own)
	if err != nil || p.Next == "" {
		t.Fatalf("next %q, %v", p.Next, err)
	}
	own.Cursor = p.Next
	for name, c := range map[string]struct {
		client tenant.ID
		change func(q *store.Query)
	}{
		"another client":        {other.client, func(*store.Query) {}},
		"another prefix":        {s.client, func(q *store.Query) { q.Prefix = "k" }},
		"another index":         {s.client, func(q *store.Query) { q.Index = store.ByParent }},
		"another direction":     {s.client, func(q *store.Query) { q.Descending = true }},
		"another lower bound":   {s.client, func(q *store.Query) { q.From = "k#1" }},
		"another upper bound":   {s.client, func(q *store.Query) { q.To = "k#3" }},
		"not a cursor":          {s.client, func(q *store.Query) { q.Cursor = "tomorrow" }},
		"not base64":            {s.client, func(q *store.Query) { q.Cursor = "?%\x00" }},
		"cut short":             {s.client, func(q *store.Query) { q.Cursor = q.Cursor[:len(q.Cursor)/2] }},
		"with something behind": {s.client, func(q *store.Query) { q.Cursor += "AAAA" }},
		"enormous":              {s.client, func(q *store.Query) { q.Cursor = strings.Repeat("A", 1<<20) }},
	} {
		q := own
		c.change(&q)
		if page, err := s.Table.Query(context.Background(), c.client, q); !isBadQuery(err) {
			t.Errorf("%s: got %q, %v; want ErrBadQuery", name, sortKeys(page.Items), err)
		}
	}
	s.wantKeys(t, own, "k#2", "k#3")
}

// testDamagedCursors flips bits: whatever a cursor says, the answer is the query's own or an error.
func testDamagedCursors(t *testing.T, s *scene) {
	s.seed(t, "a", "j#9", "k#1", "k#2", "k#3", "l#1", "m")
	q := store.Query{Prefix: "k#", Limit: 1}
	p, err := s.Table.Query(context.Background(), s.client, q)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Next)
	if err != nil {
		raw = []byte(p.Next)
	}
	for i := range raw {
		for _, mask := range []byte{1, 2, 0x80} {
			bent := slices.Clone(raw)
			bent[i] ^= mask
			q.Cursor = base64.RawURLEncoding.EncodeToString(bent)
			page, err := s.Table.Query(context.Background(), s.client, q)
			if err != nil && !isBadQuery(err) {
				t.Fatalf("byte %d: got %v, want an answer or ErrBadQuery", i, err)
			}
			for _, it := range page.Items {
				if !strings.HasPrefix(it.SK, "k#") {
					t.Fatalf("byte %d: a damaged cursor led to %q", i, it.SK)
				}
			}
		}
	}
}
