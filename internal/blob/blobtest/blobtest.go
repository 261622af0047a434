// Package blobtest is the suite that every blob store passes.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	one   tenant.ID = "cli_one"
	other tenant.ID = "cli_one-b" // one is a prefix of it
)

// Run holds a store to what the port promises. Open is called once for each test and returns an empty store.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"keeps, replaces and forgets", lifecycle},
		{"keeps empty and large content", sizes},
		{"keeps clients apart", apart},
		{"lists in byte order, by prefix, after a name", lists},
		{"lists a thousand at most", listsManyAtMost},
		{"refuses bad names", badNames},
		{"stops when the context has ended", canceled},
		{"shows a reader one whole content or another", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func put(t *testing.T, s blob.Store, client tenant.ID, name, content string) {
	t.Helper()
	if err := s.Put(t.Context(), client, name, []byte(content)); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

func lifecycle(t *testing.T, s blob.Store) {
	ctx := t.Context()
	const name = "events/dt=2026-01-02/a_B-1+x.ndjson.gz"
	if _, err := s.Get(ctx, one, name); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	put(t, s, one, name, "first")
	put(t, s, one, name, "second")
	if b, err := s.Get(ctx, one, name); err != nil || string(b) != "second" {
		t.Errorf("got %q, %v", b, err)
	}
	if _, err := s.Get(ctx, one, "events"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a folder is no file: %v", err)
	}
	if _, err := s.Get(ctx, one, name+"/x"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a file is no folder: %v", err)
	}
	for range 2 {
		if err := s.Delete(ctx, one, name); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := s.Get(ctx, one, name); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("after: %v", err)
	}
}

func sizes(t *testing.T, s blob.Store) {
	put(t, s, one, "empty", "")
	if b, err := s.Get(t.Context(), one, "empty"); err != nil || len(b) != 0 {
		t.Errorf("empty: %d bytes, %v", len(b), err)
	}
	large := bytes.Repeat([]byte{0, 255, '\n'}, blob.MaxSize/3)
	if err := s.Put(t.Context(), one, "large", large); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Get(t.Context(), one, "large"); err != nil || !bytes.Equal(b, large) {
		t.Errorf("large: %d bytes, %v", len(b), err)
	}
	if err := s.Put(t.Context(), one, "over", make([]byte, blob.MaxSize+1)); !errors.Is(err, blob.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := s.Get(t.Context(), one, "over"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("over the limit, and there: %v", err)
	}
}

func apart(t *testing.T, s blob.Store) {
	put(t, s, one, "b/x", "one")
	put(t, s, other, "b/x", "other")
	put(t, s, other, "y", "other")
	if err := s.Delete(t.Context(), one, "y"); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		client tenant.ID
		want   string
		names  []string
	}{{one, "one", []string{"b/x"}}, {other, "other", []string{"b/x", "y"}}} {
		if b, err := s.Get(t.Context(), c.client, "b/x"); err != nil || string(b) != c.want {
			t.Errorf("%s reads %q, %v", c.client, b, err)
		}
		if names, err := s.List(t.Context(), c.client, "", ""); err != nil || !slices.Equal(names, c.names) {
			t.Errorf("%s lists %v, %v", c.client, names, err)
		}
	}
	if _, err := s.Get(t.Context(), one, "y"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("another client's file: %v", err)
	}
}

func lists(t *testing.T, s blob.Store) {
	if names, err := s.List(t.Context(), one, "", ""); err != nil || len(names) != 0 {
		t.Errorf("of nobody: %v, %v", names, err)
	}
	all := []string{"a", "b-c", "b/1", "b/2/x", "b/2/y", "b/3", "bb", "c"}
	for _, name := range slices.Backward(all) {
		put(t, s, one, name, name)
	}
	for _, c := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", all},
		{"b", "", all[1:7]},
		{"b/", "", all[2:6]},
		{"b/2", "", all[3:5]},
		{"b/2/x", "", all[3:4]},
		{"", "b/2/x", all[4:]},
		{"b", "b/2", all[3:7]},
		{"b/", "c", nil},
		{"z", "", nil},
	} {
		if names, err := s.List(t.Context(), one, c.prefix, c.after); err != nil || !slices.Equal(names, c.want) {
			t.Errorf("List(%q, %q) = %v, %v; want %v", c.prefix, c.after, names, err, c.want)
		}
	}
}

func listsManyAtMost(t *testing.T, s blob.Store) {
	const many = blob.MaxList + 5
	for i := range many {
		put(t, s, one, fmt.Sprintf("n/%04d", i), "")
	}
	first, err := s.List(t.Context(), one, "n/", "")
	if err != nil || len(first) != blob.MaxList {
		t.Fatalf("%d names, %v", len(first), err)
	}
	rest, err := s.List(t.Context(), one, "n/", first[len(first)-1])
	if err != nil || !slices.Equal(rest, []string{"n/1000", "n/1001", "n/1002", "n/1003", "n/1004"}) {
		t.Errorf("the rest: %v, %v", rest, err)
	}
}

func badNames(t *testing.T, s blob.Store) {
	for _, name := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\\b", "a\x00b", "a b", "ação",
		"\xff", "a\nb", ".tmp-a", "a/.tmp-b", strings.Repeat("a", 201), strings.Repeat("a/", 256) + "a"} {
		checkRefused(t, s, one, name)
	}
	for _, client := range []tenant.ID{"", "..", ".", "$platform#1", "a/b", "cli_A", "cli_../x", "/etc"} {
		checkRefused(t, s, client, "a")
		if _, err := s.List(t.Context(), client, "", ""); !errors.Is(err, blob.ErrBadName) {
			t.Errorf("list of %q: %v", client, err)
		}
	}
	if _, err := s.List(t.Context(), one, "a\x00", ""); !errors.Is(err, blob.ErrBadName) {
		t.Errorf("list of a bad prefix: %v", err)
	}
}

func checkRefused(t *testing.T, s blob.Store, client tenant.ID, name string) {
	t.Helper()
	_, got := s.Get(t.Context(), client, name)
	for op, err := range map[string]error{"put": s.Put(t.Context(), client, name, nil), "get": got, "delete": s.Delete(t.Context(), client, name)} {
		if !errors.Is(err, blob.ErrBadName) {
			t.Errorf("%s %q %q: %v, want ErrBadName", op, client, name, err)
		}
	}
}

func canceled(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, got := s.Get(ctx, one, "a")
	_, listed := s.List(ctx, one, "", "")
	for op, err := range map[string]error{"put": s.Put(ctx, one, "a", nil), "get": got, "list": listed, "delete": s.Delete(ctx, one, "a")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func concurrent(t *testing.T, s blob.Store) {
	contents := []string{strings.Repeat("a", 100<<10), strings.Repeat("b", 10<<10)}
	put(t, s, one, "d/x", contents[0])
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for range 10 {
				if err := s.Put(t.Context(), one, "d/x", []byte(contents[w])); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if b, err := s.Get(t.Context(), one, "d/x"); err != nil || !slices.Contains(contents, string(b)) {
					t.Errorf("read %d bytes, %v", len(b), err)
				}
			}
		})
	}
	wg.Wait()
	if names, err := s.List(t.Context(), one, "d/", ""); err != nil || !slices.Equal(names, []string{"d/x"}) {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
