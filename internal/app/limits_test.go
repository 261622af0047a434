package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// counted is a table that counts its reads of a client's things by id.
type counted struct {
	store.Table
	gets int
}

func (c *counted) Get(ctx context.Context, client tenant.ID, sk string) (store.Item, error) {
	if strings.Contains(sk, "#") { // the client's own row is read for its rate, now and then
		c.gets++
	}
	return c.Table.Get(ctx, client, sk)
}

// platform is the whole API, called in process by whatever principal a test makes up.
type platform struct {
	t     *testing.T
	h     http.Handler
	table *counted
	clock *storetest.Clock
}

func newPlatform(t *testing.T) platform {
	t.Helper()
	k := testkit.New(t)
	table := &counted{Table: k.Table}
	a, err := app.New(app.Ports{Table: table, Blobs: k.Blobs, Cache: memory.New(k.System, 1<<20, 1024),
		Meter: memory.NewMeter(k.System, 16), Secret: make([]byte, 32), System: k.System, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.Handler(app.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return platform{t, h, table, k.Clock}
}

// do makes a call and returns its status and body, the request's id taken out.
func (p platform) do(as tenant.Principal, method, path, body string, headers ...string) (int, string) {
	p.t.Helper()
	p.clock.Advance(time.Second) // nobody is to be told to slow down
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("X-Request-Id", "one")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.h.ServeHTTP(w, r.WithContext(httpapi.WithPrincipal(r.Context(), as)))
	return w.Code, w.Body.String()
}

// made is do for a call that makes something; it returns the id.
func (p platform) made(as tenant.Principal, path, body string) string {
	p.t.Helper()
	status, answer := p.do(as, "POST", path, body)
	var out struct{ ID string }
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status/100 != 2 || out.ID == "" {
		p.t.Fatalf("POST %s: %d %s", path, status, answer)
	}
	return out.ID
}

// estate is a client with two profiles, an agent of each, and of each agent a document and two conversations.
type estate struct {
	platform
	admin   tenant.Principal
	profile [2]string
	agent   [2]string
	talk    [2]string // the manager's own
	theirs  [2]string // of a standard user
}

const managerID = "usr_manager"

func (e estate) manager(within ...string) tenant.Principal {
	return tenant.Principal{Client: e.admin.Client, User: managerID, Role: tenant.AgentManager, Session: "ses_1", Within: tenant.NamesOf(within...)}
}

func newEstate(t *testing.T) estate {
	t.Helper()
	e := estate{platform: newPlatform(t), admin: tenant.Principal{Client: "cli_blue", User: "usr_admin", Role: tenant.ClientAdmin, Session: "ses_0"}}
	user := tenant.Principal{Client: "cli_blue", User: "usr_user", Role: tenant.StandardUser, Session: "ses_2"}
	for i := range e.profile {
		e.profile[i] = e.made(e.admin, "/v1/profiles", `{"name":"P","industry":"retail","size":{"employees":2}}`)
		e.agent[i] = e.made(e.admin, "/v1/agents", fmt.Sprintf(`{"profile_id":%q,"template":"retail","name":"A"}`, e.profile[i]))
		at := "/v1/agents/" + e.agent[i]
		e.made(e.admin, at+"/documents", `{"name":"a.md","content_type":"text/markdown","content":"# A\n\nB"}`)
		e.made(e.admin, at+"/publish", "")
		e.talk[i] = e.made(e.manager(), at+"/conversations", `{}`)
		e.theirs[i] = e.made(user, at+"/conversations", `{}`)
	}
	return e
}

// bodies are what operations with a body are sent.
func (e estate) body(operation, profile string) string {
	switch operation {
	case "generate-agent":
		return fmt.Sprintf(`{"profile_id":%q,"template":"retail","name":"New"}`, profile)
	case "update-agent", "update-profile":
		return `{"name":"Renamed"}`
	case "rollback-agent":
		return `{"version":1}`
	case "put-draft":
		return `{"texts":{"en":{"personality":"","tone":"","greeting":"","fallback":"","instructions":[],"topics":[],"handoff":[],"cautions":[]}},"workflows":[]}`
	case "add-document":
		return `{"name":"b.md","content_type":"text/markdown","content":"# B\n\nC"}`
	case "start-conversation":
		return `{}`
	case "send-message":
		return `{"text":"Hello"}`
	}
	return ""
}

// upon are the operations that are upon a profile, an agent or what hangs on one, each as a call upon the i-th.
func (e estate) call(as tenant.Principal, op route.Operation, profile, agent, talk string) (int, string) {
	path := strings.NewReplacer("{profile_id}", profile, "{agent_id}", agent, "{conversation_id}", talk,
		"{document_id}", "doc_absent", "{version}", "1").Replace(op.Path)
	if op.ID == "search-passages" {
		path += "?q=b"
	}
	return e.do(as, op.Method, path, e.body(op.ID, profile), "If-Match", `"v99"`)
}

func upon(op route.Operation) bool {
	return op.ID == "generate-agent" || strings.Contains(op.Path, "{profile_id}") || strings.Contains(op.Path, "{agent_id}") ||
		strings.Contains(op.Path, "{conversation_id}")
}

// A manager who is limited to some profiles or agents gets of the others, by every operation there is, the very answer that made-up ids get.
func TestOutsideItsNamesALimitedManagerFindsNothing(t *testing.T) {
	e := newEstate(t)
	for name, within := range map[string][]string{"by profile": {e.profile[0]}, "by agent": {e.agent[0]}, "by both": {e.profile[0], e.agent[0]}, "to what is gone": {"pro_gone"}} {
		manager := e.manager(within...)
		tried := 0
		for _, op := range route.Operations() {
			if !upon(op) {
				continue
			}
			tried++
			for _, talk := range []string{e.talk[1], e.theirs[1]} {
				status, got := e.call(manager, op, e.profile[1], e.agent[1], talk)
				_, absent := e.call(manager, op, "pro_absent", "agt_absent", "cnv_absent")
				if status != 404 || got != absent {
					t.Errorf("limited %s, %s: %d %s, and of what is absent %s", name, op.ID, status, got, absent)
				}
			}
		}
		if tried < 20 {
			t.Errorf("only %d operations tried", tried)
		}
	}
}

// Inside its names the same manager is as any other: no operation says that there is nothing, or that it may not.
func TestInsideItsNamesALimitedManagerIsAsAnyOther(t *testing.T) {
	for _, by := range []string{"profile", "agent"} {
		e := newEstate(t)
		within := map[string]string{"profile": e.profile[0], "agent": e.agent[0]}[by]
		for _, op := range route.Operations() {
			if !upon(op) || op.ID == "get-document" || op.ID == "delete-document" || by == "agent" && (strings.HasSuffix(op.ID, "-profile") || op.ID == "generate-agent") {
				continue
			}
			wantStatus, want := e.call(e.manager(), op, e.profile[0], e.agent[0], e.talk[0])
			status, got := e.call(e.manager(within), op, e.profile[0], e.agent[0], e.talk[0])
			if status == 404 || status == 403 || wantStatus != status && wantStatus/100 != 2 && status/100 != 2 {
				t.Errorf("%s, limited by %s: %d %s, and without the limit %d %s", op.ID, by, status, got, wantStatus, want)
			}
		}
	}
}

// Lists show what is named, page by page, and end.
func TestListsShowALimitedManagerWhatIsNamed(t *testing.T) {
	e := newEstate(t)
	for _, c := range []struct {
		list   string
		within []string
		want   []string
	}{
		{"/v1/agents", nil, e.agent[:]},
		{"/v1/agents", []string{e.agent[1]}, e.agent[1:]},
		{"/v1/agents", []string{e.profile[0]}, e.agent[:1]},
		{"/v1/agents", []string{e.profile[0], e.agent[1]}, e.agent[:]},
		{"/v1/agents?profile_id=" + e.profile[1], []string{e.profile[0]}, nil},
		{"/v1/agents?profile_id=" + e.profile[1], []string{e.agent[1]}, e.agent[1:]},
		{"/v1/profiles", nil, e.profile[:]},
		{"/v1/profiles", []string{e.profile[1]}, e.profile[1:]},
		{"/v1/profiles", []string{e.agent[1]}, nil},
	} {
		var got []string
		for cursor, pages := "", 0; ; pages++ {
			separator := map[bool]string{true: "&", false: "?"}[strings.Contains(c.list, "?")]
			status, answer := e.do(e.manager(c.within...), "GET", c.list+separator+"limit=1&cursor="+cursor, "")
			var page struct {
				Items []struct{ ID string }
				Next  *string `json:"next_cursor"`
			}
			if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 || pages > 4 {
				t.Fatalf("%s: %d %s", c.list, status, answer)
			}
			for _, item := range page.Items {
				got = append(got, item.ID)
			}
			if page.Next == nil {
				break
			}
			cursor = *page.Next
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.want))
		if !slices.Equal(got, want) {
			t.Errorf("%s within %v: %v, not %v", c.list, c.within, got, want)
		}
	}
}

func TestALimitedManagerMakesNoProfiles(t *testing.T) {
	e := newEstate(t)
	const body = `{"name":"P","industry":"retail","size":{"employees":2}}`
	if status, answer := e.do(e.manager(e.profile[0]), "POST", "/v1/profiles", body); status != 403 {
		t.Errorf("%d %s", status, answer)
	}
	e.made(e.manager(), "/v1/profiles", body)
}

// What a limit costs: nothing for whoever has none, nor where agents are named; one read more for managers who are limited to profiles,
// unless the operation reads the agent anyway.
func TestWhatALimitCosts(t *testing.T) {
	e := newEstate(t)
	agent := "/v1/agents/" + e.agent[0]
	for _, c := range []struct {
		path                     string
		free, byAgent, byProfile int
	}{
		{agent, 1, 1, 1},
		{agent + "/configurations", 0, 0, 1},
		{agent + "/configurations/1", 1, 1, 2},
		{agent + "/documents", 0, 0, 1},
		{agent + "/search?q=b", 1, 1, 1},
		{agent + "/conversations", 0, 0, 1},
		{"/v1/conversations/" + e.theirs[0], 1, 1, 2},
		{"/v1/conversations/" + e.theirs[0] + "/messages", 1, 1, 2},
		{"/v1/profiles/" + e.profile[0], 1, 0, 1},
		{"/v1/agents", 0, 0, 0},
	} {
		e.do(e.manager(), "GET", c.path, "") // fills caches
		for name, as := range map[string]struct {
			who  tenant.Principal
			want int
		}{"nothing": {e.manager(), c.free}, "an agent": {e.manager(e.agent[0]), c.byAgent}, "a profile": {e.manager(e.profile[0]), c.byProfile}} {
			e.table.gets = 0
			e.do(as.who, "GET", c.path, "")
			if e.table.gets != as.want {
				t.Errorf("GET %s, limited to %s: %d reads, not %d", c.path, name, e.table.gets, as.want)
			}
		}
	}
}
