package access

import (
	"strings"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Grant is what a role may do with an operation.
type Grant string

// The grants.
const (
	No  Grant = "no"
	Own Grant = "own" // only upon what belongs to the user
	Yes Grant = "yes"
)

// GrantOf returns what the policies grant: Yes, Own where the same operation upon another user's thing of the same client is
// denied, or No. The empty role is nobody.
func (d *Decider) GrantOf(role tenant.Role, operation string) Grant {
	p := tenant.Principal{Client: "cli_matrix", User: "usr_matrix", Role: role}
	switch role {
	case "":
		p = tenant.Principal{}
	case tenant.GlobalAdmin:
		p.Client = ""
	}
	if !d.Decide(p, operation, Resource{Client: p.Client}).Allow {
		return No
	}
	if !d.Decide(p, operation, Resource{Type: d.Kind(operation), Client: p.Client, Owner: "usr_other"}).Allow {
		return Own
	}
	return Yes
}

// Markdown returns the matrix operation × role as a table, the operations in the order of internal/route.
func (d *Decider) Markdown() string {
	var b strings.Builder
	roles := append(tenant.Roles(), "")
	b.WriteString("| operation |")
	for _, role := range roles {
		b.WriteString(" " + title(role) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(roles)) + "\n")
	for _, op := range route.Operations() {
		b.WriteString("| `" + op.ID + "` |")
		for _, role := range roles {
			b.WriteString(" " + cell(d.GrantOf(role, op.ID)) + " |")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func title(role tenant.Role) string {
	if role == "" {
		return "nobody"
	}
	return string(role)
}

func cell(g Grant) string {
	if g == No {
		return "–"
	}
	return string(g)
}
