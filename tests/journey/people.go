package journey

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// member is somebody who has accepted.
type member struct {
	*Caller
	id, email string
}

// join invites somebody into the client and lets them accept.
func (c company) join(t testing.TB, name, role string) member {
	t.Helper()
	email := strings.ToLower(name) + "@" + unique("people") + ".example"
	made := c.admin.Must(201, "POST", "/v1/users", object{"email": email, "name": name, "role": role})
	return member{accept(t, c.d, made.Text("invitation", "token"), name), made.Text("id"), email}
}

// change makes a call upon a user at the version that it has.
func (c company) change(method, id string, body any) Answer {
	c.admin.t.Helper()
	tag := c.admin.Must(200, "GET", "/v1/users/"+id, nil).Header.Get("ETag")
	return c.admin.Do(method, "/v1/users/"+id, body, "If-Match", tag)
}

// People is what administrators do with the users of their client, and what nobody may.
func People(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja das Pessoas", unique("people"))
	t.Run("invitations are sent again and withdrawn", func(t *testing.T) { invitations(t, c) })
	t.Run("users are changed, disabled and removed", func(t *testing.T) { users(t, c) })
	t.Run("a client keeps an administrator", func(t *testing.T) { lastAdministrator(t, c) })
	t.Run("users are searched and filtered", func(t *testing.T) { search(t, c) })
	t.Run("a person belongs to several clients", func(t *testing.T) { severalClients(t, c) })
	t.Run("a client without an administrator gets one", func(t *testing.T) { stuckClient(t, d) })
	t.Run("attacks", func(t *testing.T) { attacksOnUsers(t, c) })
}

func invitations(t *testing.T, c company) {
	c.admin.t = t
	nobody := c.d.As(t, "")
	made := c.admin.Must(201, "POST", "/v1/users", object{"email": "i@" + unique("i") + ".example", "name": "I", "role": "standard_user"})
	path, first := "/v1/users/"+made.Text("id"), made.Text("invitation", "token")
	again := c.admin.Must(201, "POST", path+"/invitation", nil, "Idempotency-Key", unique("resend"))
	if again.Text("id") != made.Text("id") || again.Text("invitation", "token") == first {
		t.Errorf("sent again: %s", again.Raw)
	}
	answer := object{"token": first, "password": password}
	nobody.Refused(401, "invalid_invitation", "POST", "/v1/auth/invitations/accept", answer)
	c.admin.Refused(409, "user_not_accepted", "PATCH", path, object{"status": "active"}, "If-Match", again.Header.Get("ETag"))
	c.admin.Refused(428, "if_match_required", "DELETE", path+"/invitation", nil)
	c.admin.Refused(412, "version_mismatch", "DELETE", path+"/invitation", nil, "If-Match", made.Header.Get("ETag"))
	c.admin.Must(204, "DELETE", path+"/invitation", nil, "If-Match", again.Header.Get("ETag"))
	answer["token"] = again.Text("invitation", "token")
	nobody.Refused(401, "invalid_invitation", "POST", "/v1/auth/invitations/accept", answer)
	c.admin.Refused(404, "user_not_found", "GET", path, nil)
	m := c.join(t, "Accepted", "standard_user")
	c.admin.Refused(409, "user_not_invited", "POST", "/v1/users/"+m.id+"/invitation", nil)
	c.admin.Refused(409, "user_not_invited", "DELETE", "/v1/users/"+m.id+"/invitation", nil, "If-Match", `"v2"`)
}

