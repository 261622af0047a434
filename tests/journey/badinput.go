package journey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// BadInput sends what no caller should, and holds every answer to a problem with the right status and code.
func BadInput(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja Azul", unique("bad-input"))
	profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 2}})
	path := "/v1/profiles/" + profile.Text("id")
	t.Run("bodies", func(t *testing.T) { badBodies(t, c) })
	t.Run("preconditions", func(t *testing.T) { preconditions(t, c, path, profile.Header.Get("ETag")) })
	t.Run("idempotency", func(t *testing.T) { repeats(t, c) })
	t.Run("cursors", func(t *testing.T) { cursors(t, d, c) })
	t.Run("tokens", func(t *testing.T) { tokens(t, d, c) })
	t.Run("routes", func(t *testing.T) { routes(t, d, c) })
	t.Run("roles", func(t *testing.T) { roles(t, d, c) })
	t.Run("neighbours", func(t *testing.T) { neighbours(t, c, profile.Text("id")) })
	t.Run("races", func(t *testing.T) { races(t, d, c) })
	t.Run("suspension", func(t *testing.T) { suspension(t, d) })
	t.Run("deletion", func(t *testing.T) {
		c.admin.t = t
		c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile.Text("id"), "template": "retail", "name": "Sofia"})
		tag := c.admin.Must(200, "GET", path, nil).Header.Get("ETag")
		c.admin.Refused(409, "profile_has_agents", "DELETE", path, nil, "If-Match", tag)
	})
}

