package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"

type fixture struct {
	*directory.Directory
	table store.Table
	clock *storetest.Clock
	sys   system.System
}

func open(t *testing.T) fixture {
	t.Helper()
	clock := storetest.NewClock()
	table := testkit.OpenTable(t, bolt.Config{System: clock.System()})
	return fixture{directory.New(table), table, clock, clock.System()}
}

func (f fixture) event(t *testing.T) audit.Event {
	t.Helper()
	e, err := audit.Happened(context.Background(), f.sys, client, audit.Fact{Capability: "test", Type: "thing.done",
		Target: audit.Target{Type: "thing", ID: "thg_1"}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (f fixture) commit(t *testing.T, changes ...store.Change) error {
	t.Helper()
	for _, c := range changes {
		if !c.Partition.Platform() {
			t.Errorf("a change of the directory is in partition %q, want one of the platform's", c.Partition)
		}
	}
	return f.table.Commit(t.Context(), client, audit.Of(f.event(t)), changes...)
}

func TestNormalizeEmail(t *testing.T) {
	long := strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "example"
	for in, want := range map[string]string{
		"ana@lojaazul.example":     "ana@lojaazul.example",
		"  Ana@LojaAzul.Example\n": "ana@lojaazul.example",
		"JOÃO@loja.example":        "joão@loja.example",
		"a+b.c@x.example":          "a+b.c@x.example",
		"joa\u0303o@loja.example":  "jo\u00e3o@loja.example",
		"ana\u200b@x.example":      "",
		"a\u00a0b@x.example":       "",
		"Ana <ana@x.example>":      "",
		"<ana@x.example>":          "",
		"ana@x.example, b@x.ex":    "",
		"ana":                      "",
		"ana@":                     "",
		"@x.example":               "",
		"":                         "",
		"a b@x.example":            "",
		`"a b"@x.example`:          "",
		"a\x00@x.example":          "",
		"ana@x.example\r\nBcc: e":  "",
		"\xff@x.example":           "",
		"ana@x.example (Ana)":      "",
		long:                       "",
	} {
		got, err := directory.NormalizeEmail(in)
		if got != want || (want == "") != errors.Is(err, directory.ErrEmail) {
			t.Errorf("NormalizeEmail(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestPersonIsFoundByAddressInAnyForm(t *testing.T) {
	f := open(t)
	p := directory.Person{ID: "per_1", Email: "ana@x.example", PasswordHash: "$argon2id$…", Name: "Ana", CreatedAt: f.sys.Now(),
		Memberships: []directory.Membership{{Client: client, User: "usr_1"}, {User: "usr_2", Global: true}}}
	if _, err := f.PersonByEmail(t.Context(), p.Email); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("before: %v, want ErrNotFound", err)
	}
	if err := f.commit(t, f.CreatePerson(p)); err != nil {
		t.Fatal(err)
	}
	got, err := f.PersonByEmail(t.Context(), " ANA@x.example ")
	if err != nil || got.ID != p.ID || got.PasswordHash != p.PasswordHash || !slices.Equal(got.Memberships, p.Memberships) || got.Version != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, lost := store.FailedOn(f.commit(t, f.CreatePerson(p))); !lost {
		t.Error("an address got a second login")
	}
	more := got.Join(directory.Membership{Client: "cli_other", User: "usr_3"})
	if len(got.Memberships) != 2 || len(more.Memberships) != 3 {
		t.Fatalf("Join: %d and %d memberships, want 2 and 3", len(got.Memberships), len(more.Memberships))
	}
	if err := f.commit(t, f.UpdatePerson(more)); err != nil {
		t.Fatal(err)
	}
	if _, lost := store.FailedOn(f.commit(t, f.UpdatePerson(more))); !lost {
		t.Error("a stale update of a person was accepted")
	}
}

func TestClientsPagesMeetEveryClientOnce(t *testing.T) {
	f := open(t)
	want := map[tenant.ID]bool{}
	for i := range 60 {
		l := directory.Listed{ID: tenant.ID(f.sys.NewID("cli")), Name: fmt.Sprint("Loja ", i), Slug: fmt.Sprint("loja-", i),
			Status: "active", CreatedAt: f.sys.Now()}
		if err := f.commit(t, f.ListClient(l), f.TakeSlug(l.Slug, l.ID)); err != nil {
			t.Fatal(err)
		}
		want[l.ID] = true
		f.clock.Advance(time.Second)
	}
	for _, limit := range []int{1, 7, 60, 1000} {
		got, cursor := map[tenant.ID]bool{}, ""
		for pages := 0; ; pages++ {
			if pages > 80 {
				t.Fatalf("limit %d: the list does not end", limit)
			}
			page, err := f.Clients(t.Context(), limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) > limit {
				t.Errorf("limit %d: page of %d", limit, len(page.Items))
			}
			for _, l := range page.Items {
				if got[l.ID] || !want[l.ID] {
					t.Errorf("limit %d: %s again, or not ours", limit, l.ID)
				}
				got[l.ID] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if len(got) != len(want) {
			t.Errorf("limit %d: %d clients, want %d", limit, len(got), len(want))
		}
	}
	for _, cursor := range []string{"x", "16.", "-1.", "3", "3.nonsense", ".", "999999999999999999999."} {
		if _, err := f.Clients(t.Context(), 10, cursor); !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("cursor %q: %v, want ErrBadQuery", cursor, err)
		}
	}
}

func TestListedClientIsUpdatedAtItsVersion(t *testing.T) {
	f := open(t)
	l := directory.Listed{ID: client, Name: "Loja", Slug: "loja", Status: "active", CreatedAt: f.sys.Now()}
	if err := f.commit(t, f.ListClient(l)); err != nil {
		t.Fatal(err)
	}
	got, err := f.Listed(t.Context(), l.ID, l.CreatedAt)
	if err != nil {
		t.Fatal(err)
	}
	got.Status = "suspended"
	if err := f.commit(t, f.UpdateListed(got)); err != nil {
		t.Fatal(err)
	}
	if _, lost := store.FailedOn(f.commit(t, f.UpdateListed(got))); !lost {
		t.Error("a stale update was accepted")
	}
	page, err := f.Clients(t.Context(), 10, "")
	if err != nil || len(page.Items) != 1 || page.Items[0].Status != "suspended" || page.Items[0].Version != 2 {
		t.Errorf("page %+v, %v", page, err)
	}
}

func TestSlugBelongsToOneClient(t *testing.T) {
	f := open(t)
	if err := f.commit(t, f.TakeSlug("loja-azul", client)); err != nil {
		t.Fatal(err)
	}
	if _, lost := store.FailedOn(f.commit(t, f.TakeSlug("loja-azul", "cli_other"))); !lost {
		t.Error("a slug was taken twice")
	}
	if owner, err := f.SlugOwner(t.Context(), "loja-azul"); err != nil || owner != client {
		t.Errorf("owner %q, %v, want %q", owner, err, client)
	}
	if err := f.commit(t, f.ReleaseSlug("loja-azul")); err != nil {
		t.Fatal(err)
	}
	if err := f.commit(t, f.TakeSlug("loja-azul", "cli_other")); err != nil {
		t.Errorf("a released slug cannot be taken: %v", err)
	}
}

func TestPlatformTrailIsMergedNewestFirst(t *testing.T) {
	f := open(t)
	var want []string
	for range 50 {
		e := directory.PlatformEvent(f.event(t))
		if err := f.table.Commit(t.Context(), e.Partition, audit.Of(e)); err != nil {
			t.Fatal(err)
		}
		want = append(want, e.Body.ID)
		f.clock.Advance(time.Millisecond)
	}
	slices.Reverse(want)
	if err := f.commit(t); err != nil { // a client's own event is not the platform's
		t.Fatal(err)
	}
	for _, limit := range []int{1, 9, 50, 200} {
		var got []string
		for cursor, pages := "", 0; pages < 60; pages++ {
			page, err := f.PlatformEvents(t.Context(), limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Items {
				got = append(got, e.Body.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: got %d events %v, want %d", limit, len(got), got, len(want))
		}
	}
	for _, cursor := range []string{"x", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FA#"} {
		if _, err := f.PlatformEvents(t.Context(), 10, cursor); !errors.Is(err, store.ErrBadQuery) {
			t.Errorf("cursor %q: %v, want ErrBadQuery", cursor, err)
		}
	}
	if _, err := f.PlatformEvents(t.Context(), 0, ""); !errors.Is(err, store.ErrBadQuery) {
		t.Errorf("limit 0: %v, want ErrBadQuery", err)
	}
}

func TestHomeIsStableAndThePlatforms(t *testing.T) {
	if a, b := directory.Home("usr_1"), directory.Home("usr_1"); a != b || !a.Platform() {
		t.Errorf("homes %q and %q", a, b)
	}
	shards := map[tenant.ID]bool{}
	for i := range 500 {
		shards[directory.Home(fmt.Sprint("usr_", i))] = true
	}
	if len(shards) != directory.Shards {
		t.Errorf("users live in %d partitions, want %d", len(shards), directory.Shards)
	}
}
