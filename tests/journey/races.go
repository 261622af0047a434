package journey

import (
	"fmt"
	"maps"
	"sync"
	"testing"
)

// atOnce makes n calls at the same time and counts their statuses.
func atOnce(n int, call func(i int) Answer) (answers []Answer, statuses map[int]int) {
	answers, statuses = make([]Answer, n), map[int]int{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i] = call(i) })
	}
	all.Wait()
	for _, a := range answers {
		statuses[a.Status]++
	}
	return answers, statuses
}

// races makes the same change many times at once: it happens once, and nobody who named no version is told of a wrong one.
func races(t *testing.T, d Deployment, c company) {
	const n = 6
	c.admin.t = t
	nobody := d.As(t, "")
	body := object{"name": "Race", "industry": "retail", "size": object{"employees": 2}}
	profile := c.admin.Must(201, "POST", "/v1/profiles", body).Text("id")
	expect := func(name string, got, want map[int]int) {
		t.Helper()
		if !maps.Equal(got, want) {
			t.Errorf("%s: statuses %v, not %v", name, got, want)
		}
	}
	tag := c.admin.Must(200, "GET", "/v1/profiles/"+profile, nil).Header.Get("ETag")
	_, got := atOnce(n, func(i int) Answer {
		return c.admin.Do("PATCH", "/v1/profiles/"+profile, object{"name": fmt.Sprint("P", i)}, "If-Match", tag)
	})
	expect("one version", got, map[int]int{200: 1, 412: n - 1})

	agent := c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	c.admin.Must(200, "GET", "/v1/agents/"+agent+"/configurations/1", nil)
	c.admin.Refused(404, "configuration_not_found", "GET", "/v1/agents/"+agent+"/configurations/01", nil) // a version has one address
	_, got = atOnce(n, func(int) Answer { return c.admin.Do("POST", "/v1/agents/"+agent+"/publish", nil) })
	expect("publish", got, map[int]int{200: 1, 409: n - 1})
	// Three: the last of them wins its third try, well within what a change is tried again.
	_, got = atOnce(3, func(i int) Answer {
		return c.admin.Do("POST", "/v1/agents/"+agent+"/documents", object{"name": fmt.Sprintf("%d.md", i), "content_type": "text/markdown",
			"content": "# Horário\n\nDas 9 às 18."})
	})
	expect("documents", got, map[int]int{201: 3})

	invited := c.admin.Must(201, "POST", "/v1/users", object{"email": "r@" + unique("r") + ".example", "name": "R", "role": "standard_user"})
	answers, got := atOnce(n, func(int) Answer {
		return nobody.Do("POST", "/v1/auth/invitations/accept", object{"token": invited.Text("invitation", "token"), "password": password})
	})
	expect("accept", got, map[int]int{200: 1, 401: n - 1})
	for _, a := range answers {
		if a.Status == 200 {
			oneRefresh(t, nobody, object{"refresh_token": a.Text("refresh_token")})
		}
	}
	replayed(t, c, body)
}

// oneRefresh exchanges one token many times at once: it works once, and the others are told so.
func oneRefresh(t *testing.T, nobody *Caller, token object) {
	if _, got := atOnce(6, func(int) Answer { return nobody.Do("POST", "/v1/auth/refresh", token) }); got[200] != 1 || got[409] != 5 {
		t.Errorf("refresh: statuses %v", got)
	}
}

// replayed makes one request with one key many times at once: whoever gets an answer gets the same.
func replayed(t *testing.T, c company, body object) {
	key := unique("race-key")
	answers, got := atOnce(6, func(int) Answer { return c.admin.Do("POST", "/v1/profiles", body, "Idempotency-Key", key) })
	if got[201] < 1 || got[201]+got[409] != 6 {
		t.Errorf("one key: statuses %v", got)
	}
	ids := map[string]bool{}
	for _, a := range answers {
		if a.Status == 201 {
			ids[a.Text("id")] = true
		}
	}
	if len(ids) != 1 {
		t.Errorf("one key made %d profiles", len(ids))
	}
}
