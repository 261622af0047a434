// Package access decides, with Cedar policies, what a principal may do. Its policies are the files under policies/, embedded in the
// binary; each names the operations of internal/route it is about, or is asked about all. policies/schema.cedarschema says what they can
// ask; tests hold them to it.
//
// It is the one decision point. internal/authorizer says who makes a call and decides nothing else: its verdict is kept by the gateway and
// used for other paths. The edge of internal/httpapi decides for every operation, about the principal's client as a whole; a capability that
// has read more decides again, through the same Decider, about the thing itself.
//
// Invariants (numbered as in the README):
//
//   - 1: own-client-only forbids every operation upon a resource of another client.
//   - 7: deny by default. An operation that no permit names is denied to everybody, and a test fails for it.
package access

import (
	"io/fs"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Resource is what an operation is done to. At the edge, before anything is read, it is the principal's client as a whole:
// Type `Client`. A capability that knows more decides again with the thing itself.
type Resource struct {
	Type    string    // what kind of thing the operation is upon: Profile, Agent, Conversation; empty stands for Client
	ID      string    // of an Agent or a Profile, compared with what the principal is limited to
	Client  tenant.ID // whose it is; empty for what belongs to the platform
	Owner   string    // the user it belongs to, where it belongs to one
	Agent   string    // of a Conversation: the agent it is with
	Profile string    // of an Agent, or of a Conversation's agent: the profile it was generated for
}

// Decision is the answer, with the ids of the policies that determined it: the permits of an allow, the forbids of a deny.
// A deny because nothing permits has none.
type Decision struct {
	Allow    bool
	Policies []string
}

// Decider decides. It may be used concurrently.
type Decider struct {
	index map[string]*policies // by operation: only those that can apply to it are asked
}

// New returns a decider with the embedded policies. It fails where one of them cannot be parsed or has no id.
func New() (*Decider, error) {
	return from(embedded)
}

func from(files fs.FS) (*Decider, error) {
	index, err := load(files)
	if err != nil {
		return nil, err
	}
	return &Decider{index}, nil
}

// Decide says whether p may do the operation to r. An unknown operation or role, an operation without a policy, and one that is never
// upon such a thing, are denied. Each question is put to Cedar once in the life of a process.
func (d *Decider) Decide(p tenant.Principal, operation string, r Resource) Decision {
	about, ok := d.index[operation]
	if !ok {
		return Decision{}
	}
	q, ok := about.ask(p, r)
	if !ok {
		return Decision{}
	}
	return about.decide(q)
}

// Reaches is Decide for an Agent, or for a Conversation without its Profile, that has not been read: it calls read only where the answer
// depends on the profile, which is so for principals that are limited to profiles alone. Errors are those of read.
func (d *Decider) Reaches(p tenant.Principal, operation string, r Resource, read func() (Resource, error)) (Decision, error) {
	about, ok := d.index[operation]
	if !ok {
		return Decision{}, nil
	}
	q, ok := about.ask(p, r)
	if !ok {
		return Decision{}, nil
	}
	named, unnamed := q, q
	named.profile, unnamed.profile = closest(p.Within, "pro_"), others
	decision := about.decide(unnamed)
	if decision.Allow == about.decide(named).Allow {
		return decision, nil
	}
	r, err := read()
	if err != nil {
		return Decision{}, err
	}
	return d.Decide(p, operation, r), nil
}

// decide answers from memory, or asks Cedar and remembers.
func (ps *policies) decide(q question) Decision {
	if known, ok := ps.memo.Load(q); ok {
		return known.(Decision)
	}
	decision := ps.answer(q)
	ps.memo.Store(q, decision)
	return decision
}

// Covered reports whether a permit names the operation.
func (d *Decider) Covered(operation string) bool {
	about, ok := d.index[operation]
	return ok && about.permits()
}

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

// Kind returns the type of the things that the operation is upon: Client where there is none but the client as a whole.
func (d *Decider) Kind(operation string) string {
	if about, ok := d.index[operation]; ok {
		return about.kind
	}
	return whole
}
