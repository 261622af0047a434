package identity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// keyWorld is a world whose policies let managers do what they do, standard users read agents, and nobody else anything.
func keyWorld(t *testing.T) *world {
	return newWorld(t, func(d *identity.Deps) {
		d.KeyMay = func(role tenant.Role, operation string) bool {
			return operation == "get-agent" || role != tenant.StandardUser
		}
	})
}

// by returns the context of a call by a principal of azul, changed as said.
func (w *world) by(role tenant.Role, change ...func(*tenant.Principal)) context.Context {
	call := tenant.CallFrom(w.ctx)
	call.Principal = tenant.Principal{Client: azul, User: "usr_ana", Role: role, Session: "ses_1"}
	for _, c := range change {
		c(&call.Principal)
	}
	return tenant.WithCall(w.ctx, call)
}

func (w *world) key(t *testing.T) identity.IssuedKey {
	t.Helper()
	k, err := w.CreateAPIKey(w.by(tenant.ClientAdmin), azul, identity.KeyInput{Name: "Site da loja", Role: tenant.AgentManager,
		Scopes: []string{"list-agents", "get-agent", "get-agent"}, Rate: 60})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	secret := strings.TrimPrefix(k.Credential, "nowgo_"+k.Prefix+"_")
	if len(k.Prefix) != 12 || len(secret) != 43+7 {
		t.Fatalf("credential %q of prefix %q", k.Credential, k.Prefix)
	}
	if want := w.sys.Now().Add(identity.KeyLifetime); k.ExpiresAt.After(want) || want.Sub(k.ExpiresAt) > time.Second {
		t.Errorf("expires at %v, want %v", k.ExpiresAt, want)
	}
	got, err := w.APIKey(w.ctx, azul, k.ID)
	if err != nil || got.Name != "Site da loja" || got.Scopes != "get-agent list-agents" || got.Rate != 60 || got.CreatedBy != "usr_ana" || got.Version != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	list, _, err := w.APIKeys(w.ctx, azul, 10, "")
	if err != nil || len(list) != 1 || list[0].Prefix != k.Prefix {
		t.Errorf("%+v, %v", list, err)
	}
	row, err := w.table.Get(w.ctx, azul, keys.APIKey(k.ID))
	if err != nil || strings.Contains(string(row.Summary)+string(row.Data), secret[:43]) {
		t.Errorf("row %s %s, %v", row.Summary, row.Data, err)
	}
	if _, err := w.RotateAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 2); err != nil {
		t.Fatal(err)
	}
	trail := w.trail(t, azul)
	wantNoSecrets(t, trail, []string{"Site da loja"}, []string{secret[:43], k.Credential})
	for _, kind := range []string{events.TypeAPIKeyCreated, events.TypeAPIKeyRotated, events.TypeAPIKeyRevoked} {
		if count(trail, kind, k.ID) != 1 {
			t.Errorf("%d events %s", count(trail, kind, k.ID), kind)
		}
	}
}

func TestKeyThatIsNotMade(t *testing.T) {
	w := keyWorld(t)
	good := identity.KeyInput{Name: "Site", Role: tenant.StandardUser, Scopes: []string{"get-agent"}}
	with := func(change func(*identity.KeyInput)) identity.KeyInput {
		in := good
		change(&in)
		return in
	}
	for name, in := range map[string]identity.KeyInput{
		"no name":                   with(func(in *identity.KeyInput) { in.Name = "  " }),
		"a name with a line break":  with(func(in *identity.KeyInput) { in.Name = "a\nb" }),
		"no role":                   with(func(in *identity.KeyInput) { in.Role = "" }),
		"a role that is none":       with(func(in *identity.KeyInput) { in.Role = "root" }),
		"a global administrator":    with(func(in *identity.KeyInput) { in.Role = tenant.GlobalAdmin }),
		"no scopes":                 with(func(in *identity.KeyInput) { in.Scopes = nil }),
		"an empty scope":            with(func(in *identity.KeyInput) { in.Scopes = []string{""} }),
		"a scope that is none":      with(func(in *identity.KeyInput) { in.Scopes = []string{"get-agent", "drop-tables"} }),
		"two scopes in one":         with(func(in *identity.KeyInput) { in.Scopes = []string{"get-agent list-agents"} }),
		"a scope beyond the role":   with(func(in *identity.KeyInput) { in.Scopes = []string{"get-agent", "generate-agent"} }),
		"a scope that makes keys":   with(func(in *identity.KeyInput) { in.Role, in.Scopes = tenant.ClientAdmin, []string{"create-api-key"} }),
		"a scope that makes users":  with(func(in *identity.KeyInput) { in.Role, in.Scopes = tenant.ClientAdmin, []string{"create-user"} }),
		"an end in the past":        with(func(in *identity.KeyInput) { in.ExpiresAt = w.sys.Now().Add(-time.Hour) }),
		"an end now":                with(func(in *identity.KeyInput) { in.ExpiresAt = w.sys.Now() }),
		"an end beyond a year":      with(func(in *identity.KeyInput) { in.ExpiresAt = w.sys.Now().Add(identity.MaxKeyLife + time.Hour) }),
		"a negative rate":           with(func(in *identity.KeyInput) { in.Rate = -1 }),
		"a rate beyond the highest": with(func(in *identity.KeyInput) { in.Rate = identity.MaxKeyRate + 1 }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreateAPIKey(w.by(tenant.ClientAdmin), azul, in)
			wantFault(t, err, fault.Invalid, "validation_failed")
		})
	}
	if _, err := w.CreateAPIKey(w.by(tenant.ClientAdmin), azul, good); err != nil {
		t.Errorf("a good one: %v", err)
	}
	high := with(func(in *identity.KeyInput) { in.Role = tenant.ClientAdmin })
	_, err := w.CreateAPIKey(w.by(tenant.AgentManager), azul, high)
	wantFault(t, err, fault.Invalid, "validation_failed")
}

