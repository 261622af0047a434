package httpapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store/storetest"
)

func TestHealthAndReadiness(t *testing.T) {
	clock := storetest.NewClock()
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	var broken error
	api, err := httpapi.New(httpapi.Config{Table: openTable(t, clock), Access: decider, System: clock.System(), Secret: secret,
		Log: slog.New(slog.DiscardHandler), Ready: func(context.Context) error { return broken }})
	if err != nil {
		t.Fatal(err)
	}
	httpapi.RegisterMonitoring(api)
	p := &platform{api: api, handler: api.Handler()}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := p.do(t, "", "GET", path, ""); got.StatusCode != 200 || string(got.body) != "{\"status\":\"ok\"}\n" {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	broken = errors.New("the table is locked")
	got := p.do(t, "", "GET", "/readyz", "")
	if pr := got.problem(t); pr.Status != 503 || pr.Code != "not_ready" || strings.Contains(string(got.body), "locked") {
		t.Errorf("got %s", got.body)
	}
	if got := p.do(t, "", "GET", "/healthz", ""); got.StatusCode != 200 {
		t.Errorf("a process that waits for its table is not alive: %d", got.StatusCode)
	}
}

func TestDocument(t *testing.T) {
	p := start(t, httpapi.RegisterMonitoring)
	got := p.do(t, "", "GET", "/openapi.json", "")
	want, err := p.api.OpenAPI()
	if err != nil || string(got.body) != string(want) || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s, %v", got.StatusCode, got.Header.Get("Content-Type"), err)
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Security    []map[string][]string `json:"security"`
			Tags        []string              `json:"tags"`
			Parameters  []struct{ Name, In string }
			RequestBody struct {
				Content map[string]any `json:"content"`
			} `json:"requestBody"`
			Responses map[string]struct {
				Content map[string]any `json:"content"`
			} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(got.body, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%q, %v", doc.OpenAPI, err)
	}
	found := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			found++
			row, ok := route.Find(op.OperationID)
			if !ok || row.Path != path || !strings.EqualFold(row.Method, method) || len(op.Tags) != 1 || op.Tags[0] != string(row.Capability) {
				t.Errorf("%s %s is %q of %v", method, path, op.OperationID, op.Tags)
			}
			if (len(op.Security) == 0) != row.Public {
				t.Errorf("%s: security %v", op.OperationID, op.Security)
			}
			hasKey := false
			for _, parameter := range op.Parameters {
				hasKey = hasKey || parameter.Name == "Idempotency-Key" && parameter.In == "header"
			}
			if hasKey != row.Repeatable {
				t.Errorf("%s: documents Idempotency-Key: %v", op.OperationID, hasKey)
			}
			if _, ok := op.Responses["503"].Content["application/problem+json"]; !ok && op.OperationID != "get-docs" && op.OperationID != "get-openapi" {
				t.Errorf("%s: no problem among %v", op.OperationID, op.Responses)
			}
		}
	}
	if found != 13 {
		t.Errorf("%d operations", found)
	}
	body := doc.Paths["/v1/agents/{agent_id}/documents"]["post"].RequestBody.Content
	if body["multipart/form-data"] == nil || body["application/json"] == nil {
		t.Errorf("an upload's body is %v", body)
	}
}

var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

func TestDocsPageReachesForNothing(t *testing.T) {
	p := start(t, httpapi.RegisterMonitoring)
	got := p.do(t, "", "GET", "/docs", "")
	page, policy := string(got.body), got.Header.Get("Content-Security-Policy")
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/html; charset=utf-8" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	if m := regexp.MustCompile(`(?i)https?://|src=|@import|url\(`).FindString(page); m != "" {
		t.Errorf("the page holds %q", m)
	}
	blocks := inline.FindAllStringSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d inline blocks", len(blocks))
	}
	for _, b := range blocks {
		sum := sha256.Sum256([]byte(b[2]))
		if want := b[1] + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %s lacks %s", policy, want)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none'; connect-src 'self'; ") {
		t.Errorf("the policy is %s", policy)
	}
}

func TestMistakesOfRegistration(t *testing.T) {
	type hidden struct {
		ID string `path:"profile_id"`
	}
	type unseen struct{ hidden }
	type pointer struct {
		Limit *int `query:"limit"`
	}
	none := func(context.Context, *struct{}) (string, error) { return "", nil }
	cases := map[string]func(*httpapi.API){
		"an unknown operation": func(a *httpapi.API) { httpapi.Register(a, httpapi.Op{ID: "fly"}, none, httpapi.Body[string]) },
		"the same twice":       func(a *httpapi.API) { httpapi.Register(a, httpapi.Op{ID: "get-profile"}, none, httpapi.Body[string]) },
		"an input whose fields are not seen": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Op{ID: "get-agent"}, func(context.Context, *unseen) (string, error) { return "", nil }, httpapi.Body[string])
		},
		"an input that cannot be described": func(a *httpapi.API) {
			httpapi.Register(a, httpapi.Op{ID: "list-agents"}, func(context.Context, *pointer) (string, error) { return "", nil }, httpapi.Body[string])
		},
	}
	for name, register := range cases {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			register(p.api)
			if p.api.Err() == nil {
				t.Fatal("no error")
			}
			w := httptest.NewRecorder()
			p.api.Handler().ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "GET", "/healthz", http.NoBody))
			if w.Code != http.StatusInternalServerError {
				t.Errorf("it serves: %d", w.Code)
			}
		})
	}
}

func TestConfigurationsThatAreNotEnough(t *testing.T) {
	clock := storetest.NewClock()
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	good := httpapi.Config{Table: openTable(t, clock), Access: decider, System: clock.System(), Secret: secret}
	for name, change := range map[string]func(*httpapi.Config){
		"no table": func(c *httpapi.Config) { c.Table = nil }, "no policies": func(c *httpapi.Config) { c.Access = nil },
		"no clock": func(c *httpapi.Config) { c.System.Now = nil }, "a short secret": func(c *httpapi.Config) { c.Secret = secret[:31] },
	} {
		bad := good
		change(&bad)
		if _, err := httpapi.New(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
