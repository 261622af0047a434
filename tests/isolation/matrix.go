package isolation

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/tests/journey"
)

// tally counts what was tried.
type tally struct {
	operations, attempts, leaks int
	vectors                     map[string]int
	roles                       map[string]int
}

// matrix is one run.
type matrix struct {
	*world
	t     *testing.T
	count tally
	op    operation
	dish  recipe
	role  string
	why   string          // the first answer to the recipe: why it failed, if it did for all
	works map[string]bool // the roles with which the recipe succeeds in the attacker's own client
}

// Roles are those that attack.
func Roles() []string { return []string{admin, manager, limited, user, key, root, nobody} }

// Powerful are those that can do most: a client's administrator, its machine, and the platform's administrator.
func Powerful() []string { return []string{admin, key, root} }

// Matrix attacks a deployment. Roles are those of [Roles] to attack as.
func Matrix(t *testing.T, d journey.Deployment, roles []string) {
	m := &matrix{world: newWorld(t, d), t: t, count: tally{vectors: map[string]int{}, roles: map[string]int{}}}
	before := m.snapshots()
	suspended := m.victims[len(m.victims)-1]
	for _, m.op = range m.documents {
		dish, known := recipes[m.op.id]
		if !known {
			t.Errorf("the matrix does not know the operation %s (%s %s): give it a recipe", m.op.id, m.op.method, m.op.path)
			continue
		}
		m.dish = dish
		m.count.operations++
		m.operation(roles)
	}
	after := m.snapshots()
	for path, was := range before {
		if after[path] != was {
			t.Errorf("%s is not what it was:\n%s\n%s", path, was, after[path])
		}
	}
	m.suspended(suspended)
	m.archived(d)
	vectors := slices.Sorted(maps.Keys(m.count.vectors))
	for _, v := range vectors {
		t.Logf("  %-28s %5d", v, m.count.vectors[v])
	}
	t.Logf("%d operations × %d roles × %d vectors: %d attacks, %d requests, %d leaks", m.count.operations, len(m.count.roles), len(vectors),
		m.count.attempts, m.sent, m.count.leaks)
}

// operation attacks one operation as every role.
func (m *matrix) operation(roles []string) {
	m.works, m.why = map[string]bool{}, ""
	if m.dish.self {
		roles = []string{user}
	}
	for _, m.role = range roles {
		own := m.own(m.attacker)
		base := m.own(m.attacker)
		a := m.send(m.t, own)
		if m.check("own", own, a); a.status < 300 {
			m.works[m.role] = true
		} else if m.why == "" {
			m.why = a.sameness()
		}
		m.paths(base)
		m.queries(base)
		m.references(base)
		m.masses(base)
		m.headers(base)
		m.cursors(base)
		m.repeats()
	}
	if len(m.works) == 0 && m.dish.never == "" {
		m.t.Errorf("%s succeeds for nobody in their own client, so its attacks prove nothing: %s", m.op.id, m.why)
	}
}

// own is the recipe's request in a company, as the role.
func (m *matrix) own(c *company) request {
	r := m.dish.make(&kitchen{m.world, c, m.t}).clone()
	r.method, r.path = m.op.method, m.op.path
	if r.token == "" {
		r.token = c.tokens[m.role]
	}
	return r
}

// check counts an attack and looks for leaks in its answer.
func (m *matrix) check(vector string, r request, a answer) {
	m.t.Helper()
	m.count.attempts++
	m.count.vectors[vector]++
	m.count.roles[m.role]++
	if m.role == root && m.dish.platform {
		return // whoever runs the platform sees its clients
	}
	if strings.HasPrefix(m.op.path, "/v1/audit-events") {
		a.raw = unasked(a.raw)
	}
	if what := m.leak(r, a); what != "" {
		m.count.leaks++
		m.t.Errorf("LEAK: %s as %s, by %s: %s in %d %.300s", m.op.id, m.role, vector, what, a.status, a.raw)
	}
	if a.status >= http.StatusInternalServerError {
		m.t.Errorf("%s as %s, by %s: %d %.300s", m.op.id, m.role, vector, a.status, a.raw)
	}
}

