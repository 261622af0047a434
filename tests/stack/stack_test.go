package stack_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/stack"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// What the gateway answers before any function is asked, and what it hands to one.
func TestGateway(t *testing.T) {
	s := stack.Deploy(t)
	for _, c := range []struct {
		name, method, path, authorization string
		status                            int
		code                              string
	}{
		{"health needs no credential", "GET", "/healthz", "", 200, ""},
		{"readiness reaches the table", "GET", "/readyz", "", 200, ""},
		{"the keys of tokens are public", "GET", "/.well-known/jwks.json", "", 200, ""},
		{"the API describes itself", "GET", "/openapi.json", "", 200, ""},
		{"no credential", "GET", "/v1/agents", "", 401, "authentication_required"},
		{"no credential below a variable", "GET", "/v1/agents/agt_1/conversations", "", 401, "authentication_required"},
		{"a credential that is none", "GET", "/v1/agents", "Bearer nonsense", 401, "authentication_required"},
		{"a route that is unknown", "GET", "/v1/nothing", "", 404, "unknown_route"},
		{"the root", "GET", "/", "", 404, "unknown_route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, s.APIURL+c.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if c.authorization != "" {
				request.Header.Set("Authorization", c.authorization)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			var problem struct {
				Code      string
				RequestID string `json:"request_id"`
			}
			if err := json.Unmarshal(body, &problem); err != nil {
				t.Errorf("body %.300q: %v", body, err)
			}
			if response.StatusCode != c.status || problem.Code != c.code {
				t.Errorf("%d %s, want %d %s: %.300s", response.StatusCode, problem.Code, c.status, c.code, body)
			}
			if c.code != "" && (problem.RequestID == "" || response.Header.Get("Content-Type") != "application/problem+json") {
				t.Errorf("%v: %s", response.Header, body)
			}
		})
	}
	if !strings.Contains(s.AdministratorEmail, "@") || len(s.AdministratorPassword) < 20 {
		t.Errorf("the administrator is %q, with a password of %d characters", s.AdministratorEmail, len(s.AdministratorPassword))
	}
}
