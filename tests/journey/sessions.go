package journey

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Sessions is what becomes of sessions: they are refreshed, raced for, stolen, listed, ended, and carried over to another client.
func Sessions(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja das Sessões", unique("sessions"))
	for _, scenario := range []struct {
		name string
		run  func(*testing.T, company)
	}{
		{"sign-in tells nobody whether an address has a login", enumeration},
		{"a refresh token works once", refreshes},
		{"of two tabs one refreshes, and both go on", tabs},
		{"a stolen refresh token ends its session", stolen},
		{"people see and end their own sessions", ownSessions},
		{"an administrator sees and ends a user's sessions", usersSessions},
		{"a person switches clients without a second sign-in", switches},
		{"guessing is slowed down, and locks nobody out", guessing},
	} {
		t.Run(scenario.name, func(t *testing.T) {
			c.admin.t = t
			scenario.run(t, c)
		})
	}
}

const signInPath, refreshPath, wrongPassword = "/v1/auth/sign-in", "/v1/auth/refresh", "not-the-password-1"

// session is a signed-in session.
type session struct {
	*Caller
	refresh string
}

func sessionOf(t testing.TB, d Deployment, a Answer) session {
	return session{d.As(t, a.Text("access_token")), a.Text("refresh_token")}
}

func (m member) signIn(t testing.TB, d Deployment) session {
	t.Helper()
	return sessionOf(t, d, d.As(t, "").Must(200, "POST", signInPath, object{"email": m.email, "password": password}))
}

// id is the session's id, from the list of its user's.
func (s session) id() string {
	s.t.Helper()
	for _, item := range s.list("/v1/auth/sessions") {
		if item.Current {
			return item.ID
		}
	}
	s.t.Fatal("no session is the current one")
	return ""
}

type listed struct {
	ID          string   `json:"id"`
	Method      string   `json:"method"`
	Factors     []string `json:"factors"`
	RefreshedAt *string  `json:"refreshed_at"`
	Current     bool     `json:"current"`
}

func (c *Caller) list(path string) []listed {
	c.t.Helper()
	var page struct {
		Items []listed `json:"items"`
	}
	c.Must(200, "GET", path+"?limit=100", nil).Into(&page)
	return page.Items
}

// wantRecorded fails unless the client's trail has an event of a type with a text in its change.
func (c company) wantRecorded(t *testing.T, kind, change string) {
	t.Helper()
	c.admin.t = t
	raw := string(c.admin.Must(200, "GET", "/v1/audit-events?limit=100", nil).Raw)
	for item := range strings.SplitSeq(raw, `"occurred_at"`) {
		if strings.Contains(item, `"`+kind+`"`) && strings.Contains(item, change) {
			return
		}
	}
	t.Errorf("no %s with %s in the trail", kind, change)
}

func enumeration(t *testing.T, c company) {
	nobody, there := c.d.As(t, ""), onboard(t, c.d, "Outra", unique("enumeration"))
	answers := map[string]object{"a wrong password": {"email": c.email, "password": wrongPassword},
		"an unknown address": {"email": "nobody@" + unique("no") + ".example", "password": wrongPassword},
		"not a member":       {"email": c.email, "password": password, "client": there.id}}
	seen := map[string]string{}
	for name, in := range answers {
		a := nobody.Refused(401, "invalid_credentials", "POST", signInPath, in)
		seen[strings.ReplaceAll(string(a.Raw), a.Text("request_id"), "")] = name
	}
	if len(seen) != 1 {
		t.Errorf("the answers differ: %v", seen)
	}
	c.wantRecorded(t, "session.refused", "bad_credentials")
	c.wantRecorded(t, "session.refused", "not_a_member")
}