// refused sends an attack that must not succeed, and must be answered as if what it names did not exist.
func (m *matrix) refused(vector string, r, absent request) {
	m.t.Helper()
	a := m.send(m.t, r)
	m.check(vector, r, a)
	if m.role == root && m.dish.platform {
		return
	}
	if a.status < 400 {
		m.count.leaks++
		m.t.Errorf("LEAK: %s as %s, by %s: %d %.300s", m.op.id, m.role, vector, a.status, a.raw)
		return
	}
	if b := m.send(m.t, absent); a.sameness() != b.sameness() {
		m.count.leaks++
		m.t.Errorf("%s as %s, by %s: what another has is told from what nobody has:\n%s\n%s", m.op.id, m.role, vector, a.sameness(), b.sameness())
	}
	if m.works[m.role] && vector == "path id" && a.status != http.StatusNotFound {
		m.t.Errorf("%s as %s, by %s: %d, not 404: %.300s", m.op.id, m.role, vector, a.status, a.raw)
	}
}

// owned are the variables of paths that belong to a client.
func owned(name string) bool { return name != "version" && name != "sector" }

// absent is an id of the same form that nobody has.
func absent(id string) string {
	prefix, _, _ := strings.Cut(id, "_")
	if prefix == id { // a ULID
		return "01ARZ3NDEKTSV4RRFFQ69G5FAV"
	}
	return prefix + "_" + strings.Repeat("a", 26)
}

// paths puts each victim's ids into the path, one at a time and all together, with the victim's ETag.
func (m *matrix) paths(base request) {
	if m.role == root && m.dish.platform {
		return // it may, and would
	}
	var names []string
	for _, name := range m.op.variables {
		if owned(name) {
			names = append(names, name)
		}
	}
	for i, v := range m.victims {
		if i > 0 && m.role != admin {
			break // the others are like the first
		}
		for _, set := range subsets(names) {
			r, missing := base.clone(), base.clone()
			for _, name := range set {
				if v.ids[name] == "" {
					m.t.Fatalf("%s has no %s", v.name, name)
				}
				r.vars[name], missing.vars[name] = v.ids[name], absent(v.ids[name])
			}
			if _, conditional := base.headers["If-Match"]; conditional {
				if etag := v.etags[set[0]]; etag != "" {
					r.headers["If-Match"], missing.headers["If-Match"] = etag, etag
				}
			}
			m.refused("path id", r, missing)
		}
	}
}

// subsets are each name alone and, where there are several, all of them.
func subsets(names []string) [][]string {
	var sets [][]string
	for _, name := range names {
		sets = append(sets, []string{name})
	}
	if len(names) > 1 {
		sets = append(sets, names)
	}
	return sets
}

// queries puts the victim's ids and words into every parameter of the query.
func (m *matrix) queries(base request) {
	v := m.victims[0]
	for _, name := range m.op.queries {
		if name == "cursor" || name == "limit" {
			continue
		}
		for _, value := range []string{v.mark, v.id, v.ids["agent_id"], v.ids["user_id"], v.emails[user]} {
			r := base.asking(name, value)
			a := m.send(m.t, r)
			m.check("query", r, a)
			if a.status < 300 && strings.Contains(string(a.raw), `"items":[{`) && m.role != root {
				m.t.Errorf("%s as %s: %s=%s finds %.300s", m.op.id, m.role, name, value, a.raw)
			}
		}
	}
	if m.op.takesQuery("q") {
		r := base.asking("q", "Qual é a senha do cofre?")
		m.check("search text", r, m.send(m.t, r))
	}
}

// references puts the victim's ids where the body names things.
func (m *matrix) references(base request) {
	v := m.victims[0]
	for member, kind := range m.dish.refs {
		r, missing := base.clone(), base.clone()
		r.body, missing.body = refer(base.body, member, v.ids[kind]), refer(base.body, member, absent(v.ids[kind]))
		m.refused("body reference", r, missing)
	}
}

// refer sets a member of the body: `a`, `a.b`, or `a.` for the elements of a list.
func refer(body object, member, id string) object {
	body = maps.Clone(body)
	outer, inner, nested := strings.Cut(member, ".")
	switch {
	case !nested:
		body[outer] = id
	case inner == "":
		body[outer] = []any{id}
	default:
		within, _ := body[outer].(object)
		within = maps.Clone(within)
		within[inner] = id
		body[outer] = within
	}
	return body
}

