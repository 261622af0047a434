// Package bus is the port to the event bus. Adapters: bus/local (in process) and bus/eventbridge; both pass bus/bustest.
// Delivery is at least once and in no promised order; consumers drop repeats by event id (invariant 3).
package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/audit"
)

// Event is an event on the bus, with EventBridge's field names.
type Event struct {
	ID         string          `json:"id"`          // on EventBridge the bus's own id; the event's is in the detail
	Source     string          `json:"source"`      // nowgo.<capability>
	DetailType string          `json:"detail-type"` // in the past tense: agent.published
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"` // the audit body
}

// Of returns the bus's event of an audit event: its body and nothing of its private part (invariant 4).
func Of(e audit.Event) (Event, error) {
	detail, err := json.Marshal(e.Body)
	if err != nil {
		return Event{}, fmt.Errorf("bus: %w", err)
	}
	return Event{ID: e.Body.ID, Source: "nowgo." + e.Capability, DetailType: e.Body.Type, Time: e.Body.OccurredAt,
		Detail: detail}, nil
}

// Publisher sends events.
type Publisher interface {
	// Publish returns nil once every event is accepted, and a [*PartialError] where some were not. It may be called
	// concurrently.
	Publish(ctx context.Context, events []Event) error
}

// PartialError says which events of a call were not accepted; the others were.
type PartialError struct {
	Failed []int // indexes into the events of the call, ascending
	Err    error // of the first of them
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("bus: %d events were not accepted: %v", len(e.Failed), e.Err)
}

func (e *PartialError) Unwrap() error { return e.Err }

// Handler consumes events. An error makes the bus deliver them again.
type Handler func(ctx context.Context, events []Event) error
