package journey

import (
	"strings"
	"testing"
)

// neighbours are two standard users of one client: neither sees or touches what the other says, by id or in a list.
func neighbours(t *testing.T, c company, profile string) {
	c.admin.t = t
	agent := c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	c.admin.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
	var people [2]*Caller
	var talks [2]string
	for i := range people {
		invited := c.admin.Must(201, "POST", "/v1/users", object{"email": "p@" + unique("p") + ".example", "name": "P", "role": "standard_user"})
		people[i] = accept(t, c.d, invited.Text("invitation", "token"), "P")
		talks[i] = people[i].Must(201, "POST", "/v1/agents/"+agent+"/conversations", object{}).Text("id")
		people[i].Must(201, "POST", "/v1/conversations/"+talks[i]+"/messages", object{"text": "Bom dia"})
	}
	list := "/v1/agents/" + agent + "/conversations?limit=100"
	for i, person := range people {
		own, theirs := talks[i], "/v1/conversations/"+talks[1-i]
		if raw := string(person.Must(200, "GET", list, nil).Raw); !strings.Contains(raw, own) || strings.Contains(raw, talks[1-i]) {
			t.Errorf("person %d sees in the list: %s", i, raw)
		}
		person.Must(200, "GET", "/v1/conversations/"+own, nil)
		person.Refused(404, "conversation_not_found", "GET", theirs, nil)
		person.Refused(404, "conversation_not_found", "GET", theirs+"/messages", nil)
		person.Refused(404, "conversation_not_found", "POST", theirs+"/messages", object{"text": "Olá"})
		person.Refused(404, "conversation_not_found", "POST", theirs+"/close", nil)
	}
	if raw := string(c.admin.Must(200, "GET", list, nil).Raw); !strings.Contains(raw, talks[0]) || !strings.Contains(raw, talks[1]) {
		t.Errorf("the administrator sees: %s", raw)
	}
	c.admin.Refused(404, "conversation_not_found", "POST", "/v1/conversations/"+talks[0]+"/messages", object{"text": "Olá"})
}

// suspension puts a client's people out: at once where a credential is made, within a minute where one is out already.
func suspension(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja Parada", unique("suspended"))
	nobody := d.As(t, "")
	session := nobody.Must(200, "POST", "/v1/auth/sign-in", object{"email": c.email, "password": password})
	waiting := c.admin.Must(201, "POST", "/v1/users", object{"email": "w@" + unique("w") + ".example", "name": "W", "role": "standard_user"})
	root := signIn(t, d, d.AdminEmail, d.AdminPassword)
	path := "/v1/clients/" + c.id
	first := root.Must(200, "POST", path+"/suspend", nil)
	if again := root.Must(200, "POST", path+"/suspend", nil); again.Header.Get("ETag") != first.Header.Get("ETag") || again.Text("status") != "suspended" {
		t.Errorf("suspended twice: %s", again.Raw)
	}
	refresh := object{"refresh_token": session.Text("refresh_token")}
	invitation := object{"token": waiting.Text("invitation", "token"), "name": "W", "password": password}
	nobody.Refused(403, "client_suspended", "POST", "/v1/auth/sign-in", object{"email": c.email, "password": password})
	nobody.Refused(401, "invalid_credentials", "POST", "/v1/auth/sign-in", object{"email": c.email, "password": "not-the-password-1"})
	nobody.Refused(403, "client_suspended", "POST", "/v1/auth/refresh", refresh)
	nobody.Refused(403, "client_suspended", "POST", "/v1/auth/invitations/accept", invitation)
	root.Must(200, "POST", path+"/resume", nil)
	nobody.Must(200, "POST", "/v1/auth/refresh", refresh) // the refusals used up neither token
	nobody.Must(200, "POST", "/v1/auth/invitations/accept", invitation)
}