// A credential would outlive those whose own stay is bounded.
func TestWhoMayNotMakeKeys(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	for name, change := range map[string]func(*tenant.Principal){
		"a key":                  func(p *tenant.Principal) { p.User, p.Session, p.Scopes = k.ID, "", "create-api-key rotate-api-key" },
		"an assumed session":     func(p *tenant.Principal) { p.Assumed = true },
		"a session to be proven": func(p *tenant.Principal) { p.Restricted = true },
		"nobody":                 func(p *tenant.Principal) { *p = tenant.Principal{} },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := w.by(tenant.ClientAdmin, change)
			_, err := w.CreateAPIKey(ctx, azul, identity.KeyInput{Name: "Site", Role: tenant.StandardUser, Scopes: []string{"get-agent"}})
			wantFault(t, err, fault.Forbidden, "forbidden")
			_, err = w.RotateAPIKey(ctx, azul, k.ID, 1, 0)
			wantFault(t, err, fault.Forbidden, "forbidden")
		})
	}
}

// No scope lets a key make a credential, or learn who has one. Every operation is named on one side.
func TestOperationsOfKeys(t *testing.T) {
	for _, o := range route.Operations() {
		sensitive := false
		for _, word := range []string{"user", "session", "password", "mfa", "totp", "recovery", "api-key", "assume", "sign", "refresh", "invit",
			"switch", "administrator", "access"} {
			sensitive = sensitive || strings.Contains(o.ID, word)
		}
		if may := identity.KeyOperation(o.ID); may && (sensitive || o.Public) {
			t.Errorf("a key may %s", o.ID)
		}
	}
	for _, id := range []string{"get-agent", "generate-agent", "start-conversation", "send-message", "list-audit-events", "get-own-client", "put-settings"} {
		if !identity.KeyOperation(id) {
			t.Errorf("no key may %s", id)
		}
	}
	for _, id := range []string{"", "drop-tables", "GET-AGENT", "get-agent "} {
		if identity.KeyOperation(id) {
			t.Errorf("a key may %q", id)
		}
	}
}

func TestAnotherClientsKeyIsAbsent(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	ctx := w.by(tenant.ClientAdmin, func(p *tenant.Principal) { p.Client, p.User = verde, "usr_vera" })
	for _, id := range []string{k.ID, "key_none", "", "a#b"} {
		_, err := w.APIKey(ctx, verde, id)
		wantFault(t, err, fault.NotFound, "api_key_not_found")
		_, err = w.RotateAPIKey(ctx, verde, id, 0, 0)
		wantFault(t, err, fault.NotFound, "api_key_not_found")
		wantFault(t, w.RevokeAPIKey(ctx, verde, id, 1), fault.NotFound, "api_key_not_found")
	}
	if list, _, err := w.APIKeys(ctx, verde, 10, ""); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := w.APIKey(w.ctx, azul, k.ID); err != nil {
		t.Errorf("the key's own client: %v", err)
	}
}

// INVARIANT 13: who changes a key has seen it as it is. That it was used meanwhile is no change.
func TestKeyIsChangedAtTheVersionSeen(t *testing.T) {
	w := keyWorld(t)
	k, ctx := w.key(t), w.by(tenant.ClientAdmin)
	_, err := w.RotateAPIKey(ctx, azul, k.ID, 2, 0)
	wantFault(t, err, fault.PreconditionFailed, "version_mismatch")
	next, err := w.RotateAPIKey(ctx, azul, k.ID, 1, 0)
	if err != nil || next.Version != 2 || next.Credential == k.Credential || next.Prefix != k.Prefix {
		t.Fatalf("%+v, %v", next, err)
	}
	row, err := w.table.Get(w.ctx, azul, keys.APIKey(k.ID))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := identity.APIKeyOf(row)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.NoteKeyUse(w.ctx, w.table, w.sys, azul, stored); err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.RevokeAPIKey(ctx, azul, k.ID, 1), fault.PreconditionFailed, "version_mismatch")
	if err := w.RevokeAPIKey(ctx, azul, k.ID, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := w.dir.APIKey(w.ctx, k.Prefix); err == nil {
		t.Error("a revoked key is found by its prefix")
	}
	wantFault(t, w.RevokeAPIKey(ctx, azul, k.ID, 2), fault.NotFound, "api_key_not_found")
	if n := count(w.trail(t, azul), events.TypeAPIKeyRevoked, ""); n != 1 {
		t.Errorf("%d events of one revocation", n)
	}
}

