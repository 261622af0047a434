package identity_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

const reason = "Chamado 4711: o agente responde na língua errada"

// root makes a global administrator and returns the context of a call by them.
func (w *world) root(t *testing.T) (context.Context, tenant.Principal) {
	t.Helper()
	if _, _, err := w.EnsureGlobalAdmin(w.ctx, "root@nowgo.example", good); err != nil {
		t.Fatal(err)
	}
	tokens, err := w.SignIn(w.ctx, identity.SignIn{Email: "root@nowgo.example", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	ctx := w.as(t, tokens)
	return ctx, tenant.CallFrom(ctx).Principal
}

// standing makes the row of a client, as the service of clients does.
func (w *world) standing(t *testing.T, client tenant.ID) {
	t.Helper()
	row, err := store.Row(keys.Client, 1, map[string]string{"status": "active"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := audit.Happened(w.ctx, w.sys, client, audit.Fact{Type: events.TypeClientResumed, Change: events.ClientResumed{Version: 2},
		Target: audit.Target{Type: "client", ID: string(client)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.table.Commit(w.ctx, client, audit.Of(e), store.Create(row)); err != nil {
		t.Fatal(err)
	}
}

// withRole makes somebody a user of the client.
func (w *world) withRole(t *testing.T, client tenant.ID, email string, role tenant.Role) {
	t.Helper()
	out, err := w.Invite(w.ctx, client, identity.InviteInput{Contact: identity.Contact{Email: email, Name: "P"}, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accept(w.ctx, identity.Accept{Token: out.Invitation.Token, Password: good}); err != nil {
		t.Fatal(err)
	}
}

func assumeWorld(t *testing.T, change ...func(*identity.Deps)) *world {
	w := newWorld(t, change...)
	w.standing(t, azul)
	return w
}

func TestAssumedSessionIsTheAdministratorsInsideTheClient(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := w.signer.Verify(got.AccessToken)
	want := tenant.Principal{Client: azul, User: root.User, Role: tenant.ClientAdmin, Session: got.Session, Assumed: true}
	if err != nil || claims.Principal != want {
		t.Errorf("%+v, %v", claims.Principal, err)
	}
	if left := got.ExpiresAt.Sub(w.sys.Now()); left > time.Hour || left < time.Hour-time.Second || !claims.ExpiresAt.Equal(got.ExpiresAt) ||
		got.ExpiresIn > 3600 || got.ExpiresIn < 3598 {
		t.Errorf("%+v, token until %v", got, claims.ExpiresAt)
	}
	row, err := w.table.Get(w.ctx, azul, keys.Session(got.Session))
	if err != nil || !row.ExpiresAt.Equal(got.ExpiresAt) || len(row.Data) > 0 {
		t.Errorf("row %+v, %v", row, err)
	}
	w.clock.Advance(time.Hour)
	if _, err := w.table.Get(w.ctx, azul, keys.Session(got.Session)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the session outlives its hour: %v", err)
	}
}

// The actor is in the token by RFC 8693 §4.1, for who reads it outside of the platform.
func TestAssumedTokenNamesItsActor(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		Sub     string
		Assumed bool
		Act     struct{ Sub string }
	}
	part, err := base64.RawURLEncoding.DecodeString(strings.Split(got.AccessToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(part, &payload); err != nil {
		t.Fatal(err)
	}
	if payload.Sub != root.User || payload.Act.Sub != root.User || !payload.Assumed {
		t.Errorf("%+v", payload)
	}
}

func TestAssumeIsInBothTrailsWithoutItsReason(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason, Minutes: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	own, platform := w.trail(t, azul), w.platformTrail(t)
	if count(own, events.TypeSessionAssumed, got.Session) != 1 || count(platform, events.TypeSessionAssumed, got.Session) != 1 {
		t.Errorf("%d in the client's trail, %d in the platform's", count(own, events.TypeSessionAssumed, ""), count(platform, events.TypeSessionAssumed, ""))
	}
	wantNoSecrets(t, append(own, platform...), []string{reason}, []string{got.AccessToken})
	for _, e := range own {
		if e.Body.Type != events.TypeSessionAssumed {
			continue
		}
		if e.Private == nil || !strings.Contains(string(e.Private.Values), "4711") || e.Body.Actor.ID != root.User || e.Body.PrivateCommitment == "" {
			t.Errorf("%+v, private %+v", e.Body, e.Private)
		}
	}
}

// What is done inside is marked, and signing out ends it at once.
func TestAssumedSessionSignsOut(t *testing.T) {
	w := assumeWorld(t)
	ctx, _ := w.root(t)
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	inside := w.as(t, identity.Tokens{AccessToken: got.AccessToken})
	me, err := w.Me(inside)
	if err != nil || me.Client != azul || me.Role != tenant.ClientAdmin || me.User.Email != "root@nowgo.example" {
		t.Errorf("me: %+v, %v", me, err)
	}
	if err := w.SignOut(inside); err != nil {
		t.Fatal(err)
	}
	if _, err := w.table.Get(w.ctx, azul, keys.Session(got.Session)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after signing out: %v", err)
	}
	for _, e := range w.trail(t, azul) {
		if e.Body.Type == events.TypeSessionEnded && !e.Body.Actor.Assumed {
			t.Errorf("not marked: %+v", e.Body)
		}
	}
}

func TestWhoMayNotAssume(t *testing.T) {
	w := assumeWorld(t)
	_, root := w.root(t)
	for name, change := range map[string]func(*tenant.Principal){
		"a client's administrator":      func(p *tenant.Principal) { p.Role, p.Client = tenant.ClientAdmin, azul },
		"an agent manager":              func(p *tenant.Principal) { p.Role, p.Client = tenant.AgentManager, azul },
		"a standard user":               func(p *tenant.Principal) { p.Role, p.Client = tenant.StandardUser, verde },
		"who has assumed already":       func(p *tenant.Principal) { p.Role, p.Client, p.Assumed = tenant.ClientAdmin, verde, true },
		"a key":                         func(p *tenant.Principal) { p.User, p.Session = "key_1", "" },
		"a session without its factor":  func(p *tenant.Principal) { p.Restricted = true },
		"a global one without sessions": func(p *tenant.Principal) { p.Session = "" },
		"nobody":                        func(p *tenant.Principal) { *p = tenant.Principal{} },
	} {
		t.Run(name, func(t *testing.T) {
			call := tenant.CallFrom(w.ctx)
			call.Principal = root
			change(&call.Principal)
			_, err := w.Assume(tenant.WithCall(w.ctx, call), identity.Assume{Client: azul, Reason: reason})
			wantFault(t, err, fault.Forbidden, "forbidden")
		})
	}
	if n := count(w.trail(t, azul), events.TypeSessionAssumed, ""); n != 0 {
		t.Errorf("%d sessions assumed", n)
	}
}

func TestAssumeThatIsRefused(t *testing.T) {
	w := assumeWorld(t)
	ctx, _ := w.root(t)
	w.clients.set(verde, "suspended")
	for name, c := range map[string]struct {
		in   identity.Assume
		kind fault.Kind
		code string
	}{
		"a suspended client":     {identity.Assume{Client: verde, Reason: reason}, fault.Forbidden, "client_suspended"},
		"no such client":         {identity.Assume{Client: "cli_none", Reason: reason}, fault.NotFound, "client_not_found"},
		"no client":              {identity.Assume{Reason: reason}, fault.NotFound, "client_not_found"},
		"no reason":              {identity.Assume{Client: azul}, fault.Invalid, "validation_failed"},
		"a reason too short":     {identity.Assume{Client: azul, Reason: "porque   "}, fault.Invalid, "validation_failed"},
		"a reason too long":      {identity.Assume{Client: azul, Reason: strings.Repeat("é", 501)}, fault.Invalid, "validation_failed"},
		"a reason of two lines":  {identity.Assume{Client: azul, Reason: "linha um\nlinha dois"}, fault.Invalid, "validation_failed"},
		"a reason that is none":  {identity.Assume{Client: azul, Reason: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}, fault.Invalid, "validation_failed"},
		"more than an hour":      {identity.Assume{Client: azul, Reason: reason, Minutes: 61 * time.Minute}, fault.Invalid, "validation_failed"},
		"less than a minute":     {identity.Assume{Client: azul, Reason: reason, Minutes: time.Second}, fault.Invalid, "validation_failed"},
		"before it began":        {identity.Assume{Client: azul, Reason: reason, Minutes: -time.Hour}, fault.Invalid, "validation_failed"},
		"a partition's own name": {identity.Assume{Client: "$platform#1", Reason: reason}, fault.NotFound, "client_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Assume(ctx, c.in)
			wantFault(t, err, c.kind, c.code)
		})
	}
}

// Nothing about an assumed session can be used to refresh it.
func TestAssumedSessionIsNeverRefreshed(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	own, err := w.SignIn(w.ctx, identity.SignIn{Email: "root@nowgo.example", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range identity.ForgeAssumedRefresh(own.RefreshToken, azul, root.User, got.Session) {
		_, err := w.Refresh(w.ctx, token)
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.table.Get(w.ctx, azul, keys.Session(got.Session)); err != nil {
		t.Errorf("and it is still there: %v", err)
	}
}

func TestAdministratorsAreTold(t *testing.T) {
	var sent *mails
	w := assumeWorld(t, func(d *identity.Deps) {
		d.ClientName = func(context.Context, tenant.ID) (string, string, error) { return "Loja Azul", "en", nil }
	})
	for email, role := range map[string]tenant.Role{"ana@loja.example": tenant.ClientAdmin, "rui@loja.example": tenant.ClientAdmin,
		"eva@loja.example": tenant.AgentManager} {
		w.withRole(t, azul, email, role)
	}
	if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "new@loja.example", Name: "N"},
		Role: tenant.ClientAdmin}); err != nil {
		t.Fatal(err)
	}
	ctx, _ := w.root(t)
	sent = &mails{}
	w.Mailer = sent
	got, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	to := map[string]string{}
	for _, m := range sent.sent {
		to[m.To] = m.Subject + m.Text
	}
	if len(sent.sent) != 2 || !strings.Contains(to["ana@loja.example"], "Loja Azul") || !strings.Contains(to["rui@loja.example"], reason) {
		t.Errorf("told %v", to)
	}
	if n := count(w.trail(t, azul), events.TypeSessionAnnounced, `"told":2,"failed":0`); n != 1 {
		t.Errorf("%d events of two mails", n)
	}
	// A mail that fails is recorded, and keeps nobody out.
	sent.err = errors.New("the mail server is on fire")
	got, err = w.Assume(ctx, identity.Assume{Client: azul, Reason: reason})
	if err != nil || got.AccessToken == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionAnnounced, `"told":0,"failed":2`); n != 1 {
		t.Errorf("%d events of two failed mails", n)
	}
	wantNoSecrets(t, w.trail(t, azul), []string{reason, "ana@loja.example", "on fire"}, nil)
}

// An administrator's own rows are where they were, and lead into no client.
func TestAssumingLeavesNoUserInTheClient(t *testing.T) {
	w := assumeWorld(t)
	ctx, root := w.root(t)
	if _, err := w.Assume(ctx, identity.Assume{Client: azul, Reason: reason}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.table.Get(w.ctx, azul, keys.User(root.User)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a user of the client: %v", err)
	}
	if _, err := w.table.Get(w.ctx, directory.Home(root.User), keys.User(root.User)); err != nil {
		t.Error(err)
	}
}

// The client is still there at the moment that the session begins.
func TestNoSessionIsAssumedInAClientThatIsGone(t *testing.T) {
	w := assumeWorld(t)
	ctx, _ := w.root(t)
	gone := &used{Table: w.table, times: 1}
	gone.use = func() {
		e, err := audit.Happened(w.ctx, w.sys, azul, audit.Fact{Type: events.TypeClientResumed, Target: audit.Target{Type: "client", ID: string(azul)},
			Change: events.ClientResumed{Version: 3}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.table.Commit(w.ctx, azul, audit.Of(e), store.Delete(keys.Client, 1)); err != nil {
			t.Fatal(err)
		}
	}
	d := w.Deps
	d.Table = gone
	if got, err := identity.New(d).Assume(ctx, identity.Assume{Client: azul, Reason: reason}); err == nil {
		t.Errorf("%+v", got)
	}
}
