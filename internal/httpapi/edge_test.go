package httpapi_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

func TestHeadersOfEveryAnswer(t *testing.T) {
	p := start(t)
	for _, got := range []answer{p.do(t, "ana", "GET", profiles, ""), p.do(t, "", "GET", profiles, ""), p.do(t, "", "GET", "/nowhere", "")} {
		if got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Request-Id") == "" {
			t.Errorf("%d has %v", got.StatusCode, got.Header)
		}
	}
}

// An answer that cannot be encoded is a 500, not half of a 200.
func TestAnswerThatCannotBeEncoded(t *testing.T) {
	p := start(t, func(a *httpapi.API) {
		httpapi.Register(a, httpapi.Op{ID: "get-agent"}, func(context.Context, *struct{}) (float64, error) { return math.NaN(), nil },
			func(f float64) httpapi.Out[float64] { return httpapi.Out[float64]{ETag: `"v1"`, Body: f} })
	})
	got := p.do(t, "ana", "GET", "/v1/agents/agt_x", "")
	if pr := got.problem(t); pr.Status != 500 || pr.Code != "internal" || got.Header.Get("ETag") != "" {
		t.Errorf("%d %s %v", got.StatusCode, got.body, got.Header)
	}
}

func TestCallerWhoWentAwayIsNoDefect(t *testing.T) {
	p := start(t)
	r := httptest.NewRequestWithContext(context.Background(), "GET", profiles, http.NoBody)
	r.Header.Set("Authorization", "Bearer ana")
	p.handler.ServeHTTP(deafWriter{http.Header{}}, r)
	if log := p.log.String(); strings.Contains(log, `"panic"`) || !strings.Contains(log, `"operation":"list-profiles"`) {
		t.Errorf("logged %s", log)
	}
}

type deafWriter struct{ h http.Header }

func (d deafWriter) Header() http.Header       { return d.h }
func (d deafWriter) WriteHeader(int)           {}
func (d deafWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestCallHoldsWhatTheEdgeKnows(t *testing.T) {
	var call tenant.Call
	p := start(t, func(a *httpapi.API) {
		httpapi.Register(a, httpapi.Op{ID: "get-agent"}, func(ctx context.Context, _ *struct{}) (string, error) {
			call = tenant.CallFrom(ctx)
			return "", nil
		}, httpapi.Body[string])
	})
	p.do(t, "bia", "GET", "/v1/agents/agt_x", "", "X-Request-Id", "r1", "Accept-Language", "pt-BR", "User-Agent", strings.Repeat("u", 1000))
	want := tenant.Call{Principal: principals["bia"], Operation: "get-agent", RequestID: "r1", Address: "192.0.2.1", UserAgent: strings.Repeat("u", 256), Language: "pt-BR"}
	if call != want {
		t.Errorf("got %+v", call)
	}
}

func TestAuthorize(t *testing.T) {
	p := start(t)
	as := func(token string) context.Context {
		return tenant.WithCall(context.Background(), tenant.Call{Principal: principals[token], Operation: "get-conversation"})
	}
	for name, c := range map[string]struct {
		ctx  context.Context
		r    access.Resource
		want string
	}{
		"one's own":               {as("caio"), access.Resource{Type: "Conversation", Client: "cli_blue", Owner: "usr_caio"}, ""},
		"a colleague's":           {as("caio"), access.Resource{Type: "Conversation", Client: "cli_blue", Owner: "usr_ana"}, "forbidden"},
		"another client's":        {as("caio"), access.Resource{Type: "Conversation", Client: "cli_green", Owner: "usr_caio"}, "not_found"},
		"a user's, for a manager": {as("bia"), access.Resource{Type: "Conversation", Client: "cli_blue", Owner: "usr_caio"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.api.Authorize(c.ctx, c.r)
			var f *fault.Error
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &f) || f.Code != c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A HEAD is answered as its GET, by the server without the body.
func TestHead(t *testing.T) {
	p := start(t)
	if got := p.do(t, "ana", "HEAD", profiles, ""); got.StatusCode != http.StatusOK {
		t.Errorf("got %d", got.StatusCode)
	}
}

func TestOverARealConnection(t *testing.T) {
	p := start(t)
	server := httptest.NewServer(p.handler)
	defer server.Close()
	for i, body := range []string{dom, `{"title":"` + strings.Repeat("a", 2<<20) + `"}`, dom} {
		req, err := http.NewRequestWithContext(context.Background(), "POST", server.URL+profiles, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer ana")
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if want := []int{201, 413, 409}[i]; res.StatusCode != want {
			t.Errorf("request %d: %d", i, res.StatusCode)
		}
	}
}
