// Package eventbridge publishes events to Amazon EventBridge.
package eventbridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/nowgo/agents/internal/bus"
)

// Limits of one PutEvents call. AWS raised the size to 1 MB of late; what is in all regions, and in emulators, is 256 KB.
const (
	maxEntries = 10
	maxBytes   = 256 << 10 // of all entries, as the User Guide counts them ("Calculating PutEvents event entry size")
	timeBytes  = 14        // what an entry's time counts
)

// ErrNotAccepted is wrapped by the error of an entry that EventBridge refused in a call that succeeded.
var ErrNotAccepted = errors.New("eventbridge: entry not accepted")

// ErrTooLarge is wrapped by the error of an event that no call can carry.
var ErrTooLarge = errors.New("eventbridge: event too large")

// API is what the publisher needs of the SDK's client.
type API interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Publisher sends events to one event bus. It may be used concurrently.
type Publisher struct {
	api API
	bus string
}

var _ bus.Publisher = (*Publisher)(nil)

// New returns a publisher to the bus of the given name or ARN.
func New(api API, busName string) *Publisher { return &Publisher{api: api, bus: busName} }

// Publish sends the events in as few calls as their number and size allow. A call that fails does not keep the next from being
// made; a context that ended does. Every error is a [*bus.PartialError].
func (p *Publisher) Publish(ctx context.Context, events []bus.Event) error {
	var failed []int
	var first error
	fail := func(err error, indexes ...int) {
		if first == nil {
			first = err
		}
		failed = append(failed, indexes...)
	}
	for start := 0; start < len(events); {
		end := chunk(events, start)
		if end == start {
			fail(fmt.Errorf("%w: %s %s", ErrTooLarge, events[start].DetailType, events[start].ID), start)
			start++
			continue
		}
		p.put(ctx, events[start:end], func(i int, err error) { fail(err, start+i) })
		start = end
	}
	if len(failed) > 0 {
		return &bus.PartialError{Failed: failed, Err: first}
	}
	return nil
}

// chunk returns the end of the longest run from start that fits one call; start itself where not even one event does.
func chunk(events []bus.Event, start int) int {
	end, size := start, 0
	for end < len(events) && end-start < maxEntries {
		size += entrySize(events[end])
		if size > maxBytes {
			break
		}
		end++
	}
	return end
}

func entrySize(e bus.Event) int {
	return timeBytes + len(e.Source) + len(e.DetailType) + len(e.Detail)
}

// put sends one call and says which of its events were not accepted, in ascending order.
func (p *Publisher) put(ctx context.Context, events []bus.Event, fail func(index int, err error)) {
	err := ctx.Err()
	var out *eventbridge.PutEventsOutput
	if err == nil {
		out, err = p.api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: p.entries(events)})
	}
	for i := range events {
		switch {
		case err != nil:
			fail(i, fmt.Errorf("eventbridge: put events: %w", err))
		case i >= len(out.Entries):
			fail(i, fmt.Errorf("%w: the answer says nothing of it", ErrNotAccepted))
		case out.Entries[i].ErrorCode != nil || out.Entries[i].EventId == nil:
			r := out.Entries[i]
			fail(i, fmt.Errorf("%w: %s: %s", ErrNotAccepted, aws.ToString(r.ErrorCode), aws.ToString(r.ErrorMessage)))
		}
	}
}

func (p *Publisher) entries(events []bus.Event) []types.PutEventsRequestEntry {
	entries := make([]types.PutEventsRequestEntry, len(events))
	for i, e := range events {
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: aws.String(p.bus), Source: aws.String(e.Source), DetailType: aws.String(e.DetailType),
			Detail: aws.String(string(e.Detail)), Time: aws.Time(e.Time),
		}
	}
	return entries
}
