package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nowgo/agents/events/eventtest"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/envelope"
	"github.com/nowgo/agents/internal/envelope/local"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const (
	azul  tenant.ID = "cli_azulazulazulazulazulazulaz"
	verde tenant.ID = "cli_verdeverdeverdeverdeverdev"

	good  = "uma frase bem comprida"
	other = "outra frase bem comprida"
)

// world is a service on a table of its own, with everything it works with in reach of the test.
type world struct {
	*identity.Service
	table   store.Table
	dir     *directory.Directory
	clock   *storetest.Clock
	sys     system.System
	signer  *identity.Signer
	hasher  *countingHasher
	clients *clients
	mails   *mails
	ctx     context.Context
}

func newWorld(t *testing.T, change ...func(*identity.Deps)) *world {
	t.Helper()
	clock := storetest.NewClock()
	sys := clock.System()
	table := openTable(t, sys)
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		t.Fatal(err)
	}
	ks, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{table: table, dir: directory.New(table), clock: clock, sys: sys, signer: identity.NewSigner(ks, sys),
		hasher:  &countingHasher{Hasher: identity.NewArgon2(identity.Params{MemoryKiB: 8, Time: 1, Threads: 1}, sys)},
		clients: &clients{status: map[tenant.ID]string{azul: "active", verde: "active"}, demand: map[tenant.ID][]tenant.Role{}}, mails: &mails{},
		ctx: tenant.WithCall(t.Context(), tenant.Call{Operation: "test", RequestID: "req_1", Address: "203.0.113.9", UserAgent: "tester"})}
	d := identity.Deps{Table: table, Directory: w.dir, Clients: w.clients, System: sys, Signer: w.signer,
		PublicURL: "https://agents.example/", Hasher: w.hasher, Envelope: openEnvelope(t, sys)}
	for _, c := range change {
		c(&d)
	}
	w.Service = identity.New(d)
	return w
}

func openEnvelope(t *testing.T, sys system.System) envelope.Sealer {
	t.Helper()
	sealer, err := local.New(sys, []byte("the platform's secret in the tests"))
	if err != nil {
		t.Fatal(err)
	}
	return sealer
}

func openTable(t *testing.T, sys system.System) store.Table {
	return testkit.OpenTable(t, bolt.Config{System: sys})
}

type countingHasher struct {
	identity.Hasher
	verified, hashed atomic.Int64
	verifying        func() // called after a password was looked at, before its answer; nil: nothing is
}

func (c *countingHasher) Hash(ctx context.Context, password string) (string, error) {
	c.hashed.Add(1)
	return c.Hasher.Hash(ctx, password)
}

func (c *countingHasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	c.verified.Add(1)
	right, err := c.Hasher.Verify(ctx, hash, password)
	if c.verifying != nil {
		c.verifying()
	}
	return right, err
}

type clients struct {
	mu     sync.Mutex
	status map[tenant.ID]string
	demand map[tenant.ID][]tenant.Role // of a second factor
}

func (c *clients) SecondFactorRoles(_ context.Context, client tenant.ID) ([]tenant.Role, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.demand[client], nil
}

func (c *clients) require(client tenant.ID, roles ...tenant.Role) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.demand[client] = roles
}

func (c *clients) Status(_ context.Context, client tenant.ID) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.status[client]; ok {
		return s, nil
	}
	return "", fault.New("test", fault.NotFound, "client_not_found")
}

func (c *clients) set(client tenant.ID, status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status[client] = status
}

type mails struct {
	mu   sync.Mutex
	sent []mail.Message
	err  error
}

func (m *mails) Send(_ context.Context, msg mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.sent = append(m.sent, msg)
	}
	return m.err
}

// invite invites and returns the invitation's token.
func (w *world) invite(t *testing.T, client tenant.ID, email string) string {
	t.Helper()
	out, err := w.Invite(w.ctx, client, identity.InviteInput{Contact: identity.Contact{Email: email, Name: "Convidada"},
		Role: tenant.AgentManager, ClientName: "Loja Azul"})
	if err != nil {
		t.Fatal(err)
	}
	return out.Invitation.Token
}

// member makes a person a user of client and returns the tokens of the session that accepting gives.
func (w *world) member(t *testing.T, client tenant.ID, email, password string) identity.Tokens {
	t.Helper()
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: w.invite(t, client, email), Name: "Ana", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (w *world) claims(t *testing.T, tokens identity.Tokens) identity.Claims {
	t.Helper()
	c, err := w.signer.Verify(tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// as returns the context of a call by whoever holds the tokens.
func (w *world) as(t *testing.T, tokens identity.Tokens) context.Context {
	t.Helper()
	call := tenant.CallFrom(w.ctx)
	call.Principal = w.claims(t, tokens).Principal
	return tenant.WithCall(w.ctx, call)
}

// trail returns the events of a client's trail, the oldest first.
func (w *world) trail(t *testing.T, client tenant.ID) []audit.Event {
	t.Helper()
	page, err := w.table.Query(t.Context(), client, queryAll(keys.EventPrefix))
	if err != nil {
		t.Fatal(err)
	}
	return decodeEvents(t, client, page.Items)
}

func queryAll(prefix string) store.Query { return store.Query{Prefix: prefix, Limit: store.MaxPage} }

func decodeEvents(t *testing.T, partition tenant.ID, items []store.Item) []audit.Event {
	t.Helper()
	var out []audit.Event
	for _, it := range items {
		e, err := store.ItemEvent(partition, it)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	wantInCatalogue(t, out)
	return out
}

func (w *world) platformTrail(t *testing.T) []audit.Event {
	t.Helper()
	page, err := w.dir.PlatformEvents(t.Context(), 500, "")
	if err != nil {
		t.Fatal(err)
	}
	wantInCatalogue(t, page.Items)
	return page.Items
}

// wantInCatalogue fails if the body of an event is not what its schema says.
func wantInCatalogue(t *testing.T, all []audit.Event) {
	t.Helper()
	for _, e := range all {
		body, err := json.Marshal(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := eventtest.Validate(body); err != nil {
			t.Errorf("%s: %v\n%s", e.Body.Type, err, body)
		}
	}
}

// count returns how many events there are of a type, with a text in their change.
func count(events []audit.Event, kind, change string) (n int) {
	for _, e := range events {
		if e.Body.Type == kind && strings.Contains(string(e.Body.Change), change) {
			n++
		}
	}
	return n
}

// wantNoSecrets fails if the body of an event holds personal data, or any part of it a credential.
func wantNoSecrets(t *testing.T, events []audit.Event, personal, credentials []string) {
	t.Helper()
	for _, e := range events {
		body, err := json.Marshal(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range personal {
			if strings.Contains(string(body), s) {
				t.Errorf("the body of %s holds %q: %s", e.Body.Type, s, body)
			}
		}
		for _, s := range credentials {
			if s != "" && strings.Contains(string(whole), s) {
				t.Errorf("%s holds a credential: %s", e.Body.Type, whole)
			}
		}
	}
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("error %v, want kind %d, code %s", err, kind, code)
	}
}
