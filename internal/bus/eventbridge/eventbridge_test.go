package eventbridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/bus/bustest"
	"github.com/nowgo/agents/internal/bus/eventbridge"
)

// service answers PutEvents as AWS documents it, with the faults it is told to have.
type service struct {
	calls  [][]types.PutEventsRequestEntry
	answer func(call int, entry int) (code string, err error) // of an entry; an error fails the call
	short  bool                                               // the answer leaves the last entry out
}

func (s *service) PutEvents(_ context.Context, in *sdk.PutEventsInput, _ ...func(*sdk.Options)) (*sdk.PutEventsOutput, error) {
	s.calls = append(s.calls, in.Entries)
	out := &sdk.PutEventsOutput{}
	for i := range in.Entries {
		code, err := s.answer(len(s.calls)-1, i)
		if err != nil {
			return nil, err
		}
		entry := types.PutEventsResultEntry{EventId: aws.String(fmt.Sprint(i))}
		if code != "" {
			entry = types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: aws.String("because")}
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, entry)
	}
	if s.short {
		out.Entries = out.Entries[:len(out.Entries)-1]
	}
	return out, nil
}

func fine(int, int) (string, error) { return "", nil }

func events(t *testing.T, n, padding int) []bus.Event {
	list := make([]bus.Event, n)
	for i := range list {
		list[i] = bustest.Event(t, "agents", "agent.published", i, padding)
	}
	return list
}

func TestCallsKeepToTheLimits(t *testing.T) {
	for _, c := range []struct {
		name       string
		n, padding int
		want       []int // entries of each call
	}{
		{"none", 0, 0, nil},
		{"one", 1, 0, []int{1}},
		{"ten", 10, 0, []int{10}},
		{"eleven", 11, 0, []int{10, 1}},
		{"large ones", 5, 100 << 10, []int{2, 2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &service{answer: fine}
			if err := eventbridge.New(s, "bus").Publish(t.Context(), events(t, c.n, c.padding)); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, call := range s.calls {
				got = append(got, len(call))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("calls of %v entries, want %v", got, c.want)
			}
		})
	}
}

func TestFailuresAreNamed(t *testing.T) {
	down := errors.New("throttled")
	for _, c := range []struct {
		name  string
		s     *service
		want  []int
		cause error
	}{
		{"entries of a call that succeeded", &service{answer: func(_, i int) (string, error) {
			if i == 3 || i == 5 {
				return "ThrottlingException", nil
			}
			return "", nil
		}}, []int{3, 5}, eventbridge.ErrNotAccepted},
		{"a call that failed, and not the next", &service{answer: func(call, _ int) (string, error) {
			if call == 0 {
				return "", down
			}
			return "", nil
		}}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, down},
		{"entries the answer does not have", &service{answer: fine, short: true}, []int{9, 11}, eventbridge.ErrNotAccepted},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := eventbridge.New(c.s, "bus").Publish(t.Context(), events(t, 12, 0))
			var partial *bus.PartialError
			if !errors.As(err, &partial) || !slices.Equal(partial.Failed, c.want) || !errors.Is(err, c.cause) {
				t.Errorf("got %v, want failed %v for %v", err, c.want, c.cause)
			}
			if len(c.s.calls) != 2 {
				t.Errorf("%d calls, want 2", len(c.s.calls))
			}
		})
	}
}

// TestEntry holds that an entry carries the event and names the bus.
func TestEntry(t *testing.T) {
	s := &service{answer: fine}
	e := events(t, 1, 0)
	if err := eventbridge.New(s, "the-bus").Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := s.calls[0][0]
	if *got.EventBusName != "the-bus" || *got.Source != "nowgo.agents" || *got.DetailType != "agent.published" ||
		*got.Detail != string(e[0].Detail) || !got.Time.Equal(e[0].Time) {
		t.Errorf("entry %+v", got)
	}
}
