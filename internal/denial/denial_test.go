package denial_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/events/eventtest"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_azulazulazulazulazulazulaz"

var (
	errToken     = fault.New("test", fault.Unauthenticated, "invalid_token")
	errForbidden = fault.New("test", fault.Forbidden, "forbidden")
	ana          = tenant.Principal{Client: client, User: "usr_anaanaanaanaanaanaanaanaan", Role: tenant.StandardUser,
		Session: "ses_anaanaanaanaanaanaanaanaan"}
)

type world struct {
	*denial.Recorder
	*testkit.Kit
	table *failing
	log   *bytes.Buffer
}

// failing fails commits on demand.
type failing struct {
	store.Table
	err error
}

func (f *failing) Commit(ctx context.Context, client tenant.ID, r audit.Record, changes ...store.Change) error {
	if f.err != nil {
		return f.err
	}
	return f.Table.Commit(ctx, client, r, changes...)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Kit: testkit.New(t), log: new(bytes.Buffer)}
	w.table = &failing{Table: w.Table}
	w.Recorder = denial.New(w.table, w.System, slog.New(slog.NewJSONHandler(w.log, nil)))
	row, err := store.Row(keys.Client, 1, map[string]string{"id": string(client)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Table.Commit(t.Context(), client, testkit.Record(t.Context(), t, w.System, client), store.Create(row)); err != nil {
		t.Fatal(err)
	}
	return w
}

// call is a call of an operation from an address.
func call(t *testing.T, p tenant.Principal, operation, address string) context.Context {
	t.Helper()
	return tenant.WithCall(t.Context(), tenant.Call{Principal: p, Operation: operation, RequestID: "req_qqqqqqqqqqqqqqqqqqqqqqqqqq",
		Address: address, UserAgent: "curl/8"})
}

// recorded returns the events of the type in a client's trail, or in the platform's, the oldest first, each valid.
func (w *world) recorded(t *testing.T, where tenant.ID, kind string) []audit.Event {
	t.Helper()
	var all []audit.Event
	if where == "" {
		page, err := directory.New(w.Table).PlatformEvents(t.Context(), 900, "")
		if err != nil {
			t.Fatal(err)
		}
		all = page.Items
		slices.Reverse(all)
	} else {
		page, err := w.Table.Query(t.Context(), where, store.Query{Prefix: keys.EventShard(0), Limit: 900})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			e, err := store.ItemEvent(where, it)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
	}
	all = slices.DeleteFunc(all, func(e audit.Event) bool { return e.Body.Type != kind })
	for _, e := range all {
		body, err := json.Marshal(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := eventtest.Validate(body); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	return all
}

func change[T any](t *testing.T, e audit.Event) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(e.Body.Change, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestARefusedCredentialIsInTheTrailOfWhomItProved(t *testing.T) {
	w := newWorld(t)
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"), errToken)
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"),
		denial.Proven(denial.Token, ana, fault.New("test", fault.Unauthenticated, "session_ended")))
	w.Refused(call(t, tenant.Principal{}, "", "203.0.113.7"), denial.Proven(denial.APIKey,
		tenant.Principal{Client: client, User: "key_kkkkkkkkkkkkkkkkkkkkkkkkkk"}, fault.New("test", fault.Forbidden, "client_suspended")))
	w.Refused(call(t, tenant.Principal{}, "get-agent", ""), fault.New("test", fault.Unavailable, "unavailable"))
	w.Refused(call(t, tenant.Principal{}, "get-agent", ""), errors.New("something else"))

	platform := w.recorded(t, "", events.TypeCredentialRefused)
	if len(platform) != 1 {
		t.Fatalf("%d in the platform's trail, want 1", len(platform))
	}
	e := platform[0]
	if c := change[events.CredentialRefused](t, e); c != (events.CredentialRefused{Method: "token", Reason: "invalid_token", Count: 1}) ||
		e.Body.Actor.Type != "anonymous" || e.Body.Result != "failure" || e.Body.Action != "get-agent" || e.Body.Target.ID != "unknown" {
		t.Errorf("%+v of %+v", c, e.Body)
	}
	if e.Private == nil || !strings.Contains(string(e.Private.Values), "203.0.113.7") || !strings.Contains(string(e.Private.Values), "curl/8") ||
		strings.Contains(string(e.Body.Change), "203.0.113.7") {
		t.Errorf("the address is not in the private part: %+v", e)
	}
	own := w.recorded(t, client, events.TypeCredentialRefused)
	if len(own) != 2 {
		t.Fatalf("%d in the client's trail, want 2", len(own))
	}
	if c := change[events.CredentialRefused](t, own[0]); c.Reason != "session_ended" || own[0].Body.Target.ID != ana.Session {
		t.Errorf("%+v of %+v", c, own[0].Body)
	}
	if c := change[events.CredentialRefused](t, own[1]); c.Method != "api_key" || c.Reason != "client_suspended" ||
		own[1].Body.Target.ID != "key_kkkkkkkkkkkkkkkkkkkkkkkkkk" {
		t.Errorf("%+v of %+v", c, own[1].Body)
	}
}

func TestADenialSaysWhoWhatAndWhichPolicy(t *testing.T) {
	w := newWorld(t)
	w.Denied(call(t, ana, "create-user", "203.0.113.7"), errForbidden)
	agent := audit.Target{Type: "agent", ID: "agt_aaaaaaaaaaaaaaaaaaaaaaaaaa"}
	w.Denied(call(t, ana, "publish-agent", ""), &denial.Denial{Target: agent, Policies: []string{"own-client-only"}, Err: errForbidden})
	w.Denied(call(t, ana, "publish-agent", ""), &denial.Denial{Target: audit.Target{Type: "agent", ID: "João"}, Err: errForbidden})
	w.Denied(call(t, ana, "publish-agent", ""), &denial.Denial{Target: audit.Target{Type: "Secret", ID: agent.ID}, Err: errForbidden})
	root := tenant.Principal{User: "usr_rootrootrootrootrootrootro", Role: tenant.GlobalAdmin, Session: "ses_x"}
	w.Denied(call(t, root, "generate-agent", ""), errForbidden)

	got := w.recorded(t, client, events.TypeAccessDenied)
	if len(got) != 4 {
		t.Fatalf("%d, want 4", len(got))
	}
	operation := func(id string) audit.Target { return audit.Target{Type: "operation", ID: id} }
	for i, want := range []audit.Target{operation("create-user"), agent, operation("publish-agent"), operation("publish-agent")} {
		if b := got[i].Body; b.Target != want || b.Actor.ID != ana.User || b.Result != "denied" {
			t.Errorf("%d: %+v", i, b)
		}
	}
	if c := change[events.AccessDenied](t, got[1]); !slices.Equal(c.Policies, []string{"own-client-only"}) || c.Reason != "forbidden" || c.Count != 1 {
		t.Errorf("%+v", c)
	}
	if got[0].Capability != "clients" || got[1].Capability != "agents" {
		t.Errorf("published by %s and %s", got[0].Capability, got[1].Capability)
	}
	if got := w.recorded(t, "", events.TypeAccessDenied); len(got) != 1 || got[0].Body.Actor.ID != root.User {
		t.Errorf("the platform's: %+v", got)
	}
}

// counts returns how many events there are, and of how many occurrences.
func counts(t *testing.T, all []audit.Event) (listed int, occurrences int64) {
	t.Helper()
	for _, e := range all {
		occurrences += change[events.CredentialRefused](t, e).Count
	}
	return len(all), occurrences
}

func TestMoreThanTenAMinuteAreCounted(t *testing.T) {
	w := newWorld(t)
	for range 500 {
		w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"), errToken)
	}
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.8"), errToken)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 11 || n != 11 {
		t.Errorf("%d events of %d refusals at once, want 11 of 11", listed, n)
	}
	w.Clock.Advance(denial.Window)
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.9"), errToken) // another's refusal writes what is over
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 13 || n != 502 {
		t.Errorf("%d events of %d refusals after the minute, want 13 of 502", listed, n)
	}
	w.Clock.Advance(denial.Window)
	w.Flush(t.Context(), false)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 13 || n != 502 {
		t.Errorf("a count was written twice: %d events of %d", listed, n)
	}
	for range 12 {
		w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"), errToken)
	}
	w.Flush(t.Context(), true)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 24 || n != 514 {
		t.Errorf("a new minute lists ten again: %d events of %d, want 24 of 514", listed, n)
	}
}

func TestAFloodFromManyAddressesIsBounded(t *testing.T) {
	w := newWorld(t)
	const flood = 20_000
	for i := range flood {
		w.Refused(call(t, tenant.Principal{}, "get-agent", fmt.Sprintf("2001:db8:%x:%x::%x", i>>8, i&0xff, i)), errToken)
	}
	for i := range 50 { // one network
		w.Refused(call(t, tenant.Principal{}, "get-agent", fmt.Sprintf("2001:db9::%x", i)), errToken)
	}
	// Whoever is proved is still listed.
	w.Denied(call(t, ana, "create-user", ""), errForbidden)
	if n := len(w.recorded(t, client, events.TypeAccessDenied)); n != 1 {
		t.Errorf("%d denials listed, want 1", n)
	}
	w.Flush(t.Context(), true)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed > denial.ListedAll+2 || n != flood+50 {
		t.Errorf("%d events of %d refusals, want about %d of %d", listed, n, denial.ListedAll, flood+50)
	}
}

// A flood uses up its own minute, and no later one.
func TestAfterAFloodRefusalsAreListedAgain(t *testing.T) {
	w := newWorld(t)
	from := func(network, host int) context.Context {
		return call(t, tenant.Principal{}, "get-agent", fmt.Sprintf("203.0.%d.%d", network, host))
	}
	for i := range denial.ListedAll + 10 {
		w.Refused(from(i/200, i%200), errToken)
	}
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != denial.ListedAll || n != denial.ListedAll {
		t.Fatalf("%d events of %d refusals within the minute", listed, n)
	}
	w.Clock.Advance(denial.Window)
	w.Flush(t.Context(), false) // those that were counted
	before, _ := counts(t, w.recorded(t, "", events.TypeCredentialRefused))
	w.Refused(from(201, 1), errToken)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != before+1 || n != denial.ListedAll+11 {
		t.Errorf("%d events of %d refusals in the next minute; before it %d", listed, n, before)
	}
}

// A source's minute is over when it is, not only once it was swept.
func TestAMinuteEndsBeforeItIsSwept(t *testing.T) {
	w := newWorld(t)
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.1"), errToken) // sweeps
	w.Clock.Advance(time.Second)
	ten := func() {
		for range denial.Listed {
			w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"), errToken)
		}
	}
	ten()
	w.Clock.Advance(denial.Window - time.Second)
	w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.1"), errToken) // sweeps, a second too early for the ten
	w.Clock.Advance(time.Second)
	ten()
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 2*denial.Listed+2 || n != 2*denial.Listed+2 {
		t.Errorf("%d events of %d refusals, want %d at once", listed, n, 2*denial.Listed+2)
	}
}

func TestSourcesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.table.err = store.ErrUnavailable // each is counted and none written, which is the most there is to remember
	const many = 3 * denial.Sources
	for i := range many {
		p := tenant.Principal{Client: client, User: fmt.Sprintf("usr_%d", i), Role: tenant.StandardUser}
		w.Denied(call(t, p, "create-user", ""), errForbidden)
	}
	w.table.err = nil
	w.Flush(t.Context(), true)
	own, platform := w.recorded(t, client, events.TypeAccessDenied), w.recorded(t, "", events.TypeAccessDenied)
	if len(platform) != 1 || change[events.AccessDenied](t, platform[0]).Count != many-denial.Sources {
		t.Errorf("those there was no room for: %d events", len(platform))
	}
	if len(own) == 0 || len(own) > denial.Sources {
		t.Errorf("%d events", len(own))
	}
}

func TestASilentTableLosesNoCount(t *testing.T) {
	w := newWorld(t)
	w.table.err = store.ErrUnavailable
	for range 30 {
		w.Refused(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"), errToken)
	}
	if !strings.Contains(w.log.String(), "not recorded yet") {
		t.Error("the failure is not in the log")
	}
	w.Clock.Advance(denial.Window)
	w.Flush(t.Context(), false) // fails too
	w.table.err = nil
	w.Clock.Advance(denial.Window)
	w.Flush(t.Context(), false)
	if listed, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); listed != 1 || n != 30 {
		t.Errorf("%d events of %d refusals, want 1 of 30", listed, n)
	}
}

func TestNothingIsWrittenWhereAClientWas(t *testing.T) {
	w := newWorld(t)
	gone := ana
	gone.Client = "cli_gonegonegonegonegonegonego"
	w.Refused(call(t, tenant.Principal{}, "get-agent", ""), denial.Proven(denial.Token, gone, errToken))
	if n := len(w.recorded(t, gone.Client, events.TypeCredentialRefused)); n != 0 {
		t.Errorf("%d events where a client was", n)
	}
	if n := len(w.recorded(t, "", events.TypeCredentialRefused)); n != 1 {
		t.Errorf("%d events of the platform, want 1", n)
	}
}

func TestTheCallersContextDoesNotEndTheRecord(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(call(t, tenant.Principal{}, "get-agent", "203.0.113.7"))
	cancel()
	w.Refused(ctx, errToken)
	if n := len(w.recorded(t, "", events.TypeCredentialRefused)); n != 1 {
		t.Errorf("%d events of a caller that hung up, want 1", n)
	}
}

func TestWatchPassesOnWhatItSees(t *testing.T) {
	w := newWorld(t)
	for _, want := range []error{nil, errToken} {
		p, err := w.Watch(func(context.Context, string) (tenant.Principal, error) { return ana, want })(t.Context(), "Bearer x")
		if p != ana || !errors.Is(err, want) {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if n := len(w.recorded(t, "", events.TypeCredentialRefused)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 50 {
				w.Refused(call(t, tenant.Principal{}, "get-agent", fmt.Sprintf("203.0.113.%d", i%4)), errToken)
				w.Flush(t.Context(), i%10 == 0)
			}
		})
	}
	all.Wait()
	stop()
	<-done
	if _, n := counts(t, w.recorded(t, "", events.TypeCredentialRefused)); n != 400 {
		t.Errorf("%d refusals recorded, want 400", n)
	}
	var none *denial.Recorder
	none.Refused(t.Context(), errToken)
	none.Denied(t.Context(), errForbidden)
	none.Flush(t.Context(), true)
	if !w.Clock.Now().Add(time.Second).After(w.Clock.Now()) {
		t.Error("the clock stands")
	}
}
