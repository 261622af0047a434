// Package audit owns the record of what was done: the event, its hashed and published body, and its private part.
//
// Invariants (numbered as in the README):
//
//   - 2: a [Record] is a mandatory argument of the store's only writing call, and an empty one is refused there.
//   - 4: personal data goes into [Event.Private] alone. The body holds a salted SHA-256 commitment to it, so that erasing
//     the private part leaves the body, and every proof over it, intact.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// SchemaVersion is the version of the body's format.
const SchemaVersion = 1

// MaxBody is the largest body in bytes, so that every event fits an EventBridge entry with room to spare.
const MaxBody = 64 << 10

// Actor is who did it.
type Actor struct {
	Type string `json:"type"` // user, key, agent, system, or anonymous
	ID   string `json:"id,omitempty"`
	// Assumed marks a global administrator who works inside the client.
	Assumed bool `json:"assumed,omitempty"`
}

// Target is what it was done to.
type Target struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// Body is the part of an event that is hashed, kept for good and published on the bus.
type Body struct {
	ID                string          `json:"id"` // a ULID
	ClientID          string          `json:"client_id,omitempty"`
	OccurredAt        time.Time       `json:"occurred_at"`
	Type              string          `json:"type"`   // in the past tense: agent.published
	Action            string          `json:"action"` // the operation id: publish-agent
	Actor             Actor           `json:"actor"`
	Target            Target          `json:"target"`
	Result            string          `json:"result"` // success, denied or failure
	RequestID         string          `json:"request_id,omitempty"`
	SchemaVersion     int             `json:"schema_version"`
	Change            json.RawMessage `json:"change,omitempty"` // the typed payload of package events
	PrivateCommitment string          `json:"private_commitment,omitempty"`
}

// Private is the part of an event that can be erased: names, addresses, and personal fields before and after.
type Private struct {
	Salt   string          `json:"salt"` // 256 random bits, base64url
	Values json.RawMessage `json:"values"`
}

// Commitment returns the salted SHA-256 of the private part, base64url without padding.
func (p Private) Commitment() string {
	h := sha256.New()
	h.Write([]byte(p.Salt))
	h.Write([]byte{'.'})
	h.Write(p.Values)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Event is one record of the trail of one client or, in a platform partition, of the platform.
type Event struct {
	Partition  tenant.ID // the trail it belongs to
	Capability string    // who publishes it, as nowgo.<capability>
	Body       Body
	Private    *Private // nil where nothing personal was recorded
}

// Fact is what a service says of what it did; [Happened] completes it.
type Fact struct {
	Capability string
	Type       string // such as agent.published
	Target     Target
	Change     any // a payload of package events, or nil
	Private    any // personal values, or nil
	Result     string
	Actor      Actor // where it is not the call's principal, such as at sign-in
}

// Happened returns the event of a fact in the trail of client, with the actor, the operation and the request id of the call
// in ctx. It fails where a payload cannot be encoded or the body is over [MaxBody].
func Happened(ctx context.Context, sys system.System, client tenant.ID, f Fact) (Event, error) {
	call := tenant.CallFrom(ctx)
	e := Event{Partition: client, Capability: f.Capability, Body: Body{
		ID: sys.NewULID(), OccurredAt: sys.Now().UTC().Truncate(time.Millisecond), Type: f.Type, Action: call.Operation,
		Actor: f.Actor, Target: f.Target, Result: f.Result, RequestID: call.RequestID, SchemaVersion: SchemaVersion,
	}}
	if !client.Platform() {
		e.Body.ClientID = string(client)
	}
	if e.Body.Actor.Type == "" {
		e.Body.Actor = actorOf(call)
	}
	if e.Body.Result == "" {
		e.Body.Result = "success"
	}
	if f.Change != nil {
		b, err := json.Marshal(f.Change)
		if err != nil {
			return Event{}, fmt.Errorf("audit: change of %s: %w", f.Type, err)
		}
		e.Body.Change = b
	}
	if f.Private != nil {
		b, err := json.Marshal(f.Private)
		if err != nil {
			return Event{}, fmt.Errorf("audit: private part of %s: %w", f.Type, err)
		}
		e.Private = &Private{Salt: sys.NewSecret(), Values: b}
		e.Body.PrivateCommitment = e.Private.Commitment()
	}
	if b, err := json.Marshal(e.Body); err != nil {
		return Event{}, fmt.Errorf("audit: body of %s: %w", f.Type, err)
	} else if len(b) > MaxBody {
		return Event{}, fmt.Errorf("audit: body of %s has %d bytes, over %d", f.Type, len(b), MaxBody)
	}
	return e, nil
}

// actorOf is who makes the call. Outside of every operation it is the platform itself.
func actorOf(call tenant.Call) Actor {
	p := call.Principal
	if p.Anonymous() && call.Operation == "" {
		return Actor{Type: "system"}
	}
	if p.Anonymous() {
		return Actor{Type: "anonymous"}
	}
	if p.Machine() {
		return Actor{Type: "key", ID: p.User}
	}
	return Actor{Type: "user", ID: p.User, Assumed: p.Assumed}
}

// Record is the events of one commit: at least one. Only [Of] makes one that a store accepts.
type Record struct{ events []Event }

// Of returns the record of one or more events.
func Of(first Event, more ...Event) Record {
	return Record{events: append([]Event{first}, more...)}
}

// ErrEmpty is returned for a record without events.
var ErrEmpty = errors.New("audit: a change without its event")

// Events returns the events, or [ErrEmpty] where there is none or one lacks its id, type or trail.
func (r Record) Events() ([]Event, error) {
	if len(r.events) == 0 {
		return nil, ErrEmpty
	}
	for _, e := range r.events {
		if e.Body.ID == "" || e.Body.Type == "" || e.Partition == "" {
			return nil, ErrEmpty
		}
	}
	return r.events, nil
}
