package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// person is a user who has accepted.
type person struct {
	id     string
	tokens identity.Tokens
	ctx    context.Context // of their calls
}

// join makes somebody a user of the client, with the password good.
func (w *world) join(t *testing.T, client tenant.ID, email string, role tenant.Role) person {
	t.Helper()
	out, err := w.Invite(w.ctx, client, identity.InviteInput{Contact: identity.Contact{Email: email, Name: "P"}, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: out.Invitation.Token, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	return person{out.User.ID, tokens, w.as(t, tokens)}
}

// version is that of a user, as a page that shows it has it.
func (w *world) version(t *testing.T, client tenant.ID, id string) int64 {
	t.Helper()
	u, err := w.GetUser(w.ctx, client, id)
	if err != nil {
		t.Fatal(err)
	}
	return u.Version
}

// update changes a user at the version it has.
func (w *world) update(ctx context.Context, t *testing.T, client tenant.ID, id string, p identity.UserPatch) (identity.User, error) {
	t.Helper()
	return w.UpdateUser(ctx, client, id, w.version(t, client, id), p)
}

func ptr[T any](v T) *T { return &v }

// put creates an item as another capability would.
func (w *world) put(t *testing.T, client tenant.ID, sk string) {
	t.Helper()
	if err := w.table.Commit(t.Context(), client, testkit.Record(w.ctx, t, w.sys, client), store.Create(store.Item{SK: sk, Schema: 1})); err != nil {
		t.Fatal(err)
	}
}

// administrators returns how many active administrators the client has.
func (w *world) administrators(t *testing.T, client tenant.ID) int {
	t.Helper()
	page, err := w.ListUsers(w.ctx, client, identity.UserQuery{Role: tenant.ClientAdmin, Status: identity.StatusActive, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

func TestUpdateUser(t *testing.T) {
	w := newWorld(t)
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.StandardUser)
	u, err := w.UpdateUser(ana.ctx, azul, rui.id, 2, identity.UserPatch{Name: ptr(" Rui Costa "), Role: ptr(tenant.AgentManager)})
	if err != nil || u.Name != "Rui Costa" || u.Role != tenant.AgentManager || u.Version != 3 || u.Status != identity.StatusActive {
		t.Fatalf("%+v, %v", u, err)
	}
	if read, err := w.GetUser(w.ctx, azul, rui.id); err != nil || read != u {
		t.Errorf("read %+v, %v", read, err)
	}
	if same, err := w.UpdateUser(ana.ctx, azul, rui.id, 3, identity.UserPatch{Name: ptr("Rui Costa")}); err != nil || same.Version != 3 {
		t.Errorf("nothing to change: %+v, %v", same, err)
	}
	_, err = w.UpdateUser(ana.ctx, azul, rui.id, 2, identity.UserPatch{Name: ptr("R")})
	wantFault(t, err, fault.PreconditionFailed, "version_mismatch")
	trail := w.trail(t, azul)
	if n := count(trail, events.TypeUserUpdated, `"fields":["name","role"],"version":3,"role":{"from":"standard_user","to":"agent_manager"}`); n != 1 {
		t.Errorf("%d events of it", n)
	}
	wantNoSecrets(t, trail, []string{"Costa"}, nil)
	for _, e := range trail {
		if e.Body.Type == events.TypeUserUpdated && (e.Body.Actor.ID != ana.id || e.Private == nil || !strings.Contains(string(e.Private.Values), "Rui Costa")) {
			t.Errorf("event %+v, private %+v", e.Body, e.Private)
		}
	}
	next, err := w.Refresh(w.ctx, rui.tokens.RefreshToken)
	if err != nil || w.claims(t, next).Principal.Role != tenant.AgentManager {
		t.Errorf("the next token has the new role: %v", err)
	}
}

func TestUpdatesThatCannotBe(t *testing.T) {
	w := newWorld(t)
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.AgentManager)
	for name, c := range map[string]struct {
		patch identity.UserPatch
		field string
	}{
		"global administrator": {identity.UserPatch{Role: ptr(tenant.GlobalAdmin)}, "body.role"},
		"no role":              {identity.UserPatch{Role: ptr(tenant.Role(""))}, "body.role"},
		"invited again":        {identity.UserPatch{Status: ptr(identity.StatusInvited)}, "body.status"},
		"unknown status":       {identity.UserPatch{Status: ptr(identity.Status("root"))}, "body.status"},
		"blank name":           {identity.UserPatch{Name: ptr("  ")}, "body.name"},
		"control in the name":  {identity.UserPatch{Name: ptr("a\nb")}, "body.name"},
		"too many limits":      {identity.UserPatch{Within: ptr(slices.Repeat([]string{"pro_a"}, 21))}, "body.within"},
		"a limit of no form":   {identity.UserPatch{Within: ptr([]string{"usr_a"})}, "body.within[0]"},
		"a limit with a space": {identity.UserPatch{Within: ptr([]string{"pro_a pro_b"})}, "body.within[0]"},
		"a limit with a key":   {identity.UserPatch{Within: ptr([]string{"pro_a#b"})}, "body.within[0]"},
		"a limit of nothing":   {identity.UserPatch{Within: ptr([]string{"pro_none"})}, "body.within[0]"},
	} {
		_, err := w.update(ana.ctx, t, azul, rui.id, c.patch)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v := w.version(t, azul, rui.id); v != 2 {
		t.Errorf("version %d after nothing", v)
	}
	for _, id := range []string{rui.id, "usr_none", "\x00", strings.Repeat("x", 2000)} {
		_, err := w.UpdateUser(ana.ctx, verde, id, 2, identity.UserPatch{Name: ptr("M")})
		wantFault(t, err, fault.NotFound, "user_not_found")
		wantFault(t, w.RemoveUser(ana.ctx, verde, id, 2), fault.NotFound, "user_not_found")
		wantFault(t, w.RevokeInvitation(ana.ctx, verde, id, 2), fault.NotFound, "user_not_found")
		_, err = w.ResendInvitation(ana.ctx, verde, id, identity.Resend{})
		wantFault(t, err, fault.NotFound, "user_not_found")
	}
}

func TestAManagersLimits(t *testing.T) {
	w := newWorld(t)
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.AgentManager)
	w.put(t, azul, keys.Profile("pro_a"))
	w.put(t, azul, keys.Agent("agt_b"))
	w.put(t, verde, keys.Profile("pro_verde"))
	_, err := w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Within: ptr([]string{"pro_a", "pro_verde"})})
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Location != "body.within[1]" {
		t.Errorf("another client's profile: %v", err)
	}
	u, err := w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Within: ptr([]string{"pro_a", "agt_b", "pro_a"})})
	if err != nil || u.Within != "agt_b pro_a" {
		t.Fatalf("%+v, %v", u, err)
	}
	row, err := w.table.Get(t.Context(), azul, keys.User(rui.id))
	var summary struct{ Within tenant.Names }
	if err := errors.Join(err, json.Unmarshal(row.Summary, &summary)); err != nil || summary.Within != "agt_b pro_a" {
		t.Errorf("what the authorizer reads: %q, %v", summary.Within, err)
	}
	// What is gone by now does not stop a change of the rest, and opens nothing.
	if err := w.table.Commit(t.Context(), azul, testkit.Record(w.ctx, t, w.sys, azul), store.Delete(keys.Agent("agt_b"), 1)); err != nil {
		t.Fatal(err)
	}
	if u, err = w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Within: ptr([]string{"agt_b"})}); err != nil || u.Within != "agt_b" {
		t.Errorf("%+v, %v", u, err)
	}
	_, err = w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Role: ptr(tenant.StandardUser), Within: ptr([]string{"pro_a"})})
	wantFault(t, err, fault.Invalid, "validation_failed")
	if u, err = w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Role: ptr(tenant.StandardUser)}); err != nil || u.Within != "" {
		t.Errorf("another role keeps limits: %+v, %v", u, err)
	}
	if u, err = w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Role: ptr(tenant.AgentManager), Within: ptr([]string{"pro_a"})}); err != nil || u.Within != "pro_a" {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err = w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Within: ptr([]string{})}); err != nil || u.Within != "" {
		t.Errorf("no limits any more: %+v, %v", u, err)
	}
}

