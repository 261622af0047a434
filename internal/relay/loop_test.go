package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stream is a change stream with a cursor for each consumer, which outlives the loops that read it, and faults.
type stream struct {
	mu        sync.Mutex
	changes   []relay.Change
	cursors   map[string]uint64
	more      chan struct{} // closed when there is more
	ackFault  func(consumer string) error
	readFault func(consumer string) error
}

func newStream() *stream { return &stream{cursors: map[string]uint64{}, more: make(chan struct{})} }

func (s *stream) add(entries ...relay.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.changes = append(s.changes, relay.Change{Sequence: uint64(len(s.changes) + 1), Partition: e.Partition, Item: e.Item})
	}
	close(s.more)
	s.more = make(chan struct{})
}

func (s *stream) Wait(ctx context.Context, consumer string) error {
	s.mu.Lock()
	more := s.more
	there := s.cursors[consumer] < uint64(len(s.changes))
	s.mu.Unlock()
	if there {
		return nil
	}
	select {
	case <-more:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stream) Changes(ctx context.Context, consumer string, limit int) ([]relay.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readFault != nil {
		if err := s.readFault(consumer); err != nil {
			return nil, err
		}
	}
	rest := s.changes[s.cursors[consumer]:]
	return rest[:min(limit, len(rest))], ctx.Err()
}

func (s *stream) Acknowledge(ctx context.Context, consumer string, sequence uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ackFault != nil {
		if err := s.ackFault(consumer); err != nil {
			return err
		}
	}
	s.cursors[consumer] = sequence
	return ctx.Err()
}

func (s *stream) cursor(consumer string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors[consumer]
}

func letters(t *testing.T) blob.Store { return testkit.OpenBlobs(t, system.Real()) }

// start runs a loop and returns what ends it.
func start(t *testing.T, l *relay.Loop) (stop func()) {
	t.Helper()
	if l.DeadLetters == nil {
		l.DeadLetters = letters(t)
	}
	if l.Policy.Attempts == 0 {
		l.Policy = relay.Policy{Attempts: 3, First: time.Millisecond, Longest: 2 * time.Millisecond}
	}
	l.System, l.Log, l.Grace = system.Real(), quiet, 10*time.Second
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.Run(ctx) }()
	stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("the loop did not end")
		}
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("did not come true: " + what)
		case <-tick.C:
		}
	}
}

func TestLoopCarriesToEachConsumer(t *testing.T) {
	s, a, b := newStream(), &publisher{}, &publisher{}
	list := entries(t, 30)
	s.add(list[:10]...)
	start(t, &relay.Loop{Source: s, Batch: 7, Consumers: []relay.Consumer{{Name: "a", Publisher: a}, {Name: "b", Publisher: b}}})
	s.add(list[10:]...)
	eventually(t, "both cursors are at the end", func() bool { return s.cursor("a") == 30 && s.cursor("b") == 30 })
	for name, p := range map[string]*publisher{"a": a, "b": b} {
		got := p.ids()
		for i, e := range list {
			if n := count(got, idOf(t, e)); n != 1 {
				t.Errorf("%s got event %d %d times", name, i, n)
			}
		}
		if len(got) != 30 {
			t.Errorf("%s got %d events", name, len(got))
		}
	}
}

// TestSlowAndBrokenStallNobody holds that a consumer which hangs, and one whose stream fails, keep no other from its events.
func TestSlowAndBrokenStallNobody(t *testing.T) {
	s, well := newStream(), &publisher{}
	release := make(chan struct{})
	hangs := &publisher{fault: func(int, []bus.Event) ([]int, error) { <-release; return nil, nil }}
	s.readFault = func(consumer string) error {
		if consumer == "broken" {
			return errors.New("no such bucket")
		}
		return nil
	}
	s.add(entries(t, 3)...)
	stop := start(t, &relay.Loop{Source: s, Consumers: []relay.Consumer{{Name: "broken", Publisher: &publisher{}},
		{Name: "hangs", Publisher: hangs}, {Name: "well", Publisher: well}}})
	eventually(t, "the one that is well has all", func() bool { return len(well.ids()) == 3 && s.cursor("well") == 3 })
	s.add(entries(t, 2)...)
	eventually(t, "and what comes after", func() bool { return len(well.ids()) == 5 })
	if s.cursor("hangs") != 0 {
		t.Error("acknowledged before it was taken")
	}
	close(release)
	eventually(t, "the slow one too, in the end", func() bool { return s.cursor("hangs") == 5 })
	stop()
}

