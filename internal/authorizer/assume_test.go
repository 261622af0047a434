package authorizer_test

import (
	"testing"
	"time"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	rootUser    = "usr_root"
	homeSession = "ses_home" // which they assume with
)

// assume makes a global administrator inside the client for the given time.
func (w *world) assume(t testing.TB, stay time.Duration) (header string, p tenant.Principal) {
	t.Helper()
	home := directory.Home(rootUser)
	w.put(t, home, keys.User(rootUser), `{"id":"usr_root","role":"global_admin","status":"active"}`)
	w.put(t, home, keys.Session(homeSession), `{"id":"ses_home","user":"usr_root"}`)
	p = tenant.Principal{Client: client, User: rootUser, Role: tenant.ClientAdmin, Session: "ses_assumed", Assumed: true}
	w.commit(t, client, keys.Session(p.Session), func(store.Item, bool) store.Change {
		return store.Create(store.Item{SK: keys.Session(p.Session), Schema: 1, ExpiresAt: w.clock.Now().Add(stay),
			Summary: []byte(`{"id":"ses_assumed","user":"usr_root","assumed":true,"home":"ses_home"}`)})
	})
	token, err := w.verifier.IssueUntil(p, w.clock.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token, p
}

func TestAssumedAdministratorIsAdmitted(t *testing.T) {
	w := newWorld(t)
	header, want := w.assume(t, time.Hour)
	w.table.reads.Store(0)
	for range 5 {
		for name, authorize := range w.both() {
			if p, err := authorize(t.Context(), header); err != nil || p != want {
				t.Fatalf("%s: %+v, %v", name, p, err)
			}
		}
	}
	if n := w.table.reads.Load(); n != 2 {
		t.Errorf("%d reads, want 2: one in the client, one at home", n)
	}
}

// INVARIANT 11: whatever ends the stay, it is over within a minute.
func TestAssumedAdministratorIsOutWithinAMinute(t *testing.T) {
	home := directory.Home(rootUser)
	for name, c := range map[string]struct {
		happens func(t *testing.T, w *world)
		kind    fault.Kind
		code    string
	}{
		"client suspended": {func(t *testing.T, w *world) { w.put(t, client, keys.Client, `{"status":"suspended"}`) }, fault.Forbidden, "client_suspended"},
		"client gone":      {func(t *testing.T, w *world) { w.remove(t, client, keys.Client) }, fault.Forbidden, "client_suspended"},
		"signed out":       {func(t *testing.T, w *world) { w.remove(t, client, keys.Session("ses_assumed")) }, fault.Unauthenticated, "session_ended"},
		"session of another": {func(t *testing.T, w *world) {
			w.edit(t, client, keys.Session("ses_assumed"), `"user":"usr_root"`, `"user":"usr_eve"`)
		}, fault.Unauthenticated, "session_ended"},
		"session that is not assumed": {func(t *testing.T, w *world) {
			w.edit(t, client, keys.Session("ses_assumed"), `"assumed":true`, `"assumed":false`)
		}, fault.Unauthenticated, "session_ended"},
		"administrator disabled": {func(t *testing.T, w *world) {
			w.put(t, home, keys.User(rootUser), `{"role":"global_admin","status":"disabled"}`)
		}, fault.Unauthenticated, "session_ended"},
		"administrator no more": {func(t *testing.T, w *world) {
			w.put(t, home, keys.User(rootUser), `{"role":"client_admin","status":"active"}`)
		}, fault.Unauthenticated, "session_ended"},
		"administrator gone": {func(t *testing.T, w *world) { w.remove(t, home, keys.User(rootUser)) }, fault.Unauthenticated, "session_ended"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			header, _ := w.assume(t, time.Hour)
			if _, err := w.Authorize(t.Context(), header); err != nil {
				t.Fatal(err)
			}
			c.happens(t, w)
			w.clock.Advance(authorizer.LivenessLifetime + time.Second)
			for _, authorize := range w.both() {
				_, err := authorize(t.Context(), header)
				wantFault(t, err, c.kind, c.code)
			}
		})
	}
}