func TestDisabledIsOutAndComesBackWithoutOldSessions(t *testing.T) {
	w := newWorld(t)
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.StandardUser)
	if _, err := w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Status: ptr(identity.StatusDisabled)}); err != nil {
		t.Fatal(err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, "user_disabled"); n != 1 {
		t.Errorf("%d sessions ended, want 1", n)
	}
	_, err := w.SignIn(w.ctx, identity.SignIn{Email: "rui@x.example", Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	// A sign-in that read the user before and committed after leaves a session; enabling ends it.
	w.session(t, azul, rui.id, "ses_late")
	if _, err := w.update(ana.ctx, t, azul, rui.id, identity.UserPatch{Status: ptr(identity.StatusActive)}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.table.Get(t.Context(), azul, keys.Session("ses_late")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the session of before lives again: %v", err)
	}
	_, err = w.Refresh(w.ctx, rui.tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "rui@x.example", Password: good}); err != nil {
		t.Error(err)
	}
}

// session makes a row as a session has it.
func (w *world) session(t *testing.T, client tenant.ID, user, id string) {
	t.Helper()
	it, err := store.Row(keys.Session(id), 1, map[string]any{"id": id, "user": user}, nil)
	it.ParentSK, it.ExpiresAt = keys.UserSession(user, w.clock.Now()), w.clock.Now().Add(time.Hour).Truncate(time.Second)
	if err := errors.Join(err, w.table.Commit(t.Context(), client, testkit.Record(w.ctx, t, w.sys, client), store.Create(it))); err != nil {
		t.Fatal(err)
	}
}

func TestRemovedUserLeavesNothingOfTheirs(t *testing.T) {
	w := newWorld(t)
	ana := w.join(t, azul, "ana@x.example", tenant.ClientAdmin)
	rui := w.join(t, azul, "rui@x.example", tenant.StandardUser)
	elsewhere := w.join(t, verde, "rui@x.example", tenant.StandardUser)
	if err := w.RemoveUser(ana.ctx, azul, rui.id, 1); !fault.Is(err, fault.PreconditionFailed) {
		t.Errorf("a stale version: %v", err)
	}
	if err := w.RemoveUser(ana.ctx, azul, rui.id, 2); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.RemoveUser(ana.ctx, azul, rui.id, 2), fault.NotFound, "user_not_found")
	_, err := w.Refresh(w.ctx, rui.tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
	for _, prefix := range []string{"user#" + rui.id, "email#", "session#", "invitation#"} {
		left, err := w.table.Query(t.Context(), azul, queryAll(prefix))
		if err != nil || slices.ContainsFunc(left.Items, func(it store.Item) bool { return strings.Contains(string(it.Summary), rui.id) }) {
			t.Errorf("left under %s: %v, %v", prefix, left.Items, err)
		}
	}
	p, err := w.dir.PersonByEmail(t.Context(), "rui@x.example")
	if err != nil || len(p.Memberships) != 1 || p.Memberships[0].Client != verde {
		t.Errorf("person %+v, %v", p, err)
	}
	if _, err := w.Refresh(w.ctx, elsewhere.tokens.RefreshToken); err != nil {
		t.Errorf("in the other client: %v", err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, `"reason":"user_removed"`); n != 1 {
		t.Errorf("%d sessions ended, want 1", n)
	}
	if n := count(w.trail(t, azul), events.TypeUserRemoved, `"role":"standard_user","status":"active"`); n != 1 {
		t.Errorf("%d user.removed", n)
	}
	wantNoSecrets(t, w.trail(t, azul), []string{"rui@x"}, nil)
	// Invited again, the person joins with the login that is left.
	again := w.join(t, azul, "rui@x.example", tenant.StandardUser)
	if p, err = w.dir.PersonByEmail(t.Context(), "rui@x.example"); err != nil || len(p.Memberships) != 2 || again.id == rui.id {
		t.Errorf("person %+v, %v", p, err)
	}
}

func TestLoginWithoutAMembershipIsRemoved(t *testing.T) {
	w := newWorld(t)
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.StandardUser)
	if err := w.RemoveUser(ana.ctx, azul, rui.id, 2); err != nil {
		t.Fatal(err)
	}
	if p, err := w.dir.PersonByEmail(t.Context(), "rui@x.example"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the login is left: %+v, %v", p, err)
	}
	if count(w.platformTrail(t), events.TypeLoginRemoved, "last_membership") != 1 || count(w.trail(t, azul), events.TypeLoginRemoved, "") != 0 {
		t.Error("login.removed belongs into the platform's trail alone: a client learns nothing of others")
	}
	// Whoever comes back chooses a new password.
	token := w.invite(t, azul, "rui@x.example")
	if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: other}); err != nil {
		t.Error(err)
	}
}

