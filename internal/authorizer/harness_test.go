package authorizer_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_azulazulazulazulazulazulaz"

// countingTable counts reads and commits, and fails them on demand.
type countingTable struct {
	store.Table
	reads, gets, commits atomic.Int64
	err, failCommits     error
}

func (c *countingTable) Get(ctx context.Context, id tenant.ID, sk string) (store.Item, error) {
	c.gets.Add(1)
	if c.err != nil {
		return store.Item{}, c.err
	}
	return c.Table.Get(ctx, id, sk)
}

func (c *countingTable) Commit(ctx context.Context, id tenant.ID, r audit.Record, changes ...store.Change) error {
	c.commits.Add(1)
	if c.failCommits != nil {
		return c.failCommits
	}
	return c.Table.Commit(ctx, id, r, changes...)
}

func (c *countingTable) BatchGet(ctx context.Context, id tenant.ID, sks []string) ([]store.Item, error) {
	c.reads.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return c.Table.BatchGet(ctx, id, sks)
}

// countingVerifier counts verifications.
type countingVerifier struct {
	*identity.Signer
	calls atomic.Int64
}

func (c *countingVerifier) Verify(token string) (identity.Claims, error) {
	c.calls.Add(1)
	return c.Signer.Verify(token)
}

type world struct {
	*authorizer.Authorizer
	table    *countingTable
	clock    *storetest.Clock
	sys      system.System
	verifier *countingVerifier
}

func newWorld(t testing.TB) *world {
	t.Helper()
	clock := storetest.NewClock()
	sys := clock.System()
	inner := testkit.OpenTable(t, bolt.Config{System: sys})
	document, err := identity.GenerateKeys(sys)
	if err != nil {
		t.Fatal(err)
	}
	ks, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{table: &countingTable{Table: inner}, clock: clock, sys: sys,
		verifier: &countingVerifier{Signer: identity.NewSigner(ks, sys)}}
	if w.Authorizer, err = authorizer.New(authorizer.Config{Tokens: w.verifier, Table: w.table, System: sys, Capacity: 16}); err != nil {
		t.Fatal(err)
	}
	w.put(t, client, keys.Client, `{"id":"`+string(client)+`","slug":"azul","name":"Azul","status":"active"}`)
	w.table.reads.Store(0)
	w.table.gets.Store(0)
	w.table.commits.Store(0)
	return w
}

// put writes a row as it is, over what is there.
func (w *world) put(t testing.TB, partition tenant.ID, sk, summary string) {
	t.Helper()
	w.commit(t, partition, sk, func(old store.Item, there bool) store.Change {
		it := store.Item{SK: sk, Schema: 1, Summary: []byte(summary), ExpiresAt: old.ExpiresAt}
		if strings.HasPrefix(sk, "session#") {
			it.ExpiresAt = w.clock.Now().Add(time.Hour)
		}
		if there {
			return store.Update(it, old.Version)
		}
		return store.Create(it)
	})
}

func (w *world) remove(t testing.TB, partition tenant.ID, sk string) {
	t.Helper()
	w.commit(t, partition, sk, func(old store.Item, _ bool) store.Change { return store.Delete(sk, old.Version) })
}

func (w *world) commit(t testing.TB, partition tenant.ID, sk string, change func(old store.Item, there bool) store.Change) {
	t.Helper()
	old, err := w.table.Get(t.Context(), partition, sk)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	e, eventErr := audit.Happened(t.Context(), w.sys, partition, audit.Fact{Type: "test.done", Target: audit.Target{Type: "t", ID: "1"}})
	if err := errors.Join(eventErr, w.table.Commit(t.Context(), partition, audit.Of(e), change(old, err == nil))); err != nil {
		t.Fatal(err)
	}
}

// enter makes an active user with a session and returns their Authorization header.
func (w *world) enter(t testing.TB, user string, role tenant.Role) (header string, p tenant.Principal) {
	t.Helper()
	p = tenant.Principal{Client: client, User: user, Role: role, Session: "ses_" + user}
	partition := client
	if role == tenant.GlobalAdmin {
		p.Client, partition = "", directory.Home(user)
	}
	w.put(t, partition, keys.User(user), `{"id":"`+user+`","role":"`+string(role)+`","status":"active"}`)
	w.put(t, partition, keys.Session(p.Session), `{"id":"`+p.Session+`","user":"`+user+`"}`)
	return w.header(t, p), p
}

func (w *world) header(t testing.TB, p tenant.Principal) string {
	t.Helper()
	token, err := w.verifier.Issue(p)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// edit replaces a part of a row as it is written.
func (w *world) edit(t testing.TB, partition tenant.ID, sk, from, to string) {
	t.Helper()
	w.commit(t, partition, sk, func(old store.Item, _ bool) store.Change {
		if !strings.Contains(string(old.Summary), from) {
			t.Fatalf("no %s in %s", from, old.Summary)
		}
		old.Summary = []byte(strings.Replace(string(old.Summary), from, to, 1))
		return store.Update(old, old.Version)
	})
}

// trail returns the events of the client.
func (w *world) trail(t testing.TB) []audit.Event {
	t.Helper()
	page, err := w.table.Query(t.Context(), client, store.Query{Prefix: keys.EventPrefix, Limit: store.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Event
	for _, it := range page.Items {
		e, err := store.ItemEvent(client, it)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// forge returns what a credential of a key with the prefix looks like to who does not know its secret.
func forge(sys system.System, prefix string) string {
	body := "nowgo_" + prefix + "_" + sys.NewSecret()
	return body + fmt.Sprintf("%07s", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 36))
}

type authorize func(context.Context, string) (tenant.Principal, error)

func (w *world) both() map[string]authorize {
	return map[string]authorize{"Authorize": w.Authorize, "Verdict": w.Verdict}
}

func wantFault(t *testing.T, err error, kind fault.Kind, code string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Code != code {
		t.Errorf("error %v, want kind %d, code %s", err, kind, code)
	}
}
