package isolation

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/nowgo/agents/tests/journey"
)

// shown are the paths that tell whether something of a company was changed.
var shown = []string{"/v1/client", "/v1/client/settings", "/v1/profiles/{profile_id}", "/v1/agents/{agent_id}", "/v1/agents/{agent_id}/configurations/1",
	"/v1/agents/{agent_id}/documents/{document_id}", "/v1/conversations/{conversation_id:standard_user}", "/v1/conversations/{conversation_id:standard_user}/messages",
	"/v1/users/{user_id}", "/v1/api-keys/{key_id}"}

// snapshots are the answers of those paths in every victim. Lists are left out: recipes that are cooked for a victim add to them.
func (m *matrix) snapshots() map[string]string {
	found := map[string]string{}
	for _, v := range m.victims {
		for _, path := range shown {
			filled := path
			for name, id := range v.ids {
				filled = strings.ReplaceAll(filled, "{"+name+"}", id)
			}
			a := m.must(m.t, v.tokens[admin], "GET", filled, nil)
			found[v.name+" "+filled] = timeless(a.raw)
		}
	}
	return found
}

// timeless leaves out what the victim's own calls change.
func timeless(raw []byte) string {
	var v map[string]any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	for _, name := range []string{"last_used_at", "updated_at", "version", "corpus", "passages", "documents", "agents"} {
		delete(v, name)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(b)
}

// outWithin is how soon a suspended client's people are out, everywhere.
const outWithin = 60 * time.Second

// suspended suspends a client, waits until its people are out, and has them try every operation.
func (m *matrix) suspended(c *company) {
	m.t.Helper()
	m.must(m.t, m.root, "POST", "/v1/clients/"+c.id+"/suspend", nil)
	deadline := time.Now().Add(outWithin)
	for m.send(m.t, request{method: "GET", path: "/v1/client", token: c.tokens[admin]}).status < 300 {
		if time.Now().After(deadline) {
			m.t.Fatalf("a suspended client's administrator is in after %s", outWithin)
		}
		select {
		case <-m.t.Context().Done():
			return
		case <-time.After(time.Second):
		}
	}
	for _, m.op = range m.documents {
		dish := recipes[m.op.id]
		if dish.self || dish.make == nil || strings.HasPrefix(m.op.path, "/v1/auth/") || !strings.HasPrefix(m.op.path, "/v1/") {
			continue
		}
		for _, m.role = range []string{admin, manager, user, key} {
			r := request{method: m.op.method, path: m.op.path, token: c.tokens[m.role], vars: c.ids}
			a := m.send(m.t, r)
			m.count.attempts++
			m.count.vectors["suspended client's credential"]++
			if a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
				m.count.leaks++
				m.t.Errorf("%s as %s of a suspended client: %d %.300s", m.op.id, m.role, a.status, a.raw)
			}
		}
	}
}

// archived looks for the victims in what the bus brought of the attacker.
func (m *matrix) archived(d journey.Deployment) {
	m.t.Helper()
	bodies, err := d.Archived(m.t.Context(), m.attacker.id)
	if err != nil {
		m.t.Fatal(err)
	}
	m.op, m.role, m.dish = operation{id: "events"}, "the bus", recipe{}
	for _, body := range bodies {
		var e struct {
			Target struct {
				ID string `json:"id"`
			} `json:"target"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			m.t.Fatal(err)
		}
		// An event of the attacker's own trail may name, as its target, what the attacker itself asked for.
		m.check("event", request{vars: map[string]string{"target": e.Target.ID}}, answer{status: http.StatusOK, raw: body})
	}
	if len(bodies) == 0 {
		m.t.Error("the bus brought nothing of the attacker")
	}
}