// used is a table on which a key is used before each of the first commits.
type used struct {
	store.Table
	times int
	use   func()
}

func (u *used) Commit(ctx context.Context, client tenant.ID, r audit.Record, changes ...store.Change) error {
	if u.times > 0 {
		u.times--
		u.use()
	}
	return u.Table.Commit(ctx, client, r, changes...)
}

func TestUseDoesNotKeepAKeyFromBeingRevoked(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	busy := &used{Table: w.table, times: 2}
	busy.use = func() {
		row, err := w.table.Get(w.ctx, azul, keys.APIKey(k.ID))
		if err != nil {
			t.Fatal(err)
		}
		stored, err := identity.APIKeyOf(row)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := identity.NoteKeyUse(w.ctx, w.table, w.sys, azul, stored); err != nil {
			t.Fatal(err)
		}
	}
	d := w.Deps
	d.Table = busy
	if err := identity.New(d).RevokeAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.APIKey(w.ctx, azul, k.ID); err == nil {
		t.Error("the key is still there")
	}
}

func TestExpiredKeyIsListedForAWhileAndNotRotated(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	w.clock.Advance(identity.KeyLifetime)
	if got, err := w.APIKey(w.ctx, azul, k.ID); err != nil || !got.Expired(w.sys.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err := w.RotateAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 0, 0)
	wantFault(t, err, fault.Conflict, "api_key_expired")
	w.clock.Advance(31 * 24 * time.Hour)
	_, err = w.APIKey(w.ctx, azul, k.ID)
	wantFault(t, err, fault.NotFound, "api_key_not_found")
}

func TestOverlapIsBounded(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	for _, overlap := range []time.Duration{-time.Minute, identity.MaxOverlap + time.Minute} {
		_, err := w.RotateAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 0, overlap)
		wantFault(t, err, fault.Invalid, "validation_failed")
	}
}

func TestCredentialsOfKeys(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	if c, ok := identity.ParseKeyCredential(k.Credential); !ok || c.Prefix != k.Prefix {
		t.Errorf("%+v, %v", c, ok)
	}
	for i := range k.Credential { // every single typing error is found without a read
		for _, wrong := range []byte("aB3_-") {
			if k.Credential[i] == wrong {
				continue
			}
			s := k.Credential[:i] + string(wrong) + k.Credential[i+1:]
			if _, ok := identity.ParseKeyCredential(s); ok {
				t.Errorf("taken with %q at %d", wrong, i)
			}
		}
	}
	if text := fmt.Sprintf("%v %+v", k.APIKey, k.APIKey); strings.Contains(text, k.Credential[19:62]) {
		t.Errorf("printed with its secret: %s", text)
	}
}

func FuzzKeyCredential(f *testing.F) {
	f.Add("nowgo_abcdefghijkl_" + strings.Repeat("A", 43) + "0000000")
	f.Add("nowgo_")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := identity.ParseKeyCredential(s); ok && (len(s) != 69 || !identity.IsKeyCredential(s) || len(c.Prefix) != 12) {
			t.Errorf("%q is taken as %+v", s, c)
		}
	})
}

func TestKeysOfAnErasedClientGoWhateverHappenedToThem(t *testing.T) {
	w := keyWorld(t)
	k := w.key(t)
	w.key(t)
	if _, err := w.RotateAPIKey(w.by(tenant.ClientAdmin), azul, k.ID, 1, 0); err != nil {
		t.Fatal(err)
	}
	row, err := w.table.Get(w.ctx, azul, keys.APIKey(k.ID))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := identity.APIKeyOf(row)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.NoteKeyUse(w.ctx, w.table, w.sys, azul, stored); err != nil {
		t.Fatal(err)
	}
	if n, err := w.EraseAPIKeys(w.ctx, azul, 100); n != 2 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
	if _, err := w.dir.APIKey(w.ctx, k.Prefix); err == nil {
		t.Error("an erased key is found")
	}
	if n, err := w.EraseAPIKeys(w.ctx, azul, 100); n != 0 || err != nil {
		t.Errorf("%d keys again, %v", n, err)
	}
}
