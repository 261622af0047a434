package erasure_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const password = "uma frase bem comprida"

// platform is a whole platform over files of the test, its clock the test's.
type platform struct {
	t      *testing.T
	path   string
	table  *bolt.Table
	files  *folder.Store
	cache  *memory.Cache
	clock  *storetest.Clock
	app    *app.App
	api    http.Handler
	root   string // the administrator's token
	worker *erasure.Worker
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	clock := storetest.NewClock()
	sys := clock.System()
	p := &platform{t: t, path: filepath.Join(t.TempDir(), "nowgo.db"), clock: clock, cache: memory.New(sys, 1<<20, 1000), files: testkit.OpenBlobs(t, sys)}
	p.table = testkit.OpenTable(t, bolt.Config{Path: p.path, System: sys, SweepEvery: -1})
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	p.app, err = app.New(app.Ports{Table: p.table, Blobs: p.files, Cache: p.cache, Meter: memory.NewMeter(sys, 1000), Keys: keys,
		Secret: bytes.Repeat([]byte("s"), 32), System: sys, Log: slog.New(slog.DiscardHandler), PublicURL: "https://agents.example"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.app.Identity.EnsureGlobalAdmin(t.Context(), "root@nowgo.example", password); err != nil {
		t.Fatal(err)
	}
	h, err := p.app.Handler(app.All()...)
	if err != nil {
		t.Fatal(err)
	}
	p.api = httpapi.Authenticate(p.app.Authorizer.Verdict, h)
	p.worker = p.app.Eraser(app.Erasure{Rows: p.table, Backups: 35 * 24 * time.Hour})
	p.signInRoot()
	return p
}

func (p *platform) signInRoot() {
	p.root = p.must(200, "", "POST", "/v1/auth/sign-in", `{"email":"root@nowgo.example","password":"`+password+`"}`).text("access_token")
}

type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

func (a answer) text(path ...string) string {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body.Bytes(), &v); err != nil {
		a.t.Fatalf("%s: %v", a.Body, err)
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, ok := v.(string)
	if !ok {
		a.t.Fatalf("no text at %v in %s", path, a.Body)
	}
	return s
}

func (p *platform) do(token, method, path, body string, headers ...string) answer {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.api.ServeHTTP(w, r)
	return answer{w, p.t}
}

func (p *platform) must(status int, token, method, path, body string, headers ...string) answer {
	p.t.Helper()
	a := p.do(token, method, path, body, headers...)
	if a.Code != status {
		p.t.Fatalf("%s %s: %d, not %d: %s", method, path, a.Code, status, a.Body)
	}
	return a
}

// company is a client that was really used.
type company struct{ id, token, etag string }

func (p *platform) onboard(name, slug, email string) company {
	p.t.Helper()
	made := p.must(201, p.root, "POST", "/v1/clients", `{"name":"`+name+`","slug":"`+slug+`","languages":["pt-BR"],"administrator":{"email":"`+email+`","name":"Zuleica"}}`)
	signed := p.must(200, "", "POST", "/v1/auth/invitations/accept", `{"token":"`+made.text("invitation", "token")+`","name":"Zuleica","password":"`+password+`"}`)
	return company{made.text("id"), signed.text("access_token"), made.Header().Get("ETag")}
}

func (p *platform) use(c company) {
	p.t.Helper()
	profile := p.must(201, c.token, "POST", "/v1/profiles", `{"name":"Perfil","industry":"retail","size":{"employees":12}}`).text("id")
	agent := p.must(201, c.token, "POST", "/v1/agents", `{"profile_id":"`+profile+`","template":"retail","name":"Sofia"}`).text("id")
	p.must(201, c.token, "POST", "/v1/agents/"+agent+"/documents", `{"name":"faq.md","content_type":"text/markdown","content":"# Horário\n\nAbrimos às nove.\n"}`)
	p.must(200, c.token, "POST", "/v1/agents/"+agent+"/publish", `{}`)
	talk := p.must(201, c.token, "POST", "/v1/agents/"+agent+"/conversations", `{}`).text("id")
	p.must(201, c.token, "POST", "/v1/conversations/"+talk+"/messages", `{"text":"A que horas abrem?"}`)
	p.must(201, c.token, "POST", "/v1/users", `{"email":"convidado@`+c.id[4:12]+`.example","name":"Convidado","role":"standard_user"}`, "Idempotency-Key", "one")
	p.must(201, c.token, "POST", "/v1/api-keys", `{"name":"erp","role":"agent_manager","scopes":["list-agents"]}`)
	if err := p.files.Put(p.t.Context(), tenant.ID(c.id), "events/dt=2026-03-01/x.ndjson.gz", []byte("x")); err != nil {
		p.t.Fatal(err)
	}
	p.cache.Set(p.t.Context(), cache.Of(tenant.ID(c.id), "test", "x"), []byte("x"), 24*time.Hour)
}

func (p *platform) run() {
	p.t.Helper()
	if err := p.worker.Run(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// rows returns, of every bucket, the keys and values that hold any of the texts.
func (p *platform) rows(texts ...string) []string {
	p.t.Helper()
	copied := filepath.Join(p.t.TempDir(), "copy.db")
	f, err := os.Create(copied)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := errors.Join(p.table.Backup(p.t.Context(), f), f.Close()); err != nil {
		p.t.Fatal(err)
	}
	db, err := bbolt.Open(copied, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	var found []string
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				for _, text := range texts {
					if bytes.Contains(k, []byte(text)) || bytes.Contains(v, []byte(text)) {
						found = append(found, string(name)+" "+string(k))
						break
					}
				}
				return nil
			})
		})
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// A client that leaves: nothing of it stays but its id, the certificate, and the platform's record of both.
func TestNothingOfAnErasedClientStays(t *testing.T) {
	p := newPlatform(t)
	azul := p.onboard("Loja Azulzinha", "loja-azulzinha", "zuleica@azulzinha.example")
	verde := p.onboard("Loja Verdinha", "loja-verdinha", "outra@verdinha.example")
	p.use(azul)
	p.use(verde)
	// One person in both.
	both := p.must(201, verde.token, "POST", "/v1/users", `{"email":"zuleica@azulzinha.example","name":"Zuleica","role":"standard_user"}`)
	p.must(200, "", "POST", "/v1/auth/invitations/accept", `{"token":"`+both.text("invitation", "token")+`","password":"`+password+`"}`)

	path := "/v1/clients/" + azul.id
	p.must(202, p.root, "DELETE", path+"?grace_days=1", "", "If-Match", azul.etag)
	if a := p.do("", "POST", "/v1/auth/sign-in", `{"email":"zuleica@azulzinha.example","password":"`+password+`","client":"`+azul.id+`"}`); a.Code != 403 {
		t.Errorf("its people sign in: %d %s", a.Code, a.Body)
	}
	p.run()
	p.must(409, p.root, "POST", path+"/resume", "")
	restored := p.must(200, p.root, "POST", path+"/restore", "")
	p.must(202, p.root, "DELETE", path+"?grace_days=1", "", "If-Match", restored.Header().Get("ETag"))
	p.must(404, p.root, "GET", path+"/certificate", "")
	p.clock.Advance(25 * time.Hour)
	p.signInRoot()
	p.run()
	p.must(404, p.root, "GET", path, "")
	p.must(404, p.root, "POST", path+"/restore", "")
	p.must(404, p.root, "GET", path+"/certificate", "") // not yet: what is under way may still arrive
	late := "events/dt=2026-03-02/late.ndjson.gz"
	if err := p.files.Put(t.Context(), tenant.ID(azul.id), late, []byte("x")); err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(erasure.DefaultSettle)
	p.run()
	p.clock.Advance(48 * time.Hour)
	if err := p.table.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.signInRoot()

	names, err := p.files.List(t.Context(), tenant.ID(azul.id), "", "")
	if err != nil || len(names) != 0 {
		t.Errorf("files: %v, %v", names, err)
	}
	if _, ok := p.cache.Get(t.Context(), cache.Of(tenant.ID(azul.id), "test", "x")); ok {
		t.Error("a cached value stays")
	}
	for _, at := range p.rows("Azulzinha", "convidado@"+azul.id[4:12]) {
		t.Errorf("of its people or its name: %q", at)
	}
	for _, at := range p.rows(azul.id, "loja-azulzinha") {
		if !strings.Contains(at, "id#"+azul.id) && !strings.Contains(at, "$platform#") && !strings.Contains(at, "$trail#") {
			t.Errorf("its id or slug: %q", at)
		}
	}
	p.must(200, "", "POST", "/v1/auth/sign-in", `{"email":"zuleica@azulzinha.example","password":"`+password+`"}`) // the other client's alone now
	p.must(201, p.root, "POST", "/v1/clients", `{"name":"Nova","slug":"loja-azulzinha","languages":["en"],"administrator":{"email":"n@nova.example","name":"N"}}`)
	p.certified(path, azul.id)
}

func (p *platform) certified(path, id string) {
	p.t.Helper()
	shown := p.must(200, p.root, "GET", path+"/certificate", "")
	set, err := jwk.Parse(p.must(200, "", "GET", "/.well-known/certificate-keys.json", "").Body.Bytes())
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := jws.Verify([]byte(shown.text("certificate")), jws.WithKeySet(set))
	if err != nil {
		p.t.Fatal(err)
	}
	var c erasure.Certificate
	if err := json.Unmarshal(payload, &c); err != nil {
		p.t.Fatal(err)
	}
	removed := map[string]int{}
	for _, r := range c.Removed {
		removed[r.Kind] = r.Count
	}
	if string(c.ClientID) != id || c.Backups.Days != 35 || c.Backups.Until == nil || !c.Backups.Until.Equal(c.ErasedAt.AddDate(0, 0, 35)) {
		p.t.Errorf("certificate %s", payload)
	}
	for kind, least := range map[string]int{"files": 2, "user": 2, "apikey": 1, "agent": 1, "conversation": 1, "message": 2, "event": 10, "profile": 1} {
		if removed[kind] < least {
			p.t.Errorf("%s: %d removed, not %d or more: %s", kind, removed[kind], least, payload)
		}
	}
	if removed["logins"] != 0 {
		p.t.Errorf("a login that is another client's too was removed: %s", payload)
	}
	p.must(401, shown.text("certificate"), "GET", "/v1/auth/me", "") // a certificate opens nothing
}

// failing is a table whose rows cannot be erased for a while.
type failing struct {
	*bolt.Table
	err error
}

func (f *failing) Erase(ctx context.Context, client tenant.ID, limit int) (map[string]int, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.Table.Erase(ctx, client, limit)
}

// An erasure that fails half-way is gone on with, and counts what went before.
func TestAnErasureGoesOnAfterAFailure(t *testing.T) {
	p := newPlatform(t)
	c := p.onboard("Loja Caída", "loja-caida", "z@caida.example")
	p.use(c)
	p.must(202, p.root, "DELETE", "/v1/clients/"+c.id+"?grace_days=0", "", "If-Match", c.etag)
	rows := &failing{Table: p.table, err: errors.New("the disk")}
	p.worker.Rows = rows
	if err := p.worker.Run(t.Context()); err == nil {
		t.Fatal("no error")
	}
	rows.err = nil
	p.run()
	p.clock.Advance(2 * time.Hour)
	p.run()
	p.signInRoot()
	removed := p.must(200, p.root, "GET", "/v1/clients/"+c.id+"/certificate", "").Body.String()
	for _, want := range []string{`{"kind":"files","count":2}`, `{"kind":"user","count":2}`, `{"kind":"logins","count":1}`} {
		if !strings.Contains(removed, want) {
			t.Errorf("no %s in %s", want, removed)
		}
	}
}

// A client that was suspended and is taken back is suspended, as it was.
func TestARestoredClientIsAsItWas(t *testing.T) {
	p := newPlatform(t)
	c := p.onboard("Loja Parada", "loja-parada", "z@parada.example")
	path := "/v1/clients/" + c.id
	etag := p.must(200, p.root, "POST", path+"/suspend", "").Header().Get("ETag")
	p.must(202, p.root, "DELETE", path, "", "If-Match", etag)
	if got := p.must(200, p.root, "POST", path+"/restore", "").text("status"); got != "suspended" {
		t.Errorf("it is %s", got)
	}
}

// An id is given once, also long after its client is gone.
func TestNoIDIsGivenTwice(t *testing.T) {
	p := newPlatform(t)
	c := p.onboard("Loja Única", "loja-unica", "z@unica.example")
	p.must(202, p.root, "DELETE", "/v1/clients/"+c.id+"?grace_days=0", "", "If-Match", c.etag)
	p.run()
	p.clock.Advance(2 * time.Hour)
	p.run()
	if rows := p.rows("id#" + c.id); len(rows) != 1 {
		t.Errorf("the id is kept in %q", rows)
	}
}
