package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

var secret = bytes.Repeat([]byte{7}, 32)

// principals are the callers of the tests, by token.
var principals = map[string]tenant.Principal{
	"root":  {User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_root"},
	"ana":   {Client: "cli_blue", User: "usr_ana", Role: tenant.ClientAdmin, Session: "ses_ana"},
	"bia":   {Client: "cli_blue", User: "usr_bia", Role: tenant.AgentManager, Session: "ses_bia"},
	"caio":  {Client: "cli_blue", User: "usr_caio", Role: tenant.StandardUser, Session: "ses_caio"},
	"other": {Client: "cli_green", User: "usr_other", Role: tenant.ClientAdmin, Session: "ses_other"},
}

func authorize(_ context.Context, header string) (tenant.Principal, error) {
	if p, ok := principals[strings.TrimPrefix(header, "Bearer ")]; ok {
		return p, nil
	}
	return tenant.Principal{}, fault.New("test", fault.Unauthenticated, "invalid_token")
}

// platform is an API with a small capability, on the embedded table.
type platform struct {
	*shelf
	api     *httpapi.API
	clock   *storetest.Clock
	handler http.Handler
	log     *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func openTable(t testing.TB, clock *storetest.Clock) store.Table {
	return testkit.OpenTable(t, bolt.Config{System: clock.System(), SweepEvery: -1})
}

// start returns a platform; change may alter the configuration and mount more.
func start(t testing.TB, mount ...func(*httpapi.API)) *platform {
	t.Helper()
	clock := storetest.NewClock()
	p := &platform{clock: clock, log: &syncBuffer{}}
	p.shelf = &shelf{table: idempotency.Table(openTable(t, clock)), system: clock.System()}
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	p.api, err = httpapi.New(httpapi.Config{Table: p.table, Access: decider, System: clock.System(), Secret: secret,
		Log: slog.New(slog.NewJSONHandler(p.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	registerShelf(p.api, p.shelf)
	for _, m := range mount {
		m(p.api)
	}
	if err := p.api.Err(); err != nil {
		t.Fatal(err)
	}
	p.handler = httpapi.Authenticate(authorize, p.api.Handler())
	return p
}

// answer is what a caller got.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) problem(t testing.TB) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("not a problem: %s", a.body)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("a problem of type %q", ct)
	}
	return p
}

// do sends a request as the caller with the token; headers are name, value, name, value.
func (p *platform) do(t testing.TB, token, method, path, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return p.send(t, r)
}

func (p *platform) send(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{res, b}
}