// TestCrashBetweenPublishAndAcknowledge holds that a loop that dies after publishing publishes again, and never leaves out; and that
// a consumer which drops repeats by event id sees each once (invariant 3).
func TestCrashBetweenPublishAndAcknowledge(t *testing.T) {
	s, p := newStream(), &publisher{}
	list := entries(t, 12)
	s.add(list...)
	crashed := make(chan struct{})
	var once sync.Once
	s.ackFault = func(string) error { // the disk is gone: nothing is acknowledged any more
		once.Do(func() { close(crashed) })
		return errors.New("crashed")
	}
	stop := start(t, &relay.Loop{Source: s, Batch: 5, Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	<-crashed
	stop()
	if len(p.ids()) == 0 || s.cursor("a") != 0 {
		t.Fatalf("%d published, cursor %d: not the crash that was meant", len(p.ids()), s.cursor("a"))
	}
	s.ackFault = nil
	start(t, &relay.Loop{Source: s, Batch: 5, Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	eventually(t, "all are acknowledged", func() bool { return s.cursor("a") == 12 })
	got := p.ids()
	if len(got) <= 12 {
		t.Errorf("%d deliveries of 12 events: the crash repeated none", len(got))
	}
	seen := map[string]bool{}
	for _, id := range got {
		seen[id] = true
	}
	if len(seen) != 12 {
		t.Errorf("a consumer that drops repeats sees %d events, want 12", len(seen))
	}
}

// TestDeadLetters holds that what is never taken is kept, passed, and told apart by client.
func TestDeadLetters(t *testing.T) {
	s := newStream()
	list := []relay.Entry{entry(t, "cli_one"), entry(t, "cli_two"), entry(t, "$platform#1"), entry(t, "cli_one")}
	list[1].Item.Summary = json.RawMessage(`{"capability":7}`)
	poisonous := []string{idOf(t, list[0]), idOf(t, list[2])}
	p := &publisher{fault: func(_ int, events []bus.Event) ([]int, error) {
		var refused []int
		for i, e := range events {
			if count(poisonous, e.ID) > 0 {
				refused = append(refused, i)
			}
		}
		if refused == nil {
			return nil, nil
		}
		return refused, errThrottled
	}}
	kept := letters(t)
	s.add(list...)
	start(t, &relay.Loop{Source: s, DeadLetters: kept, Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	eventually(t, "it has passed them", func() bool { return s.cursor("a") == 4 })
	if got := p.ids(); len(got) != 1 || got[0] != idOf(t, list[3]) {
		t.Errorf("published %v", got)
	}
	one := read(t, kept, "cli_one", 1)
	if one.Attempts != 3 || one.Event == nil || one.Event.ID != poisonous[0] || one.Error == "" || one.Consumer != "a" {
		t.Errorf("of a consumer that refuses: %+v", one)
	}
	if two := read(t, kept, "cli_two", 2); two.Attempts != 0 || two.Event != nil || string(two.Raw) != `{"capability":7}` {
		t.Errorf("of an item that is no event: %+v", two)
	}
	if three := read(t, kept, blob.Platform, 3); three.ClientID != "$platform#1" || three.Event == nil {
		t.Errorf("of the platform's own: %+v", three)
	}
}

func read(t *testing.T, kept blob.Store, owner tenant.ID, sequence int) relay.DeadLetter {
	t.Helper()
	name := fmt.Sprintf("dead-letters/a/%020d.json", sequence)
	content, err := kept.Get(t.Context(), owner, name)
	if err != nil {
		t.Fatal(err)
	}
	var letter relay.DeadLetter
	if err := json.Unmarshal(content, &letter); err != nil {
		t.Fatal(err)
	}
	return letter
}

// fullDisk takes no file until it is mended.
type fullDisk struct {
	blob.Store
	mu     sync.Mutex
	mended bool
	tries  int
}

func (b *fullDisk) Put(ctx context.Context, client tenant.ID, name string, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tries++; !b.mended {
		return errors.New("no space left on device")
	}
	return b.Store.Put(ctx, client, name, content)
}

// TestNoDeadLetterNoPassing holds that an event is not passed before its dead letter is kept.
func TestNoDeadLetterNoPassing(t *testing.T) {
	s, disk := newStream(), &fullDisk{Store: letters(t)}
	p := &publisher{fault: func(int, []bus.Event) ([]int, error) { return nil, errThrottled }}
	s.add(entries(t, 1)...)
	start(t, &relay.Loop{Source: s, DeadLetters: disk, Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	eventually(t, "it has tried to bury the event, twice", func() bool {
		disk.mu.Lock()
		defer disk.mu.Unlock()
		return disk.tries >= 2
	})
	if s.cursor("a") != 0 {
		t.Error("an event was passed without its dead letter")
	}
	disk.mu.Lock()
	disk.mended = true
	disk.mu.Unlock()
	eventually(t, "it is passed once the letter is kept", func() bool { return s.cursor("a") == 1 })
}

// TestRunDrains holds that what is in the stream when the process is told to stop is carried first.
func TestRunDrains(t *testing.T) {
	s := newStream()
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p := &publisher{fault: func(int, []bus.Event) ([]int, error) {
		once.Do(func() { close(entered); <-release })
		return nil, nil
	}}
	s.add(entries(t, 10)...)
	stop := start(t, &relay.Loop{Source: s, Batch: 2, Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	<-entered
	ended := make(chan struct{})
	go func() { defer close(ended); stop() }()
	close(release)
	<-ended
	if len(p.ids()) != 10 || s.cursor("a") != 10 {
		t.Errorf("%d published and %d acknowledged of 10", len(p.ids()), s.cursor("a"))
	}
}

// TestStoppingLeavesWhatFails holds that an event which fails while the process stops is not buried before its attempts are over:
// it is left for the next start.
func TestStoppingLeavesWhatFails(t *testing.T) {
	s, disk := newStream(), &fullDisk{Store: letters(t), mended: true}
	tried := make(chan struct{}, 100)
	p := &publisher{fault: func(int, []bus.Event) ([]int, error) { tried <- struct{}{}; return nil, errThrottled }}
	s.add(entries(t, 1)...)
	stop := start(t, &relay.Loop{Source: s, DeadLetters: disk, Policy: relay.Policy{Attempts: 3, First: time.Hour, Longest: time.Hour},
		Consumers: []relay.Consumer{{Name: "a", Publisher: p}}})
	<-tried
	stop()
	if s.cursor("a") != 0 || disk.tries != 0 {
		t.Errorf("cursor %d, %d dead letters; want the event left", s.cursor("a"), disk.tries)
	}
}
