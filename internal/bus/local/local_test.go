package local_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/bustest"
	"github.com/nowgo/agents/internal/bus/local"
	"github.com/nowgo/agents/internal/bus/pattern"
)

func TestLocal(t *testing.T) {
	bustest.Run(t, func(*testing.T) bustest.Subject {
		b := local.New()
		n := 0
		return bustest.Subject{Publisher: b, Observe: func(t *testing.T, source string) func() []bus.Event {
			var mu sync.Mutex
			var got []bus.Event
			n++
			_, err := b.Subscribe(string(rune('a'+n)), source, func(_ context.Context, events []bus.Event) error {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, events...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return func() []bus.Event {
				mu.Lock()
				defer mu.Unlock()
				taken := got
				got = nil
				return taken
			}
		}}
	})
}

// TestHandlerErrors holds that what a handler did not take is told by its index among all the events published.
func TestHandlerErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name    string
		handler bus.Handler
		want    []int
		cause   error
	}{
		{"an error fails all that matched", func(context.Context, []bus.Event) error { return broken }, []int{1, 2}, broken},
		{"a partial error fails those it names", func(context.Context, []bus.Event) error {
			return &bus.PartialError{Failed: []int{1}, Err: broken}
		}, []int{2}, broken},
		{"a partial error that names what was not sent fails nothing", func(context.Context, []bus.Event) error {
			return &bus.PartialError{Failed: []int{-1, 7}, Err: broken}
		}, nil, nil},
		{"a panic is an error", func(context.Context, []bus.Event) error { panic("oh") }, []int{1, 2}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := local.New()
			taken := 0
			subscribe(t, b, "well", `{"source":["nowgo.agents"]}`, func(_ context.Context, events []bus.Event) error {
				taken += len(events)
				return nil
			})
			subscribe(t, b, "ill", `{"detail-type":["x.y"]}`, c.handler)
			err := b.Publish(t.Context(), []bus.Event{bustest.Event(t, "agents", "a.b", 0, 0), bustest.Event(t, "agents", "x.y", 1, 0),
				bustest.Event(t, "agents", "x.y", 2, 0)})
			var partial *bus.PartialError
			if errors.As(err, &partial); c.want == nil && err != nil || c.want != nil && (partial == nil || !slices.Equal(partial.Failed, c.want)) {
				t.Errorf("got %v, want failed %v", err, c.want)
			}
			if c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("got %v, want the handler's own error in it", err)
			}
			if taken != 3 {
				t.Errorf("the other subscription got %d of 3 events", taken)
			}
		})
	}
}

func TestSubscribeRefuses(t *testing.T) {
	b := local.New()
	none := func(context.Context, []bus.Event) error { return nil }
	if _, err := b.Subscribe("a", `{"source":"x"}`, none); !errors.Is(err, pattern.ErrBad) {
		t.Errorf("a bad pattern: %v", err)
	}
	subscribe(t, b, "a", `{"source":["x"]}`, none)
	if _, err := b.Subscribe("a", `{"source":["x"]}`, none); !errors.Is(err, local.ErrTaken) {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := b.Subscribe("", `{"source":["x"]}`, none); err == nil {
		t.Error("no name was accepted")
	}
	if _, err := b.Subscribe("b", `{"source":["x"]}`, nil); err == nil {
		t.Error("no handler was accepted")
	}
}

func subscribe(t *testing.T, b *local.Bus, name, source string, h bus.Handler) {
	t.Helper()
	if _, err := b.Subscribe(name, source, h); err != nil {
		t.Fatal(err)
	}
}