func TestLoginChangedMeanwhileIsNotOverwritten(t *testing.T) {
	over := &testkit.Overtaken{}
	w := newWorld(t, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = over
	})
	ana, rui := w.join(t, azul, "ana@x.example", tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.StandardUser)
	token := w.invite(t, verde, "rui@x.example")
	over.Times, over.First = 1, func() {
		if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}); err != nil {
			t.Error(err)
		}
	}
	if err := w.RemoveUser(ana.ctx, azul, rui.id, 2); err != nil {
		t.Fatal(err)
	}
	if p, err := w.dir.PersonByEmail(t.Context(), "rui@x.example"); err != nil || len(p.Memberships) != 1 || p.Memberships[0].Client != verde {
		t.Errorf("person %+v, %v", p, err)
	}
}

// TestUsersOfOlderVersions holds rows without index keys, limits or language to the same.
func TestUsersOfOlderVersions(t *testing.T) {
	w := newWorld(t)
	ana := w.join(t, azul, "ana@x.example", tenant.ClientAdmin)
	user := store.Item{SK: keys.User("usr_old"), ParentSK: keys.UserRole("standard_user", w.clock.Now(), "usr_old"), Schema: 1,
		Summary: json.RawMessage(`{"id":"usr_old","person":"per_old","email":"old@x.example","name":"Old","role":"standard_user","status":"active","created_at":"2026-01-01T00:00:00Z"}`),
		Data:    json.RawMessage(`{}`)}
	record, err := audit.Happened(w.ctx, w.sys, azul, audit.Fact{Type: "test.changed", Target: audit.Target{Type: "test", ID: "1"}})
	if err := errors.Join(err, w.table.Commit(t.Context(), azul, audit.Of(record), store.Create(user))); err != nil {
		t.Fatal(err)
	}
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 10})
	if err != nil || len(page.Items) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	if page, err = w.ListUsers(w.ctx, azul, identity.UserQuery{Text: "old", Limit: 10}); err != nil || len(page.Items) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	if _, err := w.update(ana.ctx, t, azul, "usr_old", identity.UserPatch{Name: ptr("Oldest")}); err != nil {
		t.Fatal(err)
	}
	if page, err = w.ListUsers(w.ctx, azul, identity.UserQuery{Text: "old", Limit: 10}); err != nil || len(page.Items) != 1 {
		t.Errorf("after a change: %+v, %v", page, err)
	}
	if err := w.RemoveUser(ana.ctx, azul, "usr_old", 2); err != nil { // without a row of its address, and without a login
		t.Error(err)
	}
}
