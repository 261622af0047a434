package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

// limiter refuses what it is told to, and counts.
type limiter struct {
	limits       []fault.Limit
	refuse, busy error
	asked        []tenant.Call
	under        atomic.Int64 // jobs under way
	jobs         int
}

func (l *limiter) Admit(_ context.Context, call tenant.Call) ([]fault.Limit, error) {
	l.asked = append(l.asked, call)
	return l.limits, l.refuse
}

func (l *limiter) Begin(context.Context, tenant.Call) (func(), error) {
	if l.busy != nil {
		return nil, l.busy
	}
	l.jobs++
	l.under.Add(1)
	return func() { l.under.Add(-1) }, nil
}

// limited is a platform with a limiter. Its one operation is expensive where it is told so.
func limited(t *testing.T, l *limiter, expensive bool, handle func(context.Context) error) *platform {
	t.Helper()
	p := start(t)
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	api, err := httpapi.New(httpapi.Config{Table: p.table, Access: decider, System: p.clock.System(), Secret: secret, Limits: l})
	if err != nil {
		t.Fatal(err)
	}
	type in struct{ Body struct{ Title string } }
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "create-profile", Expensive: expensive},
		func(ctx context.Context, _ *in) (any, error) { return nil, handle(ctx) })
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "get-health"}, func(context.Context, *struct{}) (any, error) { return nil, nil })
	if err := api.Err(); err != nil {
		t.Fatal(err)
	}
	p.handler = httpapi.Authenticate(authorize, api.Handler())
	return p
}

func nothing(context.Context) error { return nil }

var (
	requests = fault.Limit{Name: "requests", Quota: 200, Window: 2 * time.Second, Remaining: 150, Reset: 500 * time.Millisecond}
	ofKey    = fault.Limit{Name: "key", Quota: 60, Window: time.Minute, Remaining: 0, Reset: time.Minute}
)

func header(t *testing.T, a answer, name, want string) {
	t.Helper()
	if got := a.Header.Get(name); got != want {
		t.Errorf("%s: %s, not %s", name, got, want)
	}
}

// draft-ietf-httpapi-ratelimit-headers-10 §3 and §4.
func TestAnswersSayHowRatesStand(t *testing.T) {
	l := &limiter{limits: []fault.Limit{ofKey, requests}}
	p := limited(t, l, false, nothing)
	got := p.do(t, "ana", "POST", "/v1/profiles", `{"Title":"a"}`)
	if got.StatusCode != http.StatusNoContent {
		t.Fatalf("%d: %s", got.StatusCode, got.body)
	}
	header(t, got, "RateLimit-Policy", `"key";q=60;w=60, "requests";q=200;w=2`)
	header(t, got, "RateLimit", `"key";r=0;t=60, "requests";r=150;t=1`)
	l.limits = nil
	got = p.do(t, "ana", "POST", "/v1/profiles", `{"Title":"a"}`)
	header(t, got, "RateLimit", "")
	if len(l.asked) != 2 || l.asked[0].Principal != principals["ana"] || l.asked[0].Operation != "create-profile" || l.asked[0].Address == "" {
		t.Errorf("asked about %+v", l.asked)
	}
}

func TestWhoIsOverItsRateIsToldSo(t *testing.T) {
	l := &limiter{refuse: &fault.Error{Op: "x", Kind: fault.RateLimited, Code: "rate_limited", RetryAfter: 1200 * time.Millisecond, Limits: []fault.Limit{ofKey}}}
	handled := false
	p := limited(t, l, true, func(context.Context) error { handled = true; return nil })
	for token, language := range map[string]string{"ana": "pt-BR", "": "en", "nobody's": "en"} {
		got := p.do(t, token, "POST", "/v1/profiles", "no JSON", "Accept-Language", language)
		if pr := got.problem(t); pr.Status != 429 || pr.Code != "rate_limited" || !strings.Contains(pr.Detail, map[string]string{"en": "plan", "pt-BR": "plano"}[language]) {
			t.Errorf("%s: %s", token, got.body)
		}
		header(t, got, "Retry-After", "2")
		header(t, got, "RateLimit-Policy", `"key";q=60;w=60`)
		header(t, got, "RateLimit", `"key";r=0;t=60`)
	}
	if len(l.asked) != 3 || !l.asked[1].Principal.Anonymous() && !l.asked[2].Principal.Anonymous() {
		t.Errorf("asked about %+v", l.asked)
	}
	if got := p.do(t, "", "GET", "/healthz", ""); got.StatusCode != http.StatusNoContent {
		t.Errorf("how the platform is: %d", got.StatusCode)
	}
	if handled || l.jobs != 0 {
		t.Error("it was handled all the same")
	}
}

func TestExpensiveOperationsAreCountedWhileTheyRun(t *testing.T) {
	l := &limiter{}
	running := int64(0)
	fail := error(nil)
	p := limited(t, l, true, func(context.Context) error { running = l.under.Load(); return fail })
	for _, c := range []struct {
		what   string
		fail   error
		status int
	}{{"a success", nil, 204}, {"a failure", errors.New("broken"), 500}} {
		fail, running = c.fail, 0
		if got := p.do(t, "ana", "POST", "/v1/profiles", `{"Title":"a"}`); got.StatusCode != c.status || running != 1 || l.under.Load() != 0 {
			t.Errorf("%s: %d, %d running and %d afterwards", c.what, got.StatusCode, running, l.under.Load())
		}
	}
	l.busy = &fault.Error{Op: "x", Kind: fault.RateLimited, Code: "too_many_jobs", RetryAfter: time.Second, Limits: []fault.Limit{{Name: "jobs", Quota: 5, Reset: time.Second}}}
	running = 0
	got := p.do(t, "ana", "POST", "/v1/profiles", `{"Title":"a"}`)
	if pr := got.problem(t); pr.Status != 429 || pr.Code != "too_many_jobs" || running != 0 {
		t.Errorf("%s, %d running", got.body, running)
	}
	header(t, got, "RateLimit-Policy", `"jobs";q=5;qu="concurrent-requests"`)
	header(t, got, "RateLimit", `"jobs";r=0;t=1`)
	plain := limited(t, l, false, nothing)
	if got := plain.do(t, "ana", "POST", "/v1/profiles", `{"Title":"a"}`); got.StatusCode != 204 {
		t.Errorf("one that is not expensive: %d", got.StatusCode)
	}
}