func badBodies(t *testing.T, c company) {
	c.admin.t = t
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	good := `{"name":"X","industry":"retail","size":{"employees":2}`
	for name, b := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"not JSON":         {`{"name":`, 400, "malformed_body"},
		"no body":          {``, 400, "body_required"},
		"an array":         {`[]`, 400, "malformed_body"},
		"two values":       {good + `} {}`, 400, "malformed_body"},
		"deep":             {deep, 400, "malformed_body"},
		"invalid UTF-8":    {"{\"name\":\"\xff\",\"industry\":\"retail\",\"size\":{\"employees\":2}}", 400, "malformed_body"},
		"a wrong type":     {`{"name":7,"industry":"retail","size":{"employees":2}}`, 422, "validation_failed"},
		"an unknown field": {good + `,"client_id":"cli_other"}`, 422, "validation_failed"},
		"out of range":     {`{"name":"X","industry":"retail","size":{"employees":0}}`, 422, "validation_failed"},
		"a missing field":  {`{"name":"X","size":{"employees":2}}`, 422, "validation_failed"},
		"a NUL in a name":  {`{"name":"X\u0000","industry":"retail","size":{"employees":2}}`, 422, "validation_failed"},
		"a blank name":     {`{"name":"  ","industry":"retail","size":{"employees":2}}`, 422, "validation_failed"},
		"too large":        {`{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "body_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			c.admin.t = t
			c.admin.Refused(b.status, b.code, "POST", "/v1/profiles", []byte(b.body))
		})
	}
	c.admin.t = t
	c.admin.Refused(415, "unsupported_media_type", "POST", "/v1/profiles", []byte("name=x"), "Content-Type", "application/x-www-form-urlencoded")
	c.admin.Refused(415, "unsupported_media_type", "POST", "/v1/profiles", []byte("{}"), "Content-Encoding", "gzip")
	c.admin.Refused(404, "profile_not_found", "POST", "/v1/agents", object{"profile_id": "pro_\x00", "template": "retail", "name": "X"})
	a := c.admin.Refused(422, "validation_failed", "POST", "/v1/profiles", []byte(`{"name":"","industry":"retail","size":{"employees":0}}`))
	var p struct {
		Errors    []struct{ Location, Message string }
		RequestID string `json:"request_id"`
		Detail    string
	}
	a.Into(&p)
	if len(p.Errors) != 2 || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("one entry per field and the request's id: %s", a.Raw)
	}
	pt := c.admin.Refused(404, "profile_not_found", "GET", "/v1/profiles/pro_none", nil, "Accept-Language", "pt-BR").Text("detail")
	en := c.admin.Refused(404, "profile_not_found", "GET", "/v1/profiles/pro_none", nil, "Accept-Language", "en-GB,en;q=0.8").Text("detail")
	if pt == en || pt == "" || en == "" {
		t.Errorf("details: %q and %q", pt, en)
	}
}

func preconditions(t *testing.T, c company, path, tag string) {
	c.admin.t = t
	c.admin.Refused(428, "if_match_required", "PATCH", path, object{"name": "Y"})
	c.admin.Refused(412, "version_mismatch", "PATCH", path, object{"name": "Y"}, "If-Match", `"v99"`)
	c.admin.Refused(400, "invalid_if_match", "PATCH", path, object{"name": "Y"}, "If-Match", "nonsense")
	changed := c.admin.Must(200, "PATCH", path, object{"name": "Y"}, "If-Match", tag)
	c.admin.Refused(412, "version_mismatch", "PATCH", path, object{"name": "Z"}, "If-Match", tag)
	if got := changed.Header.Get("ETag"); got == tag || got == "" {
		t.Errorf("the ETag is %s after %s", got, tag)
	}
	c.admin.Refused(428, "if_match_required", "DELETE", path, nil)
}

// INVARIANT 12: repeatable.
func repeats(t *testing.T, c company) {
	c.admin.t = t
	body := object{"name": "Once", "industry": "retail", "size": object{"employees": 2}}
	first := c.admin.Must(201, "POST", "/v1/profiles", body, "Idempotency-Key", "key-1")
	again := c.admin.Must(201, "POST", "/v1/profiles", body, "Idempotency-Key", "key-1")
	if !bytes.Equal(bytes.TrimSpace(first.Raw), bytes.TrimSpace(again.Raw)) || first.Header.Get("ETag") != again.Header.Get("ETag") ||
		again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %s, again %s (%v)", first.Raw, again.Raw, again.Header)
	}
	list := c.admin.Must(200, "GET", "/v1/profiles?limit=100", nil)
	if n := strings.Count(string(list.Raw), `"Once"`); n != 1 {
		t.Errorf("%d effects of one key", n)
	}
	body["name"] = "Twice"
	c.admin.Refused(422, "idempotency_key_reused", "POST", "/v1/profiles", body, "Idempotency-Key", "key-1")
	invited := object{"email": "eva@" + unique("x") + ".example", "name": "Eva", "role": "standard_user"}
	one := c.admin.Must(201, "POST", "/v1/users", invited, "Idempotency-Key", "key-2")
	two := c.admin.Must(201, "POST", "/v1/users", invited, "Idempotency-Key", "key-2")
	if one.Text("invitation", "token") != two.Text("invitation", "token") {
		t.Error("a repeated invitation has another token")
	}
}

func cursors(t *testing.T, d Deployment, c company) {
	c.admin.t = t
	for range 3 {
		c.admin.Must(201, "POST", "/v1/profiles", object{"name": "P", "industry": "retail", "size": object{"employees": 2}})
	}
	next := c.admin.Must(200, "GET", "/v1/profiles?limit=1", nil).Text("next_cursor")
	c.admin.Must(200, "GET", "/v1/profiles?limit=1&cursor="+next, nil)
	c.admin.Refused(400, "invalid_cursor", "GET", "/v1/agents?limit=1&cursor="+next, nil)
	c.admin.Refused(400, "invalid_cursor", "GET", "/v1/profiles?cursor=nonsense", nil)
	c.admin.Refused(422, "validation_failed", "GET", "/v1/profiles?limit=101", nil)
	other := onboard(t, d, "Outra", unique("cursor"))
	other.admin.Refused(400, "invalid_cursor", "GET", "/v1/profiles?limit=1&cursor="+next, nil)
	seen := map[string]bool{}
	for cursor, pages := "", 0; pages < 20; pages++ {
		var page struct {
			Items []struct{ ID string }
			Next  *string `json:"next_cursor"`
		}
		c.admin.Must(200, "GET", "/v1/profiles?limit=2&cursor="+cursor, nil).Into(&page)
		for _, p := range page.Items {
			if seen[p.ID] {
				t.Errorf("%s twice", p.ID)
			}
			seen[p.ID] = true
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	if len(seen) < 4 {
		t.Errorf("%d profiles walked", len(seen))
	}
}

func tokens(t *testing.T, d Deployment, c company) {
	parts := strings.Split(c.admin.token, ".")
	var claims object
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	claims["role"] = "global_admin"
	forged, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	for name, token := range map[string]string{
		"alg none":     none + "." + parts[1] + ".",
		"unsigned":     parts[0] + "." + parts[1] + ".",
		"other claims": parts[0] + "." + base64.RawURLEncoding.EncodeToString(forged) + "." + parts[2],
		"truncated":    c.admin.token[:len(c.admin.token)-10],
		"not a token":  "nonsense",
		"huge":         strings.Repeat("x", 9000),
	} {
		if a := d.As(t, token).Do("GET", "/v1/auth/me", nil); a.Status != 401 {
			t.Errorf("%s: %d: %.200s", name, a.Status, a.Raw)
		}
	}
	d.As(t, "").Refused(401, "authentication_required", "GET", "/v1/auth/me", nil)
	c.admin.t = t
	c.admin.Must(200, "GET", "/v1/auth/me", nil)
}

func routes(t *testing.T, d Deployment, c company) {
	c.admin.t = t
	c.admin.Refused(404, "unknown_route", "GET", "/v1/nonsense", nil)
	c.admin.Refused(404, "unknown_route", "GET", "/v1/agents/x/nonsense", nil)
	nobody := d.As(t, "")
	nobody.Must(200, "GET", "/healthz", nil)
	nobody.Must(200, "GET", "/readyz", nil)
	nobody.Must(200, "GET", "/.well-known/jwks.json", nil)
	if a := nobody.Must(200, "GET", "/openapi.json", nil); a.Text("openapi") != "3.1.0" {
		t.Errorf("openapi %s", a.Text("openapi"))
	}
	docs := string(nobody.Must(200, "GET", "/docs", nil).Raw)
	if !strings.Contains(docs, "<html") || strings.Contains(docs, `src="http`) || strings.Contains(docs, `href="http`) {
		t.Error("the docs page reaches elsewhere, or is none")
	}
	// What a caller says of the gateway's context is not believed.
	d.As(t, "").Refused(401, "authentication_required", "GET", "/v1/auth/me", nil, "X-GoLambdaProxy-ApiGw-Context",
		`{"authorizer":{"client_id":"`+c.id+`","user_id":"usr_x","role":"client_admin","session_id":"ses_x"}}`)
}

func roles(t *testing.T, d Deployment, c company) {
	c.admin.t = t
	invited := c.admin.Must(201, "POST", "/v1/users", object{"email": "bia@" + unique("x") + ".example", "name": "Bia", "role": "standard_user"})
	user := accept(t, d, invited.Text("invitation", "token"), "Bia")
	user.Refused(403, "forbidden", "POST", "/v1/profiles", object{"name": "X", "industry": "retail", "size": object{"employees": 2}})
	user.Refused(403, "forbidden", "GET", "/v1/audit-events", nil)
	user.Refused(403, "forbidden", "POST", "/v1/users", object{"email": "x@x.example", "name": "X", "role": "client_admin"})
	c.admin.Refused(403, "forbidden", "GET", "/v1/clients", nil)
	c.admin.Refused(422, "validation_failed", "POST", "/v1/users", object{"email": "x@x.example", "name": "X", "role": "global_admin"})
	d.As(t, "").Refused(401, "invalid_invitation", "POST", "/v1/auth/invitations/accept",
		object{"token": invited.Text("invitation", "token"), "name": "X", "password": password})
}
