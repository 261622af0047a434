package retrieval_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/tenant"
)

// shelves is a source and a cache that count.
type shelves struct {
	mu       sync.Mutex
	passages map[[2]string][]retrieval.Passage // by client and agent
	read     int
	fails    error
	waits    chan struct{} // where not nil, a read waits until it is closed
	began    chan struct{}
	cached   map[cache.Key][]byte
}

func newShelves() *shelves {
	return &shelves{passages: map[[2]string][]retrieval.Passage{}, cached: map[cache.Key][]byte{}, began: make(chan struct{}, 100)}
}

func (s *shelves) put(client tenant.ID, agent, text string) {
	s.passages[[2]string{string(client), agent}] = []retrieval.Passage{{DocumentID: "d", PassageID: string(client) + " " + agent, Text: text, Language: "pt-BR"}}
}

func (s *shelves) Passages(ctx context.Context, client tenant.ID, agent string) ([]retrieval.Passage, error) {
	s.began <- struct{}{}
	if s.waits != nil {
		<-s.waits
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	return s.passages[[2]string{string(client), agent}], errors.Join(s.fails, ctx.Err())
}

func (s *shelves) Get(_ context.Context, key cache.Key) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.cached[key]
	return v, ok
}

func (s *shelves) Set(_ context.Context, key cache.Key, value []byte, lifetime time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lifetime > 0 {
		s.cached[key] = value
	}
}

func (s *shelves) Clear(_ context.Context, client tenant.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.cached, func(k cache.Key, _ []byte) bool { return k.Client() == client })
	return nil
}

func (s *shelves) Delete(_ context.Context, key cache.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cached, key)
}

func search(t *testing.T, l *retrieval.Library, client tenant.ID, agent, fingerprint string) []string {
	t.Helper()
	hits, err := l.Search(t.Context(), client, agent, fingerprint, "frete", "pt-BR", 5)
	if err != nil {
		t.Fatal(err)
	}
	return ids(hits)
}

func TestLibraryReadsTheSourceOnceForEachFingerprint(t *testing.T) {
	s := newShelves()
	s.put("cli_a", "agt_1", "o frete")
	l := &retrieval.Library{Cache: s, Source: s}
	for range 3 {
		if got := search(t, l, "cli_a", "agt_1", "v1"); len(got) != 1 || s.read != 1 {
			t.Fatalf("%v after %d reads", got, s.read)
		}
	}
	other := &retrieval.Library{Cache: s, Source: s} // another function of the same deployment
	if search(t, other, "cli_a", "agt_1", "v1"); s.read != 1 {
		t.Errorf("%d reads: the cache was not used", s.read)
	}
	s.put("cli_a", "agt_1", "nada")
	if got := search(t, l, "cli_a", "agt_1", "v2"); got != nil || s.read != 2 {
		t.Errorf("%v after %d reads", got, s.read)
	}
}

func TestLibraryRebuildsWhatTheCacheLostOrBroke(t *testing.T) {
	for name, spoil := range map[string]func(*shelves, cache.Key){
		"lost":    func(s *shelves, k cache.Key) { delete(s.cached, k) },
		"broken":  func(s *shelves, k cache.Key) { s.cached[k] = s.cached[k][:9] },
		"foreign": func(s *shelves, k cache.Key) { s.cached[k] = []byte("hello, world") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelves()
			s.put("cli_a", "agt_1", "o frete")
			search(t, &retrieval.Library{Cache: s, Source: s}, "cli_a", "agt_1", "v1")
			for k := range s.cached {
				spoil(s, k)
			}
			got := search(t, &retrieval.Library{Cache: s, Source: s}, "cli_a", "agt_1", "v1")
			if d := cmp.Diff([]string{"cli_a agt_1"}, got); d != "" || s.read != 2 || len(s.cached) != 1 {
				t.Errorf("%d reads, %s", s.read, d)
			}
		})
	}
}

