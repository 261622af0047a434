package httpapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// watched is a small API whose refusals are recorded.
func watched(t *testing.T) *platform {
	t.Helper()
	k := testkit.New(t)
	p := &platform{clock: k.Clock, log: &syncBuffer{}, shelf: &shelf{table: k.Table, system: k.System}}
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	p.api, err = httpapi.New(httpapi.Config{Table: k.Table, Access: decider, System: k.System, Secret: secret,
		Log: slog.New(slog.DiscardHandler), Denials: denial.New(k.Table, k.System, slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	row, err := store.Row(keys.Client, 1, map[string]string{"id": "cli_blue"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Table.Commit(t.Context(), "cli_blue", testkit.Record(t.Context(), t, k.System, "cli_blue"), store.Create(row)); err != nil {
		t.Fatal(err)
	}
	httpapi.Register(p.api, httpapi.Op{ID: "get-profile", CacheControl: "public, max-age=300"},
		func(ctx context.Context, in *BookID) (book, error) {
			switch in.ID {
			case "pro_hidden":
				return book{}, p.api.Reach(ctx, access.Resource{Type: "Profile", ID: "pro_aaaaaaaaaaaaaaaaaaaaaaaaaa", Client: "cli_green"}, nil,
					fault.New("test", fault.NotFound, "not_found"))
			case "pro_absent":
				return book{}, fault.New("test", fault.NotFound, "profile_not_found")
			case "pro_forbidden":
				return book{}, fault.New("test", fault.Forbidden, "client_suspended")
			}
			return book{ID: in.ID}, nil
		}, httpapi.Body[book])
	httpapi.Register(p.api, httpapi.Op{ID: "create-user"}, func(context.Context, *struct{}) (book, error) { return book{}, nil }, httpapi.Body[book])
	httpapi.Register(p.api, httpapi.Op{ID: "sign-in"}, func(context.Context, *struct{}) (book, error) {
		return book{}, fault.New("test", fault.Forbidden, "client_suspended")
	}, httpapi.Body[book])
	if err := p.api.Err(); err != nil {
		t.Fatal(err)
	}
	p.handler = httpapi.Authenticate(func(ctx context.Context, header string) (tenant.Principal, error) {
		if header == "Bearer suspended" {
			return tenant.Principal{}, denial.Proven(denial.Token, principals["ana"], fault.New("test", fault.Forbidden, "client_suspended"))
		}
		return authorize(ctx, header)
	}, p.api.Handler())
	return p
}

// trail returns what is recorded of refusals and denials, in cli_blue's trail and the platform's, the oldest first.
func (p *platform) trail(t *testing.T) []audit.Event {
	t.Helper()
	page, err := p.table.Query(t.Context(), "cli_blue", store.Query{Prefix: keys.EventShard(0), Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var all []audit.Event
	for _, it := range page.Items {
		e, err := store.ItemEvent("cli_blue", it)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	platform, err := directory.New(p.table).PlatformEvents(t.Context(), 100, "")
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, platform.Items...)
	return slices.DeleteFunc(all, func(e audit.Event) bool {
		return e.Body.Type != events.TypeAccessDenied && e.Body.Type != events.TypeCredentialRefused
	})
}

func TestEveryRefusalIsRecordedOnce(t *testing.T) {
	operation := func(id string) audit.Target { return audit.Target{Type: "operation", ID: id} }
	for _, c := range []struct {
		name, token, method, path string
		status                    int
		kind                      string // empty: nothing is recorded
		target                    audit.Target
		reason                    string
	}{
		{"allowed", "ana", "GET", "/v1/profiles/pro_one", 200, "", audit.Target{}, ""},
		{"a credential that is none", "nonsense", "GET", "/v1/profiles/pro_one", 401, events.TypeCredentialRefused,
			audit.Target{Type: "credential", ID: "unknown"}, "invalid_token"},
		{"a credential of a suspended client", "suspended", "GET", "/v1/profiles/pro_one", 403, events.TypeCredentialRefused,
			audit.Target{Type: "credential", ID: "ses_ana"}, "client_suspended"},
		{"no credential", "", "GET", "/v1/profiles/pro_one", 401, "", audit.Target{}, ""},
		{"a credential that is none where none is asked for", "nonsense", "POST", "/v1/auth/sign-in", 403, "", audit.Target{}, ""},
		{"denied at the edge", "caio", "POST", "/v1/users", 403, events.TypeAccessDenied, operation("create-user"), "forbidden"},
		{"denied upon what is another's", "ana", "GET", "/v1/profiles/pro_hidden", 404, events.TypeAccessDenied,
			audit.Target{Type: "profile", ID: "pro_aaaaaaaaaaaaaaaaaaaaaaaaaa"}, "not_found"},
		{"forbidden by a service", "ana", "GET", "/v1/profiles/pro_forbidden", 403, events.TypeAccessDenied, operation("get-profile"), "client_suspended"},
		{"absent", "ana", "GET", "/v1/profiles/pro_absent", 404, "", audit.Target{}, ""},
		{"what a public operation refuses it records itself", "ana", "POST", "/v1/auth/sign-in", 403, "", audit.Target{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := watched(t)
			got := p.do(t, c.token, c.method, c.path, "", "X-Request-Id", "req-7", "User-Agent", "curl")
			if got.StatusCode != c.status {
				t.Fatalf("status %d: %s", got.StatusCode, got.body)
			}
			all := p.trail(t)
			if c.kind == "" {
				if len(all) != 0 {
					t.Errorf("recorded: %+v", all)
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("%d recorded, want 1: %+v", len(all), all)
			}
			var change struct{ Reason string }
			if err := json.Unmarshal(all[0].Body.Change, &change); err != nil {
				t.Fatal(err)
			}
			if b := all[0].Body; b.Type != c.kind || b.Target != c.target || change.Reason != c.reason || b.RequestID != "req-7" ||
				b.Action == "" || all[0].Private == nil {
				t.Errorf("%+v, reason %s", b, change.Reason)
			}
		})
	}
}

func TestTwoCredentialsAreRefusedAndRecorded(t *testing.T) {
	p := watched(t)
	r := httptest.NewRequest(http.MethodGet, "/v1/profiles/pro_one", http.NoBody)
	r.Header["Authorization"] = []string{"Bearer ana", "Bearer bia"}
	if got := p.send(t, r); got.StatusCode != 401 || got.problem(t).Code != "unauthenticated" {
		t.Errorf("%d: %s", got.StatusCode, got.body)
	}
	if all := p.trail(t); len(all) != 1 || all[0].Body.Type != events.TypeCredentialRefused {
		t.Errorf("recorded: %+v", all)
	}
}

// Only what an operation says may be kept is kept, and no error ever is.
func TestCacheControl(t *testing.T) {
	p := watched(t)
	for _, c := range []struct{ token, method, path, want string }{
		{"ana", "GET", "/v1/profiles/pro_one", "public, max-age=300"},
		{"ana", "GET", "/v1/profiles/pro_absent", "no-store"},
		{"", "GET", "/v1/profiles/pro_one", "no-store"},
		{"ana", "POST", "/v1/users", "no-store"},
		{"ana", "GET", "/v1/nothing", "no-store"},
	} {
		if got := p.do(t, c.token, c.method, c.path, "").Header["Cache-Control"]; !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s %s as %q: %v, want %s", c.method, c.path, c.token, got, c.want)
		}
	}
}

func TestATableThatFailsChangesNoAnswer(t *testing.T) {
	p := watched(t)
	api, err := httpapi.New(httpapi.Config{Table: p.table, Access: mustAccess(t), System: p.system, Secret: secret, Log: slog.New(slog.DiscardHandler),
		Denials: denial.New(closedTable{p.table}, p.system, slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	httpapi.Register(api, httpapi.Op{ID: "create-user"}, func(context.Context, *struct{}) (book, error) { return book{}, nil }, httpapi.Body[book])
	p.handler = httpapi.Authenticate(authorize, api.Handler())
	if got := p.do(t, "caio", "POST", "/v1/users", ""); got.StatusCode != 403 || got.problem(t).Code != "forbidden" {
		t.Errorf("%d: %s", got.StatusCode, got.body)
	}
	if got := p.do(t, "nonsense", "POST", "/v1/users", ""); got.StatusCode != 401 {
		t.Errorf("%d: %s", got.StatusCode, got.body)
	}
}

func mustAccess(t *testing.T) *access.Decider {
	t.Helper()
	d, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// closedTable takes no commit.
type closedTable struct{ store.Table }

func (closedTable) Commit(context.Context, tenant.ID, audit.Record, ...store.Change) error {
	return store.ErrUnavailable
}
