package access

import (
	"slices"

	"github.com/cedar-policy/cedar-go"

	"github.com/nowgo/agents/internal/tenant"
)

// Kinds lists the types of resource that decisions can be about: entity types of the policies.
func Kinds() []string { return slices.Clone(kinds) }

// The first stands for an empty type.
var kinds = []string{"Client", "Profile", "Agent", "Conversation"}

var roles = tenant.Roles()

// question is all that the policies about one operation can depend on. Ids are reduced to how they relate to the principal, so that
// there are few questions, however many principals and resources there are.
type question struct {
	role int8 // of roles; -1: anonymous
	kind int8 // of kinds

	restricted, assumed, machine bool
	inScope                      bool // the principal's scopes name the operation, or it has none and is no machine
	limited                      bool // the principal is limited to names

	client  relation
	owner   relation
	agent   relation // to the names; of an Agent its id
	profile relation // to the names; of a Profile its id
}

type relation uint8

const (
	none   relation = iota // the resource has none
	same                   // the principal's own, or one of the names that it is limited to
	others                 // any other
)

// ask reduces principal, operation and resource to a question. There is none where the role or the type of resource is unknown.
func ask(p tenant.Principal, operation string, r Resource) (question, bool) {
	q := question{role: -1, inScope: true, client: others}
	if r.Type != "" {
		q.kind = int8(slices.Index(kinds, r.Type))
	}
	if q.kind < 0 {
		return question{}, false
	}
	if r.Client == p.Client {
		q.client = same
	}
	q.owner = relate(r.Owner, r.Owner == p.User)
	agent, profile := r.Agent, r.Profile
	switch r.Type {
	case "Agent":
		agent = r.ID
	case "Profile":
		profile = r.ID
	}
	q.agent = relate(agent, p.Within.Has(agent))
	q.profile = relate(profile, p.Within.Has(profile))
	if p.Anonymous() {
		return q, true
	}
	q.role = int8(slices.Index(roles, p.Role))
	q.restricted, q.assumed, q.machine, q.limited = p.Restricted, p.Assumed, p.Machine(), p.Within != ""
	// A key without scopes may do nothing: that it has none is a mistake, not a permission.
	q.inScope = p.Scopes.Has(operation) || p.Scopes == "" && !q.machine
	return q, q.role >= 0
}

func relate(id string, agrees bool) relation {
	switch {
	case id == "":
		return none
	case agrees:
		return same
	}
	return others
}

// The ids that stand for the relations.
const (
	me      = "me"
	own     = "own"
	other   = "other"
	agent   = "agent"
	profile = "profile"
)

// answer puts the question to Cedar. Policies may compare ids with each other, and must not name one.
func (ps *policies) answer(q question) Decision {
	entities := cedar.EntityMap{}
	principal := q.principal(entities)
	verdict, why := cedar.Authorize(ps, entities, cedar.Request{Principal: principal, Resource: q.resource(entities),
		Action: cedar.NewEntityUID("Action", cedar.String(ps.operation)), Context: cedar.NewRecord(cedar.RecordMap{
			"public": cedar.Boolean(ps.public), "in_scope": cedar.Boolean(q.inScope)})})
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

func (q question) principal(entities cedar.EntityMap) cedar.EntityUID {
	if q.role < 0 {
		nobody := cedar.NewEntityUID("Anonymous", "anonymous")
		entities[nobody] = cedar.Entity{UID: nobody}
		return nobody
	}
	role := cedar.NewEntityUID("Role", cedar.String(roles[q.role]))
	user := cedar.NewEntityUID("User", me)
	attributes := cedar.RecordMap{"id": cedar.String(me), "client": cedar.String(own), "restricted": cedar.Boolean(q.restricted),
		"assumed": cedar.Boolean(q.assumed), "machine": cedar.Boolean(q.machine)}
	if q.limited {
		attributes["within"] = cedar.NewSet(cedar.String(agent), cedar.String(profile))
	}
	entities[role] = cedar.Entity{UID: role}
	entities[user] = cedar.Entity{UID: user, Parents: cedar.NewEntityUIDSet(role), Attributes: cedar.NewRecord(attributes)}
	return user
}

func (q question) resource(entities cedar.EntityMap) cedar.EntityUID {
	id := cedar.NewEntityUID(cedar.EntityType(kinds[q.kind]), "resource")
	attributes := cedar.RecordMap{}
	set := func(name string, r relation, agrees string) {
		switch r {
		case same:
			attributes[cedar.String(name)] = cedar.String(agrees)
		case others:
			attributes[cedar.String(name)] = cedar.String(other)
		}
	}
	set("client", q.client, own)
	set("owner", q.owner, me)
	set("agent", q.agent, agent)
	set("profile", q.profile, profile)
	entities[id] = cedar.Entity{UID: id, Attributes: cedar.NewRecord(attributes)}
	return id
}