func users(t *testing.T, c company) {
	c.admin.t = t
	nobody := c.d.As(t, "")
	m := c.join(t, "Manager", "standard_user")
	path, login := "/v1/users/"+m.id, object{"email": m.email, "password": password}
	profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "P", "industry": "retail", "size": object{"employees": 2}}).Text("id")
	c.admin.Refused(428, "if_match_required", "PATCH", path, object{"name": "X"})
	changed := c.admin.Must(200, "PATCH", path, object{"name": "Rui", "role": "agent_manager", "within": []string{profile}}, "If-Match", `"v2"`)
	if string(changed.Raw) != string(c.admin.Must(200, "GET", path, nil).Raw) || changed.Text("role") != "agent_manager" ||
		!strings.Contains(string(changed.Raw), `"within":["`+profile+`"]`) {
		t.Errorf("changed: %s", changed.Raw)
	}
	c.admin.Refused(412, "version_mismatch", "PATCH", path, object{"name": "X"}, "If-Match", `"v2"`)
	c.admin.Refused(422, "validation_failed", "PATCH", path, object{"within": []string{"pro_none"}}, "If-Match", `"v3"`)
	session := nobody.Must(200, "POST", "/v1/auth/sign-in", login)
	if a := c.change("PATCH", m.id, object{"status": "disabled"}); a.Status != 200 || a.Text("status") != "disabled" {
		t.Errorf("disabled: %s", a.Raw)
	}
	nobody.Refused(401, "invalid_credentials", "POST", "/v1/auth/sign-in", login)
	nobody.Refused(401, "invalid_refresh_token", "POST", "/v1/auth/refresh", object{"refresh_token": session.Text("refresh_token")})
	if a := c.change("PATCH", m.id, object{"status": "active"}); a.Status != 200 {
		t.Errorf("enabled: %s", a.Raw)
	}
	nobody.Must(200, "POST", "/v1/auth/sign-in", login)
	if a := c.change("DELETE", m.id, nil); a.Status != 204 {
		t.Errorf("removed: %s", a.Raw)
	}
	nobody.Refused(401, "invalid_credentials", "POST", "/v1/auth/sign-in", login)
	c.admin.Refused(404, "user_not_found", "GET", path, nil)
	for _, want := range []string{"user.updated", "user.removed", "session.ended"} {
		if trail := c.admin.Must(200, "GET", "/v1/audit-events?limit=100", nil); !strings.Contains(string(trail.Raw), `"type":"`+want+`"`) {
			t.Errorf("no %s in the trail", want)
		}
	}
}

