package access

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// kindOf returns the type of the things that an operation is upon, beside the client as a whole: that of its path, but for lists,
// which are upon what they show, and for what is made from something else.
func kindOf(row route.Operation) string {
	switch {
	case row.ID == "list-agents":
		return "Agent"
	case row.ID == "list-profiles", row.ID == "generate-agent":
		return "Profile"
	case row.ID == "list-conversations", strings.Contains(row.Path, "{conversation_id}"):
		return "Conversation"
	case strings.Contains(row.Path, "{agent_id}"):
		return "Agent"
	case strings.Contains(row.Path, "{profile_id}"):
		return "Profile"
	}
	return whole
}

const whole = "Client"

var roles = tenant.Roles()

// question is all that the policies about one operation can depend on. Ids are reduced to how they relate to the principal, so that
// there are few questions, however many principals and resources there are.
type question struct {
	role  int8 // of roles; -1: anonymous
	thing bool // it is upon a thing of the operation's kind, not upon the client as a whole

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

// ask reduces principal and resource to a question about the operation. There is none where the role is unknown, or the operation
// is never upon such a thing.
func (ps *policies) ask(p tenant.Principal, r Resource) (question, bool) {
	q := question{role: -1, thing: r.Type != "" && r.Type != whole, inScope: true, client: others}
	if q.thing && r.Type != ps.kind {
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
	q.inScope = p.Scopes.Has(ps.operation) || p.Scopes == "" && !q.machine
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

// request is the question as Cedar takes it. Policies may compare ids with each other, and must not name one.
func (ps *policies) request(q question) (cedar.EntityMap, cedar.Request) {
	entities := cedar.EntityMap{}
	return entities, cedar.Request{Principal: q.principal(entities), Resource: ps.resource(q, entities),
		Action: cedar.NewEntityUID("Action", cedar.String(ps.operation)), Context: cedar.NewRecord(cedar.RecordMap{
			"public": cedar.Boolean(ps.public), "in_scope": cedar.Boolean(q.inScope)})}
}

// answer puts the question to Cedar.
func (ps *policies) answer(q question) Decision {
	entities, request := ps.request(q)
	verdict, why := cedar.Authorize(ps, entities, request)
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

func (ps *policies) resource(q question, entities cedar.EntityMap) cedar.EntityUID {
	kind := cedar.EntityType(whole)
	if q.thing {
		kind = cedar.EntityType(ps.kind)
	}
	id := cedar.NewEntityUID(kind, "resource")
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
