package access

import (
	"strings"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Grant is how far an operation is granted.
type Grant string

// The grants.
const (
	No      Grant = "no"
	Own     Grant = "own"     // only upon what belongs to the user
	Limited Grant = "limited" // only upon the profiles and agents that the user is limited to, and of these perhaps only the own
	Yes     Grant = "yes"
)

// Permission is an operation that a principal may do, and how far.
type Permission struct {
	Operation string
	Grant     Grant
}

// Permissions returns what p may do, in the order of internal/route; what is not in it is denied everywhere. It comes from the same
// questions that the operations are decided by.
func (d *Decider) Permissions(p tenant.Principal) []Permission {
	out := make([]Permission, 0, len(d.index))
	for _, op := range route.Operations() {
		if g := d.Grant(p, op.ID); g != No {
			out = append(out, Permission{op.ID, g})
		}
	}
	return out
}

// Grant returns how far the operation is granted to p, in its own client.
func (d *Decider) Grant(p tenant.Principal, operation string) Grant {
	about, ok := d.index[operation]
	if !ok {
		return No
	}
	q, ok := about.ask(p, Resource{Client: p.Client})
	if !ok || !about.decide(q).Allow {
		return No
	}
	if about.kind == whole {
		return Yes
	}
	q.thing = true
	mine, rest := about.best(q, p.Within), q
	if !about.decide(mine).Allow {
		return No
	}
	rest.owner, rest.agent, rest.profile = mine.owner, absent(mine.agent), absent(mine.profile)
	if !about.decide(rest).Allow {
		return Limited
	}
	if rest.owner != none {
		rest.owner = others
	}
	if !about.decide(rest).Allow {
		return Own
	}
	return Yes
}

// best is the question about the thing that the principal is most likely to be allowed: its own, and of its names.
func (ps *policies) best(q question, within tenant.Names) question {
	q.profile = closest(within, "pro_")
	if ps.kind != "Profile" {
		q.agent = closest(within, "agt_")
	}
	if ps.kind == "Conversation" {
		q.owner = same
	}
	return q
}

// closest is how the best of the things with such ids relates to the names.
func closest(within tenant.Names, prefix string) relation {
	for name := range strings.FieldsSeq(string(within)) {
		if strings.HasPrefix(name, prefix) {
			return same
		}
	}
	return others
}

// absent is the relation of a thing whose id is not among the names.
func absent(r relation) relation {
	if r == none {
		return none
	}
	return others
}
