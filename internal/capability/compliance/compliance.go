// Package compliance serves the audit trail. A client's administrator reads the client's own; a global administrator the platform's.
package compliance

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/trail"
)

// Event is an event of the trail as the API shows it: the body, which is hashed and published, with its private part beside it.
type Event struct {
	ID                string         `json:"id"`
	OccurredAt        time.Time      `json:"occurred_at"`
	Type              string         `json:"type" example:"agent.published"`
	Action            string         `json:"action" doc:"The operation" example:"publish-agent"`
	Actor             audit.Actor    `json:"actor"`
	Target            audit.Target   `json:"target"`
	Result            string         `json:"result" enum:"success,denied,failure"`
	RequestID         string         `json:"request_id,omitempty"`
	SchemaVersion     int            `json:"schema_version"`
	Change            httpapi.Object `json:"change,omitempty" doc:"What changed; its fields are those of the event's type"`
	PrivateCommitment string         `json:"private_commitment,omitempty"`
	Private           httpapi.Object `json:"private,omitempty" doc:"Names, addresses and the like. What can be erased; not in lists by actor or target"`
}

type query struct {
	httpapi.PageQuery
	ActorID    string `query:"actor_id" maxLength:"64" doc:"Only what this actor did"`
	TargetType string `query:"target_type" maxLength:"40" doc:"With target_id: only what was done to it"`
	TargetID   string `query:"target_id" maxLength:"64"`
	Order      string `query:"order" enum:"newest,oldest" default:"newest"`
}

type byID struct {
	EventID string `path:"event_id" maxLength:"64"`
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, events *trail.Reader) {
	httpapi.Register(api, httpapi.Op{ID: "list-audit-events", Summary: "List the audit trail", Errors: []int{422}},
		func(ctx context.Context, in *query) (httpapi.List[Event], error) {
			p := tenant.CallFrom(ctx).Principal
			f := trail.Filter{Actor: in.ActorID, TargetType: in.TargetType, TargetID: in.TargetID, Oldest: in.Order == "oldest"}
			return httpapi.Page(ctx, api, in.PageQuery, f.String(), func(limit int, cursor string) ([]audit.Event, string, error) {
				return events.List(ctx, p, f, limit, cursor)
			}, view)
		}, httpapi.Body[httpapi.List[Event]])
	httpapi.Register(api, httpapi.Op{ID: "get-audit-event", Summary: "Read an event of the trail", Errors: []int{404}},
		func(ctx context.Context, in *byID) (Event, error) {
			e, err := events.Event(ctx, tenant.CallFrom(ctx).Principal, in.EventID)
			return view(e), err
		}, httpapi.Body[Event])
}

func view(e audit.Event) Event {
	b := e.Body
	out := Event{b.ID, b.OccurredAt, b.Type, b.Action, b.Actor, b.Target, b.Result, b.RequestID, b.SchemaVersion, httpapi.Object(b.Change),
		b.PrivateCommitment, nil}
	if e.Private != nil {
		out.Private = httpapi.Object(e.Private.Values)
	}
	return out
}