func refreshes(t *testing.T, c company) {
	nobody, m := c.d.As(t, ""), c.join(t, "Once", "standard_user")
	first := m.signIn(t, c.d)
	second := sessionOf(t, c.d, nobody.Must(200, "POST", refreshPath, object{"refresh_token": first.refresh}))
	late := nobody.Refused(409, "refresh_superseded", "POST", refreshPath, object{"refresh_token": first.refresh})
	if strings.Contains(string(late.Raw), "token\"") {
		t.Errorf("who came late got a token: %s", late.Raw)
	}
	c.wantRecorded(t, "session.refused", "superseded")
	if list := second.list("/v1/auth/sessions"); len(list) != 2 || list[0].RefreshedAt == nil || list[1].RefreshedAt != nil {
		t.Errorf("sessions %+v", list)
	}
	third := sessionOf(t, c.d, nobody.Must(200, "POST", refreshPath, object{"refresh_token": second.refresh}))
	third.Must(204, "POST", "/v1/auth/sign-out", nil)
	nobody.Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": third.refresh})
	for _, text := range []string{"", "nrt_", "nonsense", third.token, third.refresh + "A"} {
		nobody.Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": text})
	}
}

func tabs(t *testing.T, c company) {
	m := c.join(t, "Tabs", "standard_user")
	s := m.signIn(t, c.d)
	for range 5 {
		answers, got := atOnce(4, func(int) Answer {
			return c.d.As(t, "").Do("POST", refreshPath, object{"refresh_token": s.refresh})
		})
		if got[200] != 1 || got[409] != 3 {
			t.Fatalf("four tabs at once: %v", got)
		}
		for _, a := range answers {
			if a.Status == 200 {
				s = sessionOf(t, c.d, a)
			}
		}
	}
	s.Must(200, "GET", "/v1/auth/me", nil)
}

func stolen(t *testing.T, c company) {
	nobody, m := c.d.As(t, ""), c.join(t, "Robbed", "standard_user")
	tokens := []string{m.signIn(t, c.d).refresh}
	for range 2 {
		tokens = append(tokens, nobody.Must(200, "POST", refreshPath, object{"refresh_token": tokens[len(tokens)-1]}).Text("refresh_token"))
	}
	for _, token := range tokens { // the oldest first, which ends it
		nobody.Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": token})
	}
	c.wantRecorded(t, "session.ended", "token_reused")
	c.wantRecorded(t, "session.refused", "token_reused")
}