// Ids that would be one if they were joined by any mark, or by none.
func TestASearchNeverReadsAnotherAgentsPassages(t *testing.T) {
	s := newShelves()
	type shelf struct {
		client             tenant.ID
		agent, fingerprint string
	}
	var all []shelf
	for _, mark := range []string{"", "#", "/", ":", "1", "\n", "\x00", "%q"} {
		all = append(all,
			shelf{"cli_a", "agt" + mark + "1", "v"}, shelf{"cli_a", "agt", mark + "1v"}, shelf{"cli_a", "agt" + mark, "1v"},
			shelf{tenant.ID("cli_a" + mark + "agt"), "1", "v"}, shelf{tenant.ID("cli_a" + mark), "agt1", "v"},
			shelf{"cli_b", "agt" + mark + "1", "v"}, shelf{"cli_a", "agt" + mark + "1" + mark + "v", "v"})
	}
	for _, c := range all {
		s.put(c.client, c.agent, "o frete")
	}
	l := &retrieval.Library{Cache: s, Source: s}
	for round := range 2 {
		for _, c := range all {
			if d := cmp.Diff([]string{string(c.client) + " " + c.agent}, search(t, l, c.client, c.agent, c.fingerprint)); d != "" {
				t.Errorf("round %d, %q: %s", round, c, d)
			}
		}
		l = &retrieval.Library{Cache: s, Source: s} // the second round: from the cache alone
	}
	for k := range s.cached {
		if k.Kind() == "" || strings.ContainsAny(k.ID(), "#/:\n\x00") {
			t.Errorf("key %q", k)
		}
	}
}

func TestLibraryKeepsItsBound(t *testing.T) {
	s := newShelves()
	s.put("cli_a", "agt_big", strings.Repeat("o frete ", 1000))
	for i := range 10 {
		s.put("cli_a", fmt.Sprint("agt_", i), "o frete")
	}
	l := &retrieval.Library{Cache: s, Source: s, MaxBytes: 1500}
	for i := range 10 {
		search(t, l, "cli_a", fmt.Sprint("agt_", i), "v")
	}
	s.cached = map[cache.Key][]byte{} // what is read again now was not in memory
	before := s.read
	if search(t, l, "cli_a", "agt_9", "v"); s.read != before {
		t.Error("the last one used was dropped")
	}
	if search(t, l, "cli_a", "agt_0", "v"); s.read != before+1 {
		t.Error("the first one used was kept: there is no bound")
	}
	for range 2 {
		if got := search(t, l, "cli_a", "agt_big", "v"); len(got) != 1 {
			t.Error("an index over the bound is not searched")
		}
		s.cached = map[cache.Key][]byte{}
	}
	if s.read != before+3 {
		t.Errorf("%d reads: an index over the bound was kept", s.read-before)
	}
}

func TestSearchesThatMissTogetherLoadOnce(t *testing.T) {
	s := newShelves()
	s.put("cli_a", "agt_1", "o frete")
	s.waits = make(chan struct{})
	l := &retrieval.Library{Cache: s, Source: s}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := l.Search(ctx, "cli_a", "agt_1", "v", "frete", "pt-BR", 5)
		gone <- err
	}()
	<-s.began
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			hits, err := l.Search(context.Background(), "cli_a", "agt_1", "v", "frete", "pt-BR", 5)
			if err != nil || len(hits) != 1 {
				t.Errorf("%v, %v", hits, err)
			}
		})
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up: %v", err)
	}
	close(s.waits)
	wg.Wait()
	if s.read != 1 {
		t.Errorf("%d reads", s.read)
	}
}

func TestLibraryReturnsTheSourcesErrorAndTriesAgain(t *testing.T) {
	s := newShelves()
	s.put("cli_a", "agt_1", "o frete")
	s.fails = fault.New("store", fault.Unavailable, "store_unavailable")
	l := &retrieval.Library{Cache: s, Source: s}
	if _, err := l.Search(t.Context(), "cli_a", "agt_1", "v", "frete", "", 5); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	s.fails = nil
	if got := search(t, l, "cli_a", "agt_1", "v"); len(got) != 1 {
		t.Error("an error was kept")
	}
	for _, c := range []struct {
		client tenant.ID
		agent  string
	}{{"", "agt_1"}, {"cli_a", ""}} {
		if _, err := l.Search(t.Context(), c.client, c.agent, "v", "frete", "", 5); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
