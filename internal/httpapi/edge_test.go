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
	"github.com/nowgo/agents/internal/denial"
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

// What is kept from somebody is as absent as what does not exist, and read only where that settles it.
func TestReach(t *testing.T) {
	p := start(t)
	absent, broken := errors.New("absent"), errors.New("broken")
	within := principals["bia"]
	within.Within = "pro_1"
	talk := access.Resource{Type: "Conversation", ID: "cnv_1", Client: "cli_blue", Owner: "usr_caio", Agent: "agt_1"}
	with := func(change func(*access.Resource)) access.Resource {
		r := talk
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		p     tenant.Principal
		r     access.Resource
		read  error
		want  error
		reads int
	}{
		"one's own":               {principals["caio"], talk, nil, nil, 0},
		"a colleague's":           {principals["caio"], with(func(r *access.Resource) { r.Owner = "usr_ana" }), nil, absent, 0},
		"another client's":        {principals["caio"], with(func(r *access.Resource) { r.Client = "cli_green" }), nil, absent, 0},
		"a user's, for a manager": {principals["bia"], talk, nil, nil, 0},
		"named":                   {within, with(func(r *access.Resource) { r.Profile = "pro_1" }), nil, nil, 1},
		"not named":               {within, with(func(r *access.Resource) { r.Profile = "pro_2" }), nil, absent, 1},
		"not to be read":          {within, talk, broken, broken, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := tenant.WithCall(t.Context(), tenant.Call{Principal: c.p, Operation: "get-conversation"})
			unread, reads := c.r, 0
			unread.Profile = ""
			err := p.api.Reach(ctx, unread, func() (access.Resource, error) {
				reads++
				return c.r, c.read
			}, absent)
			if !errors.Is(err, c.want) || reads != c.reads {
				t.Errorf("%v after %d reads, not %v after %d", err, reads, c.want, c.reads)
			}
			var denied *denial.Denial
			if got, want := errors.As(err, &denied), errors.Is(c.want, absent); got != want || got && (denied.Target.Type != "conversation" || len(denied.Policies) == 0) {
				t.Errorf("recorded as %+v", denied)
			}
			if c.read == nil && !errors.Is(p.api.Reach(ctx, c.r, nil, absent), c.want) {
				t.Error("whole, it is decided otherwise")
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
