package access

import (
	"strings"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// GrantOf returns what the policies grant to a role that is limited in no way. The empty role is nobody.
func (d *Decider) GrantOf(role tenant.Role, operation string) Grant {
	p := tenant.Principal{Client: "cli_matrix", User: "usr_matrix", Role: role}
	switch role {
	case "":
		p = tenant.Principal{}
	case tenant.GlobalAdmin:
		p.Client = ""
	}
	return d.Grant(p, operation)
}

// odd are the principals of the matrix beside the roles: each as powerful as such a one can be.
var odd = []struct {
	title string
	of    func(operation string) tenant.Principal
}{
	{"limited manager", func(string) tenant.Principal {
		return tenant.Principal{Client: "cli_matrix", User: "usr_matrix", Role: tenant.AgentManager, Within: tenant.NamesOf("agt_1", "pro_1")}
	}},
	{"API key", func(operation string) tenant.Principal {
		return tenant.Principal{Client: "cli_matrix", User: tenant.KeyPrefix + "matrix", Role: tenant.ClientAdmin, Scopes: tenant.NamesOf(operation)}
	}},
	{"assumed", func(string) tenant.Principal {
		return tenant.Principal{Client: "cli_matrix", User: "usr_matrix", Role: tenant.ClientAdmin, Assumed: true}
	}},
	{"restricted", func(string) tenant.Principal {
		return tenant.Principal{Client: "cli_matrix", User: "usr_matrix", Role: tenant.ClientAdmin, Restricted: true}
	}},
}

// Markdown returns the matrix operation × role as a table, the operations in the order of internal/route. Beside the roles stand an agent
// manager who is limited to names, an API key of a client's administrator whose scopes name the operation, and sessions that are
// assumed or restricted.
func (d *Decider) Markdown() string {
	var b strings.Builder
	roles := append(tenant.Roles(), "")
	b.WriteString("| operation |")
	for _, role := range roles {
		b.WriteString(" " + title(role) + " |")
	}
	for _, o := range odd {
		b.WriteString(" " + o.title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(roles)+len(odd)) + "\n")
	for _, op := range route.Operations() {
		b.WriteString("| `" + op.ID + "` |")
		for _, role := range roles {
			b.WriteString(" " + cell(d.GrantOf(role, op.ID)) + " |")
		}
		for _, o := range odd {
			b.WriteString(" " + cell(d.Grant(o.of(op.ID), op.ID)) + " |")
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