func ownSessions(t *testing.T, c company) {
	m, eve := c.join(t, "Owner", "standard_user"), c.join(t, "Eve", "agent_manager")
	here, there := m.signIn(t, c.d), m.signIn(t, c.d)
	list := here.Must(200, "GET", "/v1/auth/sessions", nil)
	for _, secret := range []string{"nrt_", here.token, there.token, "hash"} {
		if strings.Contains(string(list.Raw), secret) {
			t.Errorf("%q is in the list", secret)
		}
	}
	theirs := "/v1/auth/sessions/" + there.id()
	stranger := onboard(t, c.d, "Estranha", unique("stranger"))
	for name, other := range map[string]*Caller{"another user": eve.Caller, "another client's administrator": stranger.admin, "an administrator": c.admin} {
		other.t = t
		other.Refused(404, "session_not_found", "DELETE", theirs, nil)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	here.Must(204, "DELETE", theirs, nil)
	here.Refused(404, "session_not_found", "DELETE", theirs, nil)
	c.d.As(t, "").Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": there.refresh})
	c.d.As(t, "").Refused(401, "authentication_required", "GET", "/v1/auth/sessions", nil)
	c.wantRecorded(t, "session.ended", "ended_by_user")
}

func usersSessions(t *testing.T, c company) {
	m := c.join(t, "Watched", "standard_user")
	first, second, third := m.signIn(t, c.d), m.signIn(t, c.d), m.signIn(t, c.d)
	path, id := "/v1/users/"+m.id+"/sessions", first.id()
	c.admin.t = t
	if list := c.admin.list(path); len(list) != 4 || list[0].Current {
		t.Errorf("the administrator sees %+v", list)
	}
	stranger := onboard(t, c.d, "Estranha", unique("stranger"))
	stranger.admin.Refused(404, "user_not_found", "GET", path, nil)
	stranger.admin.Refused(404, "user_not_found", "DELETE", path, nil)
	stranger.admin.Refused(404, "session_not_found", "DELETE", path+"/"+id, nil)
	stranger.admin.Refused(404, "session_not_found", "DELETE", "/v1/users/"+stranger.adminID+"/sessions/"+id, nil)
	third.Refused(403, "forbidden", "GET", path, nil)
	third.Refused(403, "forbidden", "DELETE", path, nil)
	key := unique("end")
	for range 2 { // the second time is the first one's answer
		c.admin.Must(204, "DELETE", path+"/"+id, nil, "Idempotency-Key", key)
	}
	nobody := c.d.As(t, "")
	nobody.Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": first.refresh})
	second = sessionOf(t, c.d, nobody.Must(200, "POST", refreshPath, object{"refresh_token": second.refresh}))
	c.admin.Must(204, "DELETE", path, nil)
	if list := c.admin.list(path); len(list) != 0 {
		t.Errorf("%+v are left", list)
	}
	for _, s := range []session{second, third} {
		nobody.Refused(401, "invalid_refresh_token", "POST", refreshPath, object{"refresh_token": s.refresh})
	}
	m.signIn(t, c.d)
	c.wantRecorded(t, "session.ended", "ended_by_administrator")
}

func switches(t *testing.T, c company) {
	nobody, m, there := c.d.As(t, ""), c.join(t, "Both", "standard_user"), onboard(t, c.d, "Segunda", unique("second"))
	invited := there.admin.Must(201, "POST", "/v1/users", object{"email": m.email, "name": "Both", "role": "agent_manager"})
	nobody.Must(200, "POST", "/v1/auth/invitations/accept", object{"token": invited.Text("invitation", "token"), "password": password})
	from := sessionOf(t, c.d, nobody.Must(200, "POST", signInPath, object{"email": m.email, "password": password, "client": c.id}))
	to := sessionOf(t, c.d, from.Must(200, "POST", "/v1/auth/switch", object{"client": there.id}))
	me := to.Must(200, "GET", "/v1/auth/me", nil)
	if me.Text("client_id") != there.id || me.Text("role") != "agent_manager" || me.Text("user_id") == m.id {
		t.Errorf("switched to %s", me.Raw)
	}
	if list := to.list("/v1/auth/sessions"); len(list) == 0 || list[0].Method != "switch" || !list[0].Current {
		t.Errorf("sessions %+v", list)
	}
	from.Must(200, "GET", "/v1/auth/me", nil)
	nobody.Must(200, "POST", refreshPath, object{"refresh_token": to.refresh})
	stranger := onboard(t, c.d, "Estranha", unique("stranger"))
	for _, client := range []string{stranger.id, "platform", "cli_none"} {
		from.Refused(404, "client_not_found", "POST", "/v1/auth/switch", object{"client": client})
	}
	from.Refused(404, "session_not_found", "DELETE", "/v1/auth/sessions/"+to.id(), nil)
	there.wantRecorded(t, "session.started", `"switch"`)
	trail := there.admin.Must(200, "GET", "/v1/audit-events?limit=100", nil)
	if strings.Contains(string(trail.Raw), c.id) || strings.Contains(string(trail.Raw), m.id) {
		t.Error("the trail says where the person came from")
	}
}

// guessing asks for the pause of a process that saw the failures: with a meter in memory, functions have one each.
func guessing(t *testing.T, c company) {
	nobody := c.d.As(t, "")
	for name, email := range map[string]string{"a login": c.join(t, "Guessed", "standard_user").email, "no login": fmt.Sprintf("no@%s.example", unique("no"))} {
		var last Answer
		for range 40 {
			if last = nobody.Do("POST", signInPath, object{"email": email, "password": wrongPassword}); last.Status == 429 {
				break
			}
		}
		wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
		if last.Status != 429 || last.Text("code") != "too_many_attempts" || err != nil || wait < 1 || wait > 15*60 {
			t.Errorf("%s: %d, Retry-After %q: %s", name, last.Status, last.Header.Get("Retry-After"), last.Raw)
		}
	}
	nobody.Must(200, "POST", signInPath, object{"email": c.email, "password": password}) // nobody else has to wait
}
