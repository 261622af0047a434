package clients

import (
	"context"
	"strings"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Things reads what decisions can be about.
type Things interface {
	// Thing returns the client's profile, agent or conversation of that id, as the policies see it. Errors: fault.NotFound.
	Thing(ctx context.Context, client tenant.ID, kind, id string) (access.Resource, error)
}

// Explanation is why an operation is allowed or denied.
type Explanation struct {
	Allowed  bool          `json:"allowed"`
	Reason   access.Reason `json:"reason" enum:"permitted,forbidden,not_permitted,not_active" doc:"not_permitted: no policy permits it; not_active: the user cannot sign in, or the key has expired"`
	Grant    access.Grant  `json:"grant" enum:"yes,own,limited,no" doc:"How far the operation is granted as such, whatever it is upon"`
	Policies []Policy      `json:"policies" nullable:"false" doc:"Those that settled it"`
}

// Policy is a policy that settled a decision.
type Policy struct {
	ID          string `json:"id" example:"named-only"`
	Effect      string `json:"effect" enum:"permit,forbid"`
	Description string `json:"description" doc:"In the language of the answer"`
}

// Upon is what the operation would be upon.
type Upon struct {
	Type string `json:"type" enum:"profile,agent,conversation"`
	ID   string `json:"id" minLength:"1" maxLength:"64"`
}

type explain struct {
	Body struct {
		UserID    string      `json:"user_id,omitempty" maxLength:"64" doc:"A user of the own client, or an API key's id"`
		Role      tenant.Role `json:"role,omitempty" enum:"client_admin,agent_manager,standard_user" doc:"In place of a user: anybody of that role"`
		Operation string      `json:"operation" maxLength:"64" example:"get-agent"`
		Resource  *Upon       `json:"resource,omitempty" doc:"Of the own client; absent: the client as a whole"`
	}
}

// notActive is the reason for whoever cannot make a call at all.
const notActive access.Reason = "not_active"

type explainer struct {
	users   *identity.Service
	decider *access.Decider
	things  Things
}

// RegisterExplain mounts explain-access on api.
func RegisterExplain(api *httpapi.API, users *identity.Service, decider *access.Decider, things Things) {
	e := explainer{users, decider, things}
	httpapi.Register(api, httpapi.Op{ID: "explain-access", Summary: "Why somebody may do something, or may not",
		Description: "Decides as the operation would, for a user, an API key or a role of the own client, and names the policies that settled it. Sessions can be limited beyond that: one that has yet to enrol a second factor may do nothing else.",
		Errors:      []int{404, 422}}, e.explain, httpapi.Body[Explanation])
}

func (e explainer) explain(ctx context.Context, in *explain) (Explanation, error) {
	const op = "clients.explain"
	b := in.Body
	row, ok := route.Find(b.Operation)
	if !ok {
		return Explanation{}, fault.BadField(op, "body.operation", "must be an operation")
	}
	if (b.UserID == "") == (b.Role == "") {
		return Explanation{}, fault.BadField(op, "body.user_id", "must be given where role is not, and only there")
	}
	p, active, err := e.principal(ctx, b.UserID, b.Role)
	if err != nil {
		return Explanation{}, err
	}
	upon, err := e.upon(ctx, b.Operation, b.Resource)
	if err != nil {
		return Explanation{}, err
	}
	if !active && !row.Public {
		return Explanation{Reason: notActive, Grant: access.No, Policies: []Policy{}}, nil
	}
	why := e.decider.Explain(p, b.Operation, upon, tenant.CallFrom(ctx).Language)
	out := Explanation{why.Allow, why.Reason, e.decider.Grant(p, b.Operation), []Policy{}}
	for _, policy := range why.Policies {
		out.Policies = append(out.Policies, Policy(policy))
	}
	return out, nil
}

// upon returns what the operation would be upon, nil where it is not said.
func (e explainer) upon(ctx context.Context, operation string, in *Upon) (*access.Resource, error) {
	if in == nil {
		return nil, nil
	}
	kind := e.decider.Kind(operation)
	if !strings.EqualFold(in.Type, kind) {
		return nil, fault.BadField("clients.explain", "body.resource.type", "must be what the operation is upon")
	}
	r, err := e.things.Thing(ctx, own(ctx), kind, in.ID)
	return &r, err
}

// principal returns who is asked about, and whether they could make a call at all. A role stands for somebody who owns nothing and is
// limited in no way.
func (e explainer) principal(ctx context.Context, id string, role tenant.Role) (tenant.Principal, bool, error) {
	client := own(ctx)
	switch {
	case id == "":
		return tenant.Principal{Client: client, User: "usr_anybody", Role: role}, true, nil
	case strings.HasPrefix(id, tenant.KeyPrefix):
		k, err := e.users.APIKey(ctx, client, id)
		p := tenant.Principal{Client: client, User: k.ID, Role: k.Role, Scopes: k.Scopes}
		return p, err == nil && !k.Expired(e.users.System.Now()), err
	}
	u, err := e.users.GetUser(ctx, client, id)
	return tenant.Principal{Client: client, User: u.ID, Role: u.Role, Within: u.Within}, u.Status == identity.StatusActive, err
}
