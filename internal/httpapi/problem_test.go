package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
)

func nested(depth int) string {
	return `{"tags":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestBadInput(t *testing.T) {
	p := start(t)
	made := p.do(t, "ana", "POST", "/v1/profiles", `{"title":"Dom Casmurro"}`)
	path := made.Header.Get("Location")
	const profiles = "/v1/profiles"
	long := strings.Repeat("a", 2<<20)
	cases := []struct {
		name                      string
		token, method, path, body string
		headers                   []string
		status                    int
		code                      string
		locations                 string
	}{
		{"no credential", "", "GET", profiles, "", nil, 401, "authentication_required", ""},
		{"a bad credential", "nobody", "GET", profiles, "", nil, 401, "invalid_token", ""},
		{"a role that may not", "caio", "GET", profiles, "", nil, 403, "forbidden", ""},
		{"forbidden comes before what is wrong with the body", "caio", "POST", profiles, "{", nil, 403, "forbidden", ""},
		{"another client's thing", "other", "GET", path, "", nil, 404, "not_found", ""},
		{"an unknown id", "ana", "GET", "/v1/profiles/pro_x", "", nil, 404, "not_found", ""},
		{"an id with a key's separator", "ana", "GET", "/v1/profiles/pro_x%23y", "", nil, 404, "not_found", ""},
		{"an id with a slash", "ana", "GET", "/v1/profiles/pro%2Fx", "", nil, 404, "not_found", ""},
		{"an id that is not UTF-8", "ana", "GET", "/v1/profiles/%ff%fe", "", nil, 404, "not_found", ""},
		{"an endless id", "ana", "GET", "/v1/profiles/" + strings.Repeat("x", 65), "", nil, 404, "not_found", ""},
		{"an unknown path", "ana", "GET", "/v2/profiles", "", nil, 404, "unknown_route", ""},
		{"an unknown path, and nobody", "", "GET", "/", "", nil, 404, "unknown_route", ""},
		{"a path that is not clean", "ana", "GET", "/v1//profiles", "", nil, 404, "unknown_route", ""},
		{"a slash too many", "ana", "GET", "/v1/profiles/", "", nil, 404, "unknown_route", ""},
		{"a wrong method", "ana", "PUT", profiles, "", nil, 405, "method_not_allowed", ""},
		{"not JSON", "ana", "POST", profiles, `{"title":`, nil, 400, "malformed_body", ""},
		{"two objects", "ana", "POST", profiles, `{"title":"a"}{}`, nil, 400, "malformed_body", ""},
		{"a list", "ana", "POST", profiles, `[]`, nil, 400, "malformed_body", ""},
		{"null", "ana", "POST", profiles, `null`, nil, 400, "malformed_body", ""},
		{"spaces alone", "ana", "POST", profiles, `  `, nil, 400, "malformed_body", ""},
		{"not UTF-8", "ana", "POST", profiles, "{\"title\":\"\xff\"}", nil, 400, "malformed_body", ""},
		{"nested too deep", "ana", "POST", profiles, nested(33), nil, 400, "malformed_body", ""},
		{"nested very deep", "ana", "POST", profiles, nested(500_000), nil, 400, "malformed_body", ""},
		{"no body", "ana", "POST", profiles, "", nil, 400, "body_required", ""},
		{"a body over the limit", "ana", "POST", profiles, `{"title":"` + long + `"}`, nil, 413, "body_too_large", ""},
		{"not JSON by its type", "ana", "POST", profiles, "title=a", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", ""},
		{"a form where none is taken", "ana", "POST", profiles, "x", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "unsupported_media_type", ""},
		{"another character set", "ana", "POST", profiles, "{}", []string{"Content-Type", "application/json; charset=latin1"}, 415, "unsupported_media_type", ""},
		{"a compressed body", "ana", "POST", profiles, "{}", []string{"Content-Encoding", "gzip"}, 415, "unsupported_media_type", ""},
		{"a broken media type", "ana", "POST", profiles, "{}", []string{"Content-Type", ";;;"}, 415, "unsupported_media_type", ""},
		{"a field missing", "ana", "POST", profiles, `{}`, nil, 422, "validation_failed", "body.title"},
		{"an unknown field", "ana", "POST", profiles, `{"title":"a","color":"blue"}`, nil, 422, "validation_failed", "body.color"},
		{"a wrong type", "ana", "POST", profiles, `{"title":7}`, nil, 422, "validation_failed", "body.title"},
		{"a fraction for a count", "ana", "POST", profiles, `{"title":"a","pages":1.5}`, nil, 422, "validation_failed", "body.pages"},
		{"out of range", "ana", "POST", profiles, `{"title":"a","pages":0}`, nil, 422, "validation_failed", "body.pages"},
		{"several fields, one deep inside", "ana", "POST", profiles, `{"title":"","pages":-1,"tags":[{"name":"ok"},{"name":"x"}]}`, nil, 422, "validation_failed",
			"body.pages body.tags[1].name body.title"},
		{"a limit out of range", "ana", "GET", profiles + "?limit=101", "", nil, 422, "validation_failed", "query.limit"},
		{"a limit that is no number", "ana", "GET", profiles + "?limit=ten", "", nil, 422, "validation_failed", "query.limit"},
		{"an unknown query value", "ana", "GET", profiles + "?page=2", "", nil, 422, "validation_failed", "query.page"},
		{"a made-up cursor", "ana", "GET", profiles + "?cursor=abc", "", nil, 400, "invalid_cursor", ""},
		{"an update without If-Match", "ana", "PATCH", path, `{"title":"b"}`, nil, 428, "if_match_required", ""},
		{"a stale If-Match", "ana", "PATCH", path, `{"title":"b"}`, []string{"If-Match", `"v9"`}, 412, "version_mismatch", ""},
		{"any version", "ana", "PATCH", path, `{"title":"b"}`, []string{"If-Match", "*"}, 400, "invalid_if_match", ""},
		{"a weak version", "ana", "PATCH", path, `{"title":"b"}`, []string{"If-Match", `W/"v1"`}, 400, "invalid_if_match", ""},
		{"a version that overflows", "ana", "PATCH", path, `{"title":"b"}`, []string{"If-Match", `"v99999999999999999999"`}, 400, "invalid_if_match", ""},
		{"a title that is taken", "ana", "POST", profiles, `{"title":"Dom Casmurro"}`, nil, 409, "slug_taken", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := p.do(t, c.token, c.method, c.path, c.body, c.headers...)
			pr := got.problem(t)
			if got.StatusCode != c.status || pr.Code != c.code || pr.Status != c.status {
				t.Fatalf("%d %s, want %d %s: %s", got.StatusCode, pr.Code, c.status, c.code, got.body)
			}
			if pr.Title == "" || pr.Detail == "" || pr.Type != "urn:nowgo:problem:"+c.code || pr.RequestID != got.Header.Get("X-Request-Id") || pr.RequestID == "" {
				t.Errorf("incomplete: %s", got.body)
			}
			var locations []string
			for _, f := range pr.Errors {
				locations = append(locations, f.Location)
				if f.Message == "" {
					t.Errorf("%s has no message", f.Location)
				}
			}
			if strings.Join(locations, " ") != c.locations {
				t.Errorf("errors of %v, want %q", locations, c.locations)
			}
		})
	}
}

func TestHeadersOfProblems(t *testing.T) {
	p := start(t)
	if got := p.do(t, "", "GET", "/v1/profiles", "").Header.Get("WWW-Authenticate"); got != `Bearer realm="nowgo"` {
		t.Errorf("without a credential: %s", got)
	}
	if got := p.do(t, "x", "GET", "/v1/profiles", "").Header.Get("WWW-Authenticate"); got != `Bearer realm="nowgo", error="invalid_token"` {
		t.Errorf("with a bad credential: %s", got)
	}
	if got := p.do(t, "ana", "PUT", "/v1/profiles", "").Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", got)
	}
	if got := p.do(t, "ana", "GET", "/v1//profiles", "").Header.Get("Location"); got != "" {
		t.Errorf("redirected to %s", got)
	}
	p.fail = func(context.Context) error {
		return &fault.Error{Op: "x", Kind: fault.RateLimited, Code: "forbidden", RetryAfter: 1500 * time.Millisecond}
	}
	if got := p.do(t, "ana", "POST", "/v1/profiles", `{"title":"a"}`); got.StatusCode != 429 || got.Header.Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After: %s", got.StatusCode, got.Header.Get("Retry-After"))
	}
}

func TestErrorsOfServices(t *testing.T) {
	cases := []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("a bare error with a password=hunter2"), 500, "internal"},
		{fmt.Errorf("deep: %w", fault.Wrap("x", fault.Unavailable, "mail_failed", errors.New("hunter2"))), 503, "mail_failed"},
		{fmt.Errorf("lost: %w", store.ErrConflict), 503, "busy"},
		{fmt.Errorf("silent: %w", store.ErrUnavailable), 503, "unavailable"},
		{context.DeadlineExceeded, 503, "timeout"},
		{context.Canceled, 503, "canceled"},
		{fault.New("x", fault.Unprocessable, "a_code_without_text"), 422, "a_code_without_text"},
		{fault.New("x", fault.Kind(99), "internal"), 500, "internal"},
		{fault.BadField("x", "body.title", "must be a role"), 422, "validation_failed"},
	}
	p := start(t)
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			p.fail = func(context.Context) error { return c.err }
			got := p.do(t, "ana", "POST", "/v1/profiles", `{"title":"a"}`)
			pr := got.problem(t)
			if pr.Status != c.status || pr.Code != c.code || pr.Detail == "" {
				t.Errorf("got %s", got.body)
			}
			if strings.Contains(string(got.body), "hunter2") {
				t.Errorf("the cause was sent: %s", got.body)
			}
		})
	}
	if !strings.Contains(p.log.String(), "hunter2") {
		t.Error("the cause was not logged")
	}
}

func TestPanicIsAProblem(t *testing.T) {
	p := start(t)
	p.fail = func(context.Context) error { panic("a defect") }
	got := p.do(t, "ana", "POST", "/v1/profiles", `{"title":"a"}`)
	if pr := got.problem(t); pr.Status != 500 || pr.Code != "internal" || strings.Contains(string(got.body), "defect") {
		t.Errorf("got %s", got.body)
	}
	if log := p.log.String(); !strings.Contains(log, "a defect") || !strings.Contains(log, "shelf_test.go") {
		t.Errorf("the log lacks the panic or its stack: %s", log)
	}
}

func TestProblemsInPortuguese(t *testing.T) {
	p := start(t)
	got := p.do(t, "ana", "POST", "/v1/profiles", `{"title":"`+strings.Repeat("a", 41)+`","pages":"x"}`, "Accept-Language", "fr;q=0.3, pt-PT;q=0.9, en;q=0.5")
	pr := got.problem(t)
	if pr.Title != "Não pode ser processado" || !strings.HasPrefix(pr.Detail, "Alguns campos") || got.Header.Get("Content-Language") != "pt-BR" {
		t.Errorf("got %s", got.body)
	}
	if len(pr.Errors) != 2 || pr.Errors[0].Message != "deve ser um número inteiro" || pr.Errors[1].Message != "deve ter no máximo 40 caracteres" {
		t.Errorf("got %s", got.body)
	}
	for header, want := range map[string]string{"": "en", "en-GB": "en", "pt": "pt-BR", "*": "en", "ja": "en", "%%%": "en", strings.Repeat("pt-BR,", 100): "en"} {
		if got := p.do(t, "ana", "GET", "/nowhere", "", "Accept-Language", header).Header.Get("Content-Language"); got != want {
			t.Errorf("%q gives %s, want %s", header, got, want)
		}
	}
}

func TestPublicOperationIgnoresABadCredential(t *testing.T) {
	p := start(t)
	if got := p.do(t, "expired", "POST", "/v1/auth/sign-in", ""); got.StatusCode != http.StatusOK {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}

func TestCallerWhoStopsSending(t *testing.T) {
	p := start(t)
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/v1/profiles", brokenReader{})
	r.Header.Set("Authorization", "Bearer ana")
	if got := p.send(t, r); got.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
