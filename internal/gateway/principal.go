package gateway

import (
	"strconv"

	"github.com/nowgo/agents/internal/tenant"
)

// The keys of the authorizer's context, in the verdict and in every event that it is attached to.
const (
	keyClient  = "client_id"
	keyUser    = "user_id"
	keyRole    = "role"
	keySession = "session_id"
	// keyTenant is for the gateway's own use, where Lambda keeps clients apart: whose execution environment serves the call, its
	// client's or the platform's. No principal is read from it.
	keyTenant = "tenant_id"

	keyAssumed    = "assumed"
	keyRestricted = "restricted"
	keyScopes     = "scopes"
	keyWithin     = "within"
	keyRate       = "rate"
)

const yes = "true" // the gateway's context holds texts alone

// contextOf returns the authorizer's context of a principal.
func contextOf(p tenant.Principal) map[string]any {
	known := map[string]any{keyClient: string(p.Client), keyUser: p.User, keyRole: string(p.Role), keySession: p.Session, keyTenant: string(p.Client)}
	if p.Client == "" {
		known[keyTenant] = "platform"
	}
	if p.Assumed {
		known[keyAssumed] = yes
	}
	if p.Restricted {
		known[keyRestricted] = yes
	}
	if p.Scopes != "" {
		known[keyScopes] = string(p.Scopes)
	}
	if p.Within != "" {
		known[keyWithin] = string(p.Within)
	}
	if p.Rate != 0 {
		known[keyRate] = strconv.Itoa(p.Rate)
	}
	return known
}

// principalOf reads the principal from an authorizer's context. A context that contextOf does not write is nobody's: what limits a
// principal must not get lost on the way.
func principalOf(authorizer map[string]any) (tenant.Principal, bool) {
	in := texts{values: authorizer}
	p := tenant.Principal{Client: tenant.ID(in.text(keyClient)), User: in.text(keyUser), Role: tenant.Role(in.text(keyRole)),
		Session: in.text(keySession), Assumed: in.flag(keyAssumed), Restricted: in.flag(keyRestricted), Scopes: in.names(keyScopes),
		Within: in.names(keyWithin), Rate: in.number(keyRate)}
	if in.bad || p.User == "" || !p.Role.Valid() || (p.Client == "") != (p.Role == tenant.GlobalAdmin) {
		return tenant.Principal{}, false
	}
	if _, err := tenant.Parse(string(p.Client)); p.Client != "" && err != nil {
		return tenant.Principal{}, false
	}
	if p.Machine() && !machine(p) || !p.Machine() && !person(p) {
		return tenant.Principal{}, false
	}
	return p, true
}

// machine reports whether an API key can be so: it has scopes, a client and no session.
func machine(p tenant.Principal) bool {
	return p.Scopes != "" && p.Client != "" && p.Session == "" && !p.Assumed && !p.Restricted
}

// person reports whether somebody who is signed in can be so.
func person(p tenant.Principal) bool {
	return p.Session != "" && p.Scopes == "" && p.Rate == 0 && (!p.Assumed || p.Role == tenant.ClientAdmin)
}

// texts reads a context's values, and notes where one has another form than it was written in.
type texts struct {
	values map[string]any
	bad    bool
}

func (t *texts) text(key string) string {
	v, there := t.values[key]
	s, ok := v.(string)
	t.bad = t.bad || there && !ok
	return s
}

func (t *texts) flag(key string) bool {
	s := t.text(key)
	t.bad = t.bad || s != "" && s != yes
	return s == yes
}

func (t *texts) names(key string) tenant.Names {
	n := tenant.Names(t.text(key))
	t.bad = t.bad || tenant.NamesOf(n.List()...) != n
	return n
}

func (t *texts) number(key string) int {
	s := t.text(key)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	t.bad = t.bad || err != nil || n < 1 || strconv.Itoa(n) != s
	return n
}
