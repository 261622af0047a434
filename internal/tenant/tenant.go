// Package tenant names who a call is for and who makes it: the id of a client, the principal, and the call's context.
// Every other package may import it; it imports none of the project.
package tenant

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// ID is a client's identifier, the partition of everything that the client owns. The ids of clients are made by the
// platform (`cli_` and 26 letters or digits) and never hold `$` or `#`. Values that begin with `$` are platform
// partitions; only internal/store/directory makes those.
type ID string

// ErrInvalidID is returned by [Parse] for a text that cannot be a client's id.
var ErrInvalidID = errors.New("not a client id")

// Parse returns the client's id in s. It accepts 5 to 64 bytes of lower-case letters, digits, `_` and `-`.
func Parse(s string) (ID, error) {
	if len(s) < 5 || len(s) > 64 {
		return "", ErrInvalidID
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return "", ErrInvalidID
		}
	}
	return ID(s), nil
}

// Platform reports whether the id names a partition of the platform rather than a client.
func (id ID) Platform() bool { return strings.HasPrefix(string(id), "$") }

// Role is what a principal may be in a client, or over the platform.
type Role string

// The four roles.
const (
	GlobalAdmin  Role = "global_admin"  // the whole platform; belongs to no client
	ClientAdmin  Role = "client_admin"  // its client: settings, users, channels, compliance
	AgentManager Role = "agent_manager" // profiles, agents, channels, reports
	StandardUser Role = "standard_user" // talks to published agents, reads its own conversations
)

// Roles lists every role, the most powerful first.
func Roles() []Role { return []Role{GlobalAdmin, ClientAdmin, AgentManager, StandardUser} }

// Valid reports whether r is one of the four roles.
func (r Role) Valid() bool {
	return r == GlobalAdmin || r == ClientAdmin || r == AgentManager || r == StandardUser
}

// Principal is the authenticated maker of a call. Its zero value is nobody. It is comparable, and travels from the authorizer to
// the functions as texts, so its lists are texts too.
type Principal struct {
	Client  ID     // the client it acts in; empty for a global administrator
	User    string // usr_…, or key_… where an API key calls
	Role    Role
	Session string // ses_…; empty for an API key
	// Assumed marks a global administrator at work inside Client: User is the administrator's own, Role is ClientAdmin.
	Assumed bool
	// Restricted marks a session that may do nothing but enrol the second factor that its client asks of its role.
	Restricted bool
	Scopes     Names // the operations that an API key is limited to; empty for people, who have those of their role
	Within     Names // the profiles and agents that an agent manager is limited to; empty: all of its client
	Rate       int   // requests a minute that an API key is limited to; 0: its client's rate alone
}

// Names is a set of names without spaces, joined by single spaces in byte order (the form of RFC 6749 §3.3). Empty means that there
// is no such limit, never that nothing is allowed.
type Names string

// NamesOf returns the set of the given names.
func NamesOf(names ...string) Names {
	names = slices.Clone(names)
	slices.Sort(names)
	return Names(strings.Join(slices.Compact(names), " "))
}

// List returns the names, in byte order.
func (n Names) List() []string { return strings.Fields(string(n)) }

// Has reports whether the name is in the set. It makes no copy.
func (n Names) Has(name string) bool {
	for s := range strings.FieldsSeq(string(n)) {
		if s == name {
			return true
		}
	}
	return false
}

// Anonymous reports whether nobody is authenticated.
func (p Principal) Anonymous() bool { return p.User == "" }

// KeyPrefix begins the id of every API key, and so the User of a machine.
const KeyPrefix = "key_"

// Machine reports whether an API key makes the call.
func (p Principal) Machine() bool { return strings.HasPrefix(p.User, KeyPrefix) }

// Call is what the edge knows of the request being served. It travels in the context.
type Call struct {
	Principal Principal
	Operation string // the route's operation id, such as `generate-agent`
	RequestID string
	Address   string // the caller's network address, without port
	UserAgent string
	Language  string // the language of replies to this caller: pt-BR or en
}

type callKey struct{}

// WithCall returns a context that carries c.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the call in ctx, or the zero Call (nobody, doing nothing) where there is none.
func CallFrom(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}
