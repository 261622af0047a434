package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	profiles = "/v1/profiles"
	dom      = `{"title":"Dom Casmurro","pages":256}`
)

// sameAnswer fails unless b is a replayed a.
func sameAnswer(t *testing.T, a, b answer) {
	t.Helper()
	if b.Header.Get("Idempotency-Replayed") != "true" || a.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("replayed: %q then %q", a.Header.Get("Idempotency-Replayed"), b.Header.Get("Idempotency-Replayed"))
	}
	for _, name := range []string{"ETag", "Location", "Content-Type"} {
		if a.Header.Get(name) != b.Header.Get(name) {
			t.Errorf("%s: %q then %q", name, a.Header.Get(name), b.Header.Get(name))
		}
	}
	if a.StatusCode != b.StatusCode || string(a.body) != string(b.body) {
		t.Errorf("%d %s\nthen %d %s", a.StatusCode, a.body, b.StatusCode, b.body)
	}
}

// INVARIANT 12.
func TestSameKeySameBodyIsOneEffectAndOneAnswer(t *testing.T) {
	p := start(t)
	first := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k1")
	if first.StatusCode != http.StatusCreated || first.Header.Get("ETag") != `"v1"` || first.Header.Get("Location") == "" {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	sameAnswer(t, first, p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k1"))
	sameAnswer(t, first, p.do(t, "ana", "POST", profiles, `{ "pages": 256,  "title": "Dom Casmurro" }`, "Idempotency-Key", "k1"))
	if n := p.runs.Load(); n != 1 {
		t.Errorf("the effect was made %d times", n)
	}
	path := first.Header.Get("Location")
	updated := p.do(t, "ana", "PATCH", path, `{"title":"Quincas Borba"}`, "Idempotency-Key", "k2", "If-Match", `"v1"`)
	if updated.StatusCode != http.StatusOK || updated.Header.Get("ETag") != `"v2"` {
		t.Fatalf("%d %s", updated.StatusCode, updated.body)
	}
	sameAnswer(t, updated, p.do(t, "ana", "PATCH", path, `{"title":"Quincas Borba"}`, "Idempotency-Key", "k2", "If-Match", `"v1"`))
	deleted := p.do(t, "ana", "DELETE", path, "", "Idempotency-Key", "k3")
	if deleted.StatusCode != http.StatusNoContent || len(deleted.body) != 0 {
		t.Fatalf("%d %s", deleted.StatusCode, deleted.body)
	}
	sameAnswer(t, deleted, p.do(t, "ana", "DELETE", path, "", "Idempotency-Key", "k3"))
}

func TestKeyIsOfItsClientPrincipalAndOperation(t *testing.T) {
	p := start(t)
	p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k")
	for name, got := range map[string]answer{
		"another principal": p.do(t, "bia", "POST", profiles, `{"title":"b"}`, "Idempotency-Key", "k"),
		"another client":    p.do(t, "other", "POST", profiles, dom, "Idempotency-Key", "k"),
		"another operation": p.do(t, "ana", "POST", "/v1/agents", `{"title":"c"}`, "Idempotency-Key", "k"),
		"another key":       p.do(t, "ana", "POST", profiles, `{"title":"d"}`, "Idempotency-Key", "K"),
	} {
		if got.StatusCode >= 300 || got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
}

func TestReusedKey(t *testing.T) {
	p := start(t)
	p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k")
	got := p.do(t, "ana", "POST", profiles, `{"title":"Dom Casmurro","pages":257}`, "Idempotency-Key", "k")
	if pr := got.problem(t); pr.Status != 422 || pr.Code != "idempotency_key_reused" {
		t.Errorf("got %s", got.body)
	}
	for _, bad := range []string{"", " ", "a b", "ç", strings.Repeat("x", 256)} {
		got := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", bad)
		if pr := got.problem(t); pr.Status != 400 || pr.Code != "invalid_idempotency_key" {
			t.Errorf("%q: %s", bad, got.body)
		}
	}
	if got := p.do(t, "ana", "POST", profiles, `{"title":"z"}`, "Idempotency-Key", strings.Repeat("x", 255)); got.StatusCode != 201 {
		t.Errorf("the longest key: %s", got.body)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	p := start(t)
	for _, kind := range []fault.Kind{fault.Internal, fault.Unavailable, fault.Conflict, fault.Unprocessable} {
		p.fail = func(context.Context) error { return fault.New("test", kind, "busy") }
		if got := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k"); got.StatusCode < 400 {
			t.Fatalf("got %d", got.StatusCode)
		}
	}
	p.fail = nil
	if got := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k"); got.StatusCode != http.StatusCreated {
		t.Errorf("after the errors: %d %s", got.StatusCode, got.body)
	}
}

func TestRecordExpiresAfterADay(t *testing.T) {
	p := start(t)
	p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k")
	p.clock.Advance(24*time.Hour + time.Second)
	if got := p.do(t, "ana", "POST", profiles, `{"title":"new"}`, "Idempotency-Key", "k"); got.StatusCode != http.StatusCreated {
		t.Errorf("got %d %s", got.StatusCode, got.body)
	}
}

func TestGlobalAdministratorsRepeatToo(t *testing.T) {
	p := start(t)
	first := p.do(t, "root", "POST", "/v1/clients", dom, "Idempotency-Key", "k")
	if first.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	sameAnswer(t, first, p.do(t, "root", "POST", "/v1/clients", dom, "Idempotency-Key", "k"))
}

// INVARIANT 6: neither the answer's secret nor the request can be read from the record.
func TestRecordHoldsNothingInClear(t *testing.T) {
	p := start(t)
	for token, path := range map[string]string{"ana": profiles, "root": "/v1/clients"} {
		first := p.do(t, token, "POST", path, dom, "Idempotency-Key", "k-in-clear")
		var b book
		if err := json.Unmarshal(first.body, &b); err != nil || b.Secret == "" {
			t.Fatalf("%s, %v", first.body, err)
		}
		client := principals[token].Client
		if client == "" {
			client = directory.Home(principals[token].User)
		}
		page, err := p.table.Query(context.Background(), client, store.Query{Prefix: "idempotency#", Limit: 10})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("%d records, %v", len(page.Items), err)
		}
		it := page.Items[0]
		for _, clear := range []string{b.Secret, "Casmurro", "k-in-clear"} {
			if strings.Contains(string(it.Data)+string(it.Summary)+it.SK, clear) {
				t.Errorf("the record of %s shows %q", path, clear)
			}
		}
	}
}

// Two requests with one key at the same time: the effect is made once, and both get its answer, although the second meets the
// first's title as a conflict of its own before it meets the record.
func TestRace(t *testing.T) {
	const racers = 8
	p := start(t)
	var gate sync.WaitGroup
	gate.Add(racers)
	p.before = func(context.Context) { gate.Done(); gate.Wait() }
	answers := make([]answer, racers)
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() { answers[i] = p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k") })
	}
	wg.Wait()
	replayed := 0
	for _, a := range answers {
		if a.StatusCode != http.StatusCreated || string(a.body) != string(answers[0].body) {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if a.Header.Get("Idempotency-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != racers-1 {
		t.Errorf("%d of %d answers were replayed", replayed, racers)
	}
}

func TestConflictOfTheCallersOwnIsTheCallersOwn(t *testing.T) {
	p := start(t)
	p.do(t, "ana", "POST", profiles, dom)
	got := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k")
	if pr := got.problem(t); pr.Status != 409 || pr.Code != "slug_taken" {
		t.Errorf("got %s", got.body)
	}
}

func TestRunningRequestKeepsOthersOutForItsLease(t *testing.T) {
	p := start(t)
	asked := make(chan struct{})
	answered := make(chan struct{})
	p.ask = func(context.Context) error { close(asked); <-answered; return nil }
	var first answer
	var wg sync.WaitGroup
	wg.Go(func() { first = p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k") })
	<-asked
	second := p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k")
	if pr := second.problem(t); pr.Status != 409 || pr.Code != "idempotency_in_progress" || second.Header.Get("Retry-After") != "61" {
		t.Errorf("got %s, Retry-After %s", second.body, second.Header.Get("Retry-After"))
	}
	other := p.do(t, "ana", "POST", "/v1/agents", `{"title":"other"}`, "Idempotency-Key", "k")
	if pr := other.problem(t); pr.Code != "idempotency_key_reused" {
		t.Errorf("got %s", other.body)
	}
	close(answered)
	wg.Wait()
	if first.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	sameAnswer(t, first, p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k"))
}

// A request that committed the question and then died is gone on with, not made again, once its lease has passed.
func TestAbandonedRequestIsResumed(t *testing.T) {
	p := start(t)
	p.ask = func(context.Context) error { return errors.New("the model is away") }
	if got := p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k"); got.StatusCode != http.StatusInternalServerError {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	p.ask = nil
	if got := p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k"); got.StatusCode != http.StatusConflict {
		t.Fatalf("within the lease: %d %s", got.StatusCode, got.body)
	}
	p.clock.Advance(idempotency.Lease + time.Second)
	got := p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k")
	if got.StatusCode != http.StatusOK || p.runs.Load() != 1 {
		t.Fatalf("%d %s, %d questions", got.StatusCode, got.body, p.runs.Load())
	}
	questions, err := p.table.Query(context.Background(), "cli_blue", store.Query{Prefix: "question#", Limit: 10})
	if err != nil || len(questions.Items) != 1 {
		t.Errorf("%d questions, %v", len(questions.Items), err)
	}
	sameAnswer(t, got, p.do(t, "ana", "POST", "/v1/agents", dom, "Idempotency-Key", "k"))
}

func TestOperationThatAnswersAnotherTypeFails(t *testing.T) {
	p := start(t)
	p.before = func(ctx context.Context) { idempotency.Answer(ctx, tenant.Principal{}) }
	if got := p.do(t, "ana", "POST", profiles, dom, "Idempotency-Key", "k"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := p.do(t, "ana", "GET", profiles, ""); strings.Contains(string(got.body), "Casmurro") {
		t.Errorf("it had its effect: %s", got.body)
	}
}

func TestKeyOnAReadIsIgnored(t *testing.T) {
	p := start(t)
	for range 2 {
		if got := p.do(t, "ana", "GET", profiles, "", "Idempotency-Key", "k"); got.StatusCode != 200 || got.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	}
}
