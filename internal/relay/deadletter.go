package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/bus"
	"github.com/nowgo/agents/internal/tenant"
)

// DeadLetters is the prefix of the names of dead letters, under the client they are of, or [blob.Platform].
const DeadLetters = "dead-letters/"

// DeadLetter is what is kept of an event that a consumer did not take. It holds nothing of the event's private part.
type DeadLetter struct {
	Consumer string          `json:"consumer"`
	Sequence uint64          `json:"sequence"`
	ClientID tenant.ID       `json:"client_id"`
	Key      string          `json:"key"`
	FailedAt time.Time       `json:"failed_at"`
	Attempts int             `json:"attempts"` // 0: it could not be read, and was not tried
	Error    string          `json:"error"`
	Event    *bus.Event      `json:"event,omitempty"`
	Raw      json.RawMessage `json:"raw,omitempty"` // the item's summary, where it is JSON but no event
}

// bury writes a dead letter. Its name is made of the consumer and the sequence, so that one buried twice is one.
func (l *Loop) bury(ctx context.Context, c Consumer, change Change, f Failure) error {
	letter := DeadLetter{Consumer: c.Name, Sequence: change.Sequence, ClientID: change.Partition, Key: change.Item.SK,
		FailedAt: l.System.Now().UTC(), Attempts: f.Attempts, Error: f.Err.Error()}
	if event, err := Decode(Entry{change.Partition, change.Item}); err == nil {
		letter.Event = &event
	} else if json.Valid(change.Item.Summary) {
		letter.Raw = change.Item.Summary
	}
	content, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("relay: dead letter: %w", err)
	}
	owner := change.Partition
	if blob.CheckClient(owner) != nil {
		owner = blob.Platform
	}
	name := fmt.Sprintf("%s%s/%020d.json", DeadLetters, c.Name, change.Sequence)
	if err := l.DeadLetters.Put(ctx, owner, name, content); err != nil {
		return fmt.Errorf("relay: dead letter: %w", err)
	}
	l.Log.ErrorContext(ctx, "an event went to the dead letters", "consumer", c.Name, "client_id", owner, "name", name, "error", f.Err)
	return nil
}