// Neither a token that lives on nor what is remembered of the session lets anybody in after the session's end.
func TestAssumedSessionEndsToTheSecond(t *testing.T) {
	w := newWorld(t)
	header, _ := w.assume(t, 20*time.Second)
	w.clock.Advance(18 * time.Second)
	for _, authorize := range w.both() {
		if _, err := authorize(t.Context(), header); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(2 * time.Second)
	for _, authorize := range w.both() {
		_, err := authorize(t.Context(), header)
		wantFault(t, err, fault.Unauthenticated, "session_ended")
	}
}

func TestAssumedTokenEndsWithItsHour(t *testing.T) {
	w := newWorld(t)
	header, _ := w.assume(t, 100*time.Hour) // a session that somebody prolonged
	w.clock.Advance(time.Hour + time.Minute)
	for _, authorize := range w.both() {
		_, err := authorize(t.Context(), header)
		wantFault(t, err, fault.Unauthenticated, "token_expired")
	}
}

// A client's session is no way to be assumed, and an assumed one none to be somebody of the client.
func TestOrdinaryAndAssumedSessionsAreNotExchanged(t *testing.T) {
	w := newWorld(t)
	_, ana := w.enter(t, "usr_ana", tenant.ClientAdmin)
	_, root := w.assume(t, time.Hour)
	for name, p := range map[string]tenant.Principal{
		"a user who says they are assumed":         {Client: client, User: ana.User, Role: ana.Role, Session: ana.Session, Assumed: true},
		"an administrator without the mark":        {Client: client, User: root.User, Role: root.Role, Session: root.Session},
		"an administrator in a user's session":     {Client: client, User: root.User, Role: root.Role, Session: ana.Session, Assumed: true},
		"a user in an assumed session":             {Client: client, User: ana.User, Role: ana.Role, Session: root.Session},
		"an administrator in another's client":     {Client: "cli_verdeverdeverdeverdeverdev", User: root.User, Role: root.Role, Session: root.Session, Assumed: true},
		"an administrator at home by this session": {User: root.User, Role: tenant.GlobalAdmin, Session: root.Session},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Authorize(t.Context(), w.header(t, p))
			wantFault(t, err, fault.Unauthenticated, "session_ended")
		})
	}
}

func TestLimitsComeFromTheRows(t *testing.T) {
	w := newWorld(t)
	header, p := w.enter(t, "usr_ana", tenant.AgentManager)
	w.put(t, client, keys.User("usr_ana"), `{"role":"agent_manager","status":"active","within":"agt_a pro_b"}`)
	w.put(t, client, keys.Session(p.Session), `{"user":"usr_ana","restricted":true}`)
	for name, authorize := range w.both() {
		got, err := authorize(t.Context(), header)
		if err != nil || got.Within != "agt_a pro_b" || !got.Restricted {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	// A token that says so stays restricted, whatever its session says since.
	w.put(t, client, keys.Session(p.Session), `{"user":"usr_ana"}`)
	w.clock.Advance(authorizer.LivenessLifetime)
	p.Restricted = true
	if got, err := w.Authorize(t.Context(), w.header(t, p)); err != nil || !got.Restricted {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestARestrictionIsLiftedAtOnceForTheTokenOfAfterIt(t *testing.T) {
	w := newWorld(t)
	_, p := w.enter(t, "usr_ana", tenant.StandardUser)
	w.put(t, client, keys.Session(p.Session), `{"user":"usr_ana","restricted":true}`)
	before := p
	before.Restricted = true
	stale, fresh := w.header(t, before), w.header(t, p)
	if got, err := w.Authorize(t.Context(), stale); err != nil || !got.Restricted {
		t.Fatalf("%+v, %v", got, err)
	}
	w.put(t, client, keys.Session(p.Session), `{"user":"usr_ana"}`)
	if got, err := w.Authorize(t.Context(), fresh); err != nil || got.Restricted {
		t.Errorf("the token of after it: %+v, %v", got, err)
	}
	if got, err := w.Authorize(t.Context(), stale); err != nil || !got.Restricted {
		t.Errorf("the token of before it: %+v, %v", got, err)
	}
}