func lastAdministrator(t *testing.T, c company) {
	c.admin.t = t
	for name, a := range map[string]Answer{"demoted": c.change("PATCH", c.adminID, object{"role": "standard_user"}),
		"disabled": c.change("PATCH", c.adminID, object{"status": "disabled"}), "removed": c.change("DELETE", c.adminID, nil)} {
		if a.Status != 409 || a.Text("code") != "last_administrator" {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
	for range 3 { // each round two administrators demote each other at once
		other := c.join(t, "Other", "client_admin")
		own := c.admin.Must(200, "GET", "/v1/users/"+c.adminID, nil).Header.Get("ETag")
		theirs := c.admin.Must(200, "GET", "/v1/users/"+other.id, nil).Header.Get("ETag")
		_, got := atOnce(2, func(i int) Answer {
			if i == 0 {
				return c.admin.Do("PATCH", "/v1/users/"+other.id, object{"role": "standard_user"}, "If-Match", theirs)
			}
			return other.Do("PATCH", "/v1/users/"+c.adminID, object{"role": "standard_user"}, "If-Match", own)
		})
		if got[200] != 1 {
			t.Fatalf("two administrators demote each other: statuses %v", got)
		}
		if c.admin = signIn(t, c.d, c.email, password); c.admin.Do("GET", "/v1/users", nil).Status == 403 {
			again := signIn(t, c.d, other.email, password)
			again.Must(200, "PATCH", "/v1/users/"+c.adminID, object{"role": "client_admin"}, "If-Match",
				again.Must(200, "GET", "/v1/users/"+c.adminID, nil).Header.Get("ETag"))
			c.admin = signIn(t, c.d, c.email, password)
			c.admin.Must(200, "PATCH", "/v1/users/"+other.id, object{"role": "standard_user"}, "If-Match", theirs)
		}
	}
}

func search(t *testing.T, c company) {
	c.admin = signIn(t, c.d, c.email, password)
	mark := strings.ReplaceAll(unique("zé"), "-", " ")
	for i, name := range []string{mark + " Ávila", mark + " Prado", "Outra"} {
		email := unique("s") + "@x.example"
		if i == 2 {
			email = strings.ReplaceAll(strings.ReplaceAll(mark, "é", "e"), " ", ".") + "@x.example"
		}
		c.admin.Must(201, "POST", "/v1/users", object{"email": email, "name": name, "role": "standard_user"})
	}
	find := func(q string) []string {
		var names []string
		for cursor := ""; ; {
			var page struct {
				Items []struct{ Name string }
				Next  *string `json:"next_cursor"`
			}
			c.admin.Must(200, "GET", "/v1/users?limit=1&"+q+"&cursor="+cursor, nil).Into(&page)
			for _, u := range page.Items {
				names = append(names, strings.TrimPrefix(u.Name, mark+" "))
			}
			if page.Next == nil {
				return names
			}
			cursor = *page.Next
		}
	}
	folded := strings.ToUpper(strings.ReplaceAll(mark, "é", "e"))
	for q, want := range map[string][]string{
		"q=" + url.QueryEscape(folded):                                            {"Ávila", "Prado"},
		"q=" + url.QueryEscape(folded+" avi"):                                     {"Ávila"},
		"q=" + url.QueryEscape(strings.ReplaceAll(folded, " ", ".")):              {"Outra"},
		"status=active&q=" + url.QueryEscape(folded):                              nil,
		"role=standard_user&status=invited&q=" + url.QueryEscape(folded+" prado"): {"Prado"},
	} {
		if got := find(q); !slices.Equal(got, want) {
			t.Errorf("%s finds %q, not %q", q, got, want)
		}
	}
	other := onboard(t, c.d, "Outra Loja", unique("searching"))
	if raw := string(other.admin.Must(200, "GET", "/v1/users?q="+url.QueryEscape(folded), nil).Raw); strings.Contains(raw, "usr_") {
		t.Errorf("another client finds: %s", raw)
	}
	next := c.admin.Must(200, "GET", "/v1/users?limit=1&q=a", nil).Text("next_cursor")
	c.admin.Refused(400, "invalid_cursor", "GET", "/v1/users?limit=1&q=b&cursor="+next, nil)
	c.admin.Refused(422, "validation_failed", "GET", "/v1/users?status=gone", nil)
}

// severalClients gives one person, with one login, places in two clients.
func severalClients(t *testing.T, c company) {
	c.admin = signIn(t, c.d, c.email, password)
	nobody, m, other := c.d.As(t, ""), c.join(t, "Both", "standard_user"), onboard(t, c.d, "Segunda", unique("second"))
	invited := other.admin.Must(201, "POST", "/v1/users", object{"email": m.email, "name": "Both", "role": "agent_manager"})
	answer := object{"token": invited.Text("invitation", "token"), "password": "not-the-password-1"}
	nobody.Refused(401, "invalid_credentials", "POST", "/v1/auth/invitations/accept", answer)
	answer["password"] = password
	nobody.Must(200, "POST", "/v1/auth/invitations/accept", answer)
	login := object{"email": m.email, "password": password}
	nobody.Refused(409, "client_required", "POST", "/v1/auth/sign-in", login)
	for _, id := range []string{c.id, other.id} {
		login["client"] = id
		in := c.d.As(t, nobody.Must(200, "POST", "/v1/auth/sign-in", login).Text("access_token"))
		if got := in.Must(200, "GET", "/v1/auth/me", nil).Text("client_id"); got != id {
			t.Errorf("signed in to %s, not %s", got, id)
		}
	}
	if a := c.change("DELETE", m.id, nil); a.Status != 204 {
		t.Errorf("removed: %s", a.Raw)
	}
	delete(login, "client")
	nobody.Must(200, "POST", "/v1/auth/sign-in", login) // there is one left
}

// stuckClient is one whose administrator never got in.
func stuckClient(t *testing.T, d Deployment) {
	root, nobody := signIn(t, d, d.AdminEmail, d.AdminPassword), d.As(t, "")
	email := "ana@" + unique("stuck") + ".example"
	made := root.Must(201, "POST", "/v1/clients", object{"name": "Loja Presa", "slug": unique("stuck"), "languages": []string{"pt-BR"},
		"administrator": object{"email": email, "name": "Ana"}})
	path := "/v1/clients/" + made.Text("id") + "/administrators"
	again := root.Must(201, "POST", path, object{"email": email, "name": "Ana"})
	nobody.Refused(401, "invalid_invitation", "POST", "/v1/auth/invitations/accept", object{"token": made.Text("invitation", "token"), "password": password})
	admin := accept(t, d, again.Text("invitation", "token"), "Ana")
	if again.Text("role") != "client_admin" || admin.Must(200, "GET", "/v1/auth/me", nil).Text("role") != "client_admin" {
		t.Errorf("invited: %s", again.Raw)
	}
	root.Refused(409, "user_exists", "POST", path, object{"email": email, "name": "Ana"})
	root.Must(201, "POST", path, object{"email": "eva@" + unique("stuck") + ".example", "name": "Eva", "language": "en"})
	root.Refused(404, "client_not_found", "POST", "/v1/clients/cli_none/administrators", object{"email": email, "name": "Ana"})
	admin.Refused(403, "forbidden", "POST", path, object{"email": "m@m.example", "name": "M"})
	for who, caller := range map[string]*Caller{"client": admin, "platform": root} {
		if trail := string(caller.Must(200, "GET", "/v1/audit-events?limit=100", nil).Raw); !strings.Contains(trail, `"action":"invite-administrator"`) {
			t.Errorf("not in the trail of the %s", who)
		}
	}
}

// attacksOnUsers tries to become more than one is.
func attacksOnUsers(t *testing.T, c company) {
	c.admin = signIn(t, c.d, c.email, password)
	manager, victim := c.join(t, "Mallory", "agent_manager"), c.join(t, "Victim", "standard_user")
	other := onboard(t, c.d, "Vizinha", unique("attacked"))
	t.Run("self-promotion", func(t *testing.T) {
		manager.t = t
		for _, body := range []object{{"role": "client_admin"}, {"within": []string{}}, {"status": "active"}} {
			manager.Refused(403, "forbidden", "PATCH", "/v1/users/"+manager.id, body, "If-Match", `"v2"`)
		}
		manager.Refused(403, "forbidden", "DELETE", "/v1/users/"+c.adminID, nil, "If-Match", `"v2"`)
		manager.Refused(403, "forbidden", "POST", "/v1/users", object{"email": "m@m.example", "name": "M", "role": "client_admin"})
		manager.Refused(403, "forbidden", "POST", "/v1/clients/"+c.id+"/administrators", object{"email": "m@m.example", "name": "M"})
		c.admin.t = t
		c.admin.Refused(422, "validation_failed", "PATCH", "/v1/users/"+c.adminID, object{"role": "global_admin"}, "If-Match", `"v2"`)
	})
	t.Run("mass assignment", func(t *testing.T) { massAssignment(t, c, victim) })
	t.Run("another client's users", func(t *testing.T) {
		other.admin.t, c.admin.t = t, t
		for _, call := range []struct {
			method, path string
			body         any
		}{{"GET", "", nil}, {"PATCH", "", object{"role": "standard_user"}}, {"DELETE", "", nil}, {"POST", "/invitation", nil}, {"DELETE", "/invitation", nil}} {
			for _, id := range []string{c.adminID, victim.id} {
				other.admin.Refused(404, "user_not_found", call.method, "/v1/users/"+id+call.path, call.body, "If-Match", `"v2"`)
			}
		}
		profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "P", "industry": "retail", "size": object{"employees": 2}}).Text("id")
		theirs := other.join(t, "Theirs", "agent_manager")
		other.admin.Refused(422, "validation_failed", "PATCH", "/v1/users/"+theirs.id, object{"within": []string{profile}}, "If-Match", `"v2"`)
	})
}

