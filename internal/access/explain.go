package access

import (
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/nowgo/agents/internal/tenant"
)

// Reason is why a decision came out as it did.
type Reason string

// The reasons.
const (
	Permitted    Reason = "permitted"     // by the policies named
	Forbidden    Reason = "forbidden"     // by the policies named, whatever permits it
	NotPermitted Reason = "not_permitted" // by no policy
)

// Policy is a policy that determined a decision.
type Policy struct {
	ID          string
	Effect      string // permit or forbid
	Description string // in the reader's language
}

// Explanation is a decision with its reason.
type Explanation struct {
	Allow    bool
	Reason   Reason
	Policies []Policy
}

// The annotations that say what a policy is about, by the language of those who read it.
var described = map[string]types.AnnotationKey{"en": "description", "pt-BR": "descricao"}

// Explain decides as an operation does, at the edge about the principal's client and, where r is given, then about the thing, and says
// which policies settled it, described in language (pt-BR or en). It has no memory of its own: it asks the same questions.
func (d *Decider) Explain(p tenant.Principal, operation string, r *Resource, language string) Explanation {
	decision := d.Decide(p, operation, Resource{Client: p.Client})
	if decision.Allow && r != nil {
		decision = d.Decide(p, operation, *r)
	}
	out := Explanation{Allow: decision.Allow, Reason: Permitted, Policies: []Policy{}}
	switch {
	case decision.Allow:
	case len(decision.Policies) > 0:
		out.Reason = Forbidden
	default:
		out.Reason = NotPermitted
	}
	about, ok := d.index[operation]
	if !ok {
		return out
	}
	for _, one := range about.list {
		if slices.Contains(decision.Policies, string(one.id)) {
			effect := "forbid"
			if one.policy.Effect() == cedar.Permit {
				effect = "permit"
			}
			out.Policies = append(out.Policies, Policy{string(one.id), effect, one.description(language)})
		}
	}
	return out
}

// description returns what the policy is about, in the language or else in English.
func (n named) description(language string) string {
	texts := n.policy.Annotations()
	if name, ok := described[language]; ok {
		if text, ok := texts[name]; ok {
			return string(text)
		}
	}
	return string(texts["description"])
}
