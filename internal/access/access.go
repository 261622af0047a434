// Package access decides, with Cedar policies, what a principal may do. Its policies are the files under policies/, embedded in the
// binary; each names the operations of internal/route it is about.
//
// Invariants (numbered as in the README):
//
//   - 1: own-client-only forbids every operation upon a resource of another client.
//   - 7: deny by default. An operation that no permit names is denied to everybody, and a test fails for it.
package access

import (
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Resource is what an operation is done to. At the edge, before anything is read, it is the principal's client as a whole:
// Type `Client`. A capability that knows more decides again with the thing itself.
type Resource struct {
	Type   string    // a Cedar entity type, such as Conversation; empty stands for Client
	ID     string    // not seen by the policies; for the log of who asks
	Client tenant.ID // whose it is; empty for what belongs to the platform
	Owner  string    // the user it belongs to, where it belongs to one
}

// Decision is the answer, with the ids of the policies that determined it: the permits of an allow, the forbids of a deny.
// A deny because nothing permits has none.
type Decision struct {
	Allow    bool
	Policies []string
}

// Decider decides. It may be used concurrently.
type Decider struct {
	index map[string]policies // by operation
	memo  sync.Map            // question → Decision
}

// question is all that the policies can depend on. The ids of principal and resource are reduced to whether they agree, so that
// there are few questions and each is put to Cedar once in the life of a process.
type question struct {
	operation string
	role      tenant.Role // empty: anonymous
	kind      string
	client    relation
	owner     relation
}

type relation uint8

const (
	none   relation = iota // the resource has none
	same                   // the principal's own
	others                 // somebody else's
)

// New returns a decider with the embedded policies. It fails where one of them cannot be parsed or has no id.
func New() (*Decider, error) {
	index, err := load()
	if err != nil {
		return nil, err
	}
	return &Decider{index: index}, nil
}

// Decide says whether p may do the operation to r. An unknown operation or role, and an operation without a policy, are denied.
func (d *Decider) Decide(p tenant.Principal, operation string, r Resource) Decision {
	q := question{operation: operation, role: p.Role, kind: r.Type, client: others, owner: others}
	if q.kind == "" {
		q.kind = "Client"
	}
	if p.Anonymous() {
		q.role = ""
	} else if !p.Role.Valid() {
		return Decision{}
	}
	if r.Client == p.Client {
		q.client = same
	}
	switch r.Owner {
	case "":
		q.owner = none
	case p.User:
		q.owner = same
	}
	if known, ok := d.memo.Load(q); ok {
		return known.(Decision)
	}
	ps, ok := d.index[operation]
	if !ok {
		return Decision{}
	}
	decision := ps.answer(q)
	d.memo.Store(q, decision)
	return decision
}

// answer puts the question to Cedar, with ids that stand for the relations.
func (ps policies) answer(q question) Decision {
	const user, client, other = "principal", "own", "other"
	principal := cedar.NewEntityUID("Anonymous", "anonymous")
	resource := cedar.NewEntityUID(cedar.EntityType(q.kind), "resource")
	entities := cedar.EntityMap{}
	if q.role != "" {
		role := cedar.NewEntityUID("Role", cedar.String(q.role))
		principal = cedar.NewEntityUID("User", user)
		entities[role] = cedar.Entity{UID: role}
		entities[principal] = cedar.Entity{UID: principal, Parents: cedar.NewEntityUIDSet(role), Attributes: cedar.NewRecord(
			cedar.RecordMap{"id": cedar.String(user), "client": cedar.String(client)})}
	}
	attributes := cedar.RecordMap{"client": cedar.String(client)}
	if q.client == others {
		attributes["client"] = cedar.String(other)
	}
	switch q.owner {
	case same:
		attributes["owner"] = cedar.String(user)
	case others:
		attributes["owner"] = cedar.String(other)
	}
	entities[resource] = cedar.Entity{UID: resource, Attributes: cedar.NewRecord(attributes)}
	verdict, why := cedar.Authorize(ps, entities, cedar.Request{Principal: principal, Resource: resource,
		Action: cedar.NewEntityUID("Action", cedar.String(q.operation))})
	// A policy that cannot be evaluated is passed over by Cedar. A forbid passed over would let through what it forbids.
	if len(why.Errors) > 0 {
		return Decision{}
	}
	out := Decision{Allow: verdict == cedar.Allow}
	for _, reason := range why.Reasons {
		out.Policies = append(out.Policies, string(reason.PolicyID))
	}
	return out
}

// Covered reports whether a permit names the operation.
func (d *Decider) Covered(operation string) bool { return d.index[operation].permits() }

// Unknown returns the operations that policies name and internal/route does not have.
func (d *Decider) Unknown() []string {
	var unknown []string
	for id := range d.index {
		if _, ok := route.Find(id); !ok {
			unknown = append(unknown, id)
		}
	}
	return unknown
}