// massAssignment sends fields that are nobody's to set: each is refused, and nothing else of the body done.
func massAssignment(t *testing.T, c company, victim member) {
	c.admin.t = t
	nobody := c.d.As(t, "")
	waiting := c.admin.Must(201, "POST", "/v1/users", object{"email": "w@" + unique("w") + ".example", "name": "W", "role": "standard_user"})
	for field, value := range map[string]any{"id": "usr_x", "client_id": "cli_other", "person": "per_x", "version": 9, "email": "mallory@x.example",
		"created_at": "2020-01-01T00:00:00Z", "global": true, "memberships": []object{{"global": true}}, "Role": "client_admin"} {
		c.admin.Refused(422, "validation_failed", "PATCH", "/v1/users/"+victim.id, object{"name": "Mass", field: value}, "If-Match", `"v2"`)
		body := object{"token": waiting.Text("invitation", "token"), "password": password, field: value}
		nobody.Refused(422, "validation_failed", "POST", "/v1/auth/invitations/accept", body)
		if field != "email" {
			c.admin.Refused(422, "validation_failed", "POST", "/v1/users",
				object{"email": "n@" + unique("n") + ".example", "name": "N", "role": "standard_user", field: value})
		}
	}
	c.admin.Refused(422, "validation_failed", "PATCH", "/v1/users/"+victim.id, []byte(`{"role":"standard_user","ROLE":"client_admin"}`), "If-Match", `"v2"`)
	for _, field := range []string{"role", "status"} {
		nobody.Refused(422, "validation_failed", "POST", "/v1/auth/invitations/accept",
			object{"token": waiting.Text("invitation", "token"), "password": password, field: "client_admin"})
	}
	for _, extra := range []object{{"status": "active"}, {"within": []string{}}, {"password": password}} {
		body := object{"email": "n@" + unique("n") + ".example", "name": "N", "role": "standard_user"}
		for k, v := range extra {
			body[k] = v
		}
		c.admin.Refused(422, "validation_failed", "POST", "/v1/users", body)
	}
	if u := c.admin.Must(200, "GET", "/v1/users/"+victim.id, nil); u.Header.Get("ETag") != `"v2"` || u.Text("name") != "Victim" {
		t.Errorf("the user is %s", u.Raw)
	}
	nobody.Must(200, "POST", "/v1/auth/invitations/accept", object{"token": waiting.Text("invitation", "token"), "password": password})
}
