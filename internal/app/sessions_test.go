package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/testkit"
)

// whole is the API behind the authorizer, as the monolith serves it, on a clock that the test sets.
type whole struct {
	t     *testing.T
	h     http.Handler
	clock *storetest.Clock
}

func newWhole(t *testing.T) whole {
	t.Helper()
	k := testkit.New(t)
	document, err := identity.GenerateKeys(k.System)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Ports{Table: k.Table, Blobs: k.Blobs, Cache: memory.New(k.System, 1<<20, 1024), Keys: keys,
		Meter: memory.NewMeter(k.System, 1024), Secret: make([]byte, 32), System: k.System, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Identity.EnsureGlobalAdmin(t.Context(), "root@nowgo.example", secret); err != nil {
		t.Fatal(err)
	}
	h, err := a.Handler(app.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return whole{t, httpapi.Authenticate(a.Authorizer.Verdict, h), k.Clock}
}

const secret = "uma frase bem comprida"

// do makes a call that must be answered with the given status, and returns the answer's fields.
func (w whole) do(status int, token, method, path string, body map[string]any) map[string]any {
	w.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	if body == nil {
		content = nil
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(content))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.h.ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, rec.Code, status, rec.Body)
	}
	out := map[string]any{}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func (w whole) signIn() string {
	w.t.Helper()
	token, _ := w.do(200, "", "POST", "/v1/auth/sign-in", map[string]any{"email": "root@nowgo.example", "password": secret})["access_token"].(string)
	return token
}

func (w whole) session(token string) string {
	w.t.Helper()
	items, _ := w.do(200, token, "GET", "/v1/auth/sessions", nil)["items"].([]any)
	for _, item := range items {
		if s, ok := item.(map[string]any); ok && s["current"] == true {
			id, _ := s["id"].(string)
			return id
		}
	}
	w.t.Fatal("no current session")
	return ""
}

// INVARIANT 11: whoever's session is ended is out within a minute, however fresh what is remembered of it was.
func TestEndedSessionIsOutWhenItsLivenessEnds(t *testing.T) {
	w := newWhole(t)
	stays, goes := w.signIn(), w.signIn()
	id := w.session(goes)
	w.clock.Advance(authorizer.LivenessLifetime + authorizer.VerdictLifetime) // what was remembered so far is forgotten
	w.do(200, goes, "GET", "/v1/auth/me", nil)
	w.do(204, stays, "DELETE", "/v1/auth/sessions/"+id, nil)
	w.clock.Advance(authorizer.LivenessLifetime + authorizer.VerdictLifetime)
	if got := w.do(401, goes, "GET", "/v1/auth/me", nil)["code"]; got != "session_ended" {
		t.Errorf("code %v", got)
	}
	w.do(200, stays, "GET", "/v1/auth/me", nil)
	if authorizer.LivenessLifetime+authorizer.VerdictLifetime >= time.Minute {
		t.Error("a minute is not enough")
	}
}

// A token whose session has ended, but on which a verdict is still remembered, starts no other session.
func TestRememberedVerdictStartsNoSession(t *testing.T) {
	w := newWhole(t)
	stays, goes := w.signIn(), w.signIn()
	id := w.session(goes)
	w.do(204, stays, "DELETE", "/v1/auth/sessions/"+id, nil)
	w.do(200, goes, "GET", "/v1/auth/me", nil)
	if got := w.do(401, goes, "POST", "/v1/auth/switch", map[string]any{"client": "platform"})["code"]; got != "session_ended" {
		t.Errorf("code %v", got)
	}
	w.do(200, stays, "POST", "/v1/auth/switch", map[string]any{"client": "platform"})
}