// masses adds members that no operation takes from a caller.
func (m *matrix) masses(base request) {
	if base.body == nil || m.dish.self || m.op.id == "refresh" || m.op.id == "accept-invitation" {
		return // which use up what they are given: internal/identity has their cases
	}
	v := m.victims[0]
	for _, more := range []object{{"client_id": v.id}, {"tenant_id": v.id, "client": v.id}, {"id": v.ids["agent_id"]}, {"user_id": v.ids["user_id"], "owner": v.ids["user_id"]}} {
		if m.op.id == "assume-client" && more["client_id"] != nil {
			continue // which is what it takes
		}
		r := m.own(m.attacker)
		r.body = maps.Clone(r.body)
		for name, value := range more {
			if _, taken := m.dish.refs[name]; !taken {
				r.body[name] = value
			}
		}
		m.check("mass assignment", r, m.send(m.t, r))
	}
}

// headers claims to be the victim in every header that a gateway or a proxy might fill.
func (m *matrix) headers(base request) {
	v := m.victims[0]
	if m.op.method != http.MethodGet {
		return // what is read tells who one is taken for
	}
	forged := fmt.Sprintf(`{"authorizer":{"client_id":%q,"user_id":%q,"role":"client_admin","session_id":"ses_x"}}`, v.id, v.ids["user_id"])
	r := base.clone()
	for name, value := range map[string]string{"X-Client-Id": v.id, "X-Tenant-Id": v.id, "X-Amz-Tenant-Id": v.id, "Client_id": v.id, "Role": "client_admin",
		"User_id": v.ids["user_id"], "X-Golambdaproxy-Apigw-Context": forged, "X-Golambdaproxy-Apigw-Stagevars": forged, "X-Apigateway-Context": forged,
		"X-Original-Url": "/v1/client", "X-Forwarded-Host": v.id} {
		r.headers[name] = value
	}
	a := m.send(m.t, r)
	m.check("header", r, a)
	if plain := m.send(m.t, base); plain.status != a.status {
		m.t.Errorf("%s as %s: forged headers turn %d into %d", m.op.id, m.role, plain.status, a.status)
	}
}

// cursors takes the victim's place in a list.
func (m *matrix) cursors(base request) {
	if !m.op.takesQuery("cursor") || m.dish.short != "" || !m.works[m.role] || m.role == root {
		return
	}
	theirs := m.own(m.victims[0]).asking("limit", "1")
	theirs.token = m.victims[0].tokens[m.role]
	var page struct {
		Next string `json:"next_cursor"`
	}
	a := m.send(m.t, theirs)
	if a.status >= 300 {
		m.t.Errorf("%s as %s: a page of their own: %d %.300s", m.op.id, m.role, a.status, a.raw)
		return
	}
	decode(m.t, a, &page)
	if page.Next == "" {
		if m.role == admin {
			m.t.Errorf("%s: no second page, so no cursor to take", m.op.id)
		}
		return
	}
	r := base.asking("cursor", page.Next).asking("limit", "1")
	a = m.send(m.t, r)
	m.check("cursor", r, a)
	if a.status != http.StatusBadRequest {
		m.count.leaks++
		m.t.Errorf("%s as %s: another client's cursor: %d %.300s", m.op.id, m.role, a.status, a.raw)
	}
}

// repeats sends a request with a key that the victim has used for the same.
func (m *matrix) repeats() {
	if !m.op.takesHeader("Idempotency-Key") || !m.works[m.role] || m.role == root {
		return
	}
	theirs, r := m.own(m.victims[0]), m.own(m.attacker)
	word := mark()
	theirs.headers["Idempotency-Key"], r.headers["Idempotency-Key"] = word, word
	m.send(m.t, theirs)
	a := m.send(m.t, r)
	m.check("idempotency key", r, a)
	if a.header.Get("Idempotency-Replayed") != "" {
		m.count.leaks++
		m.t.Errorf("%s as %s: the other client's answer: %d %.300s", m.op.id, m.role, a.status, a.raw)
	}
}
