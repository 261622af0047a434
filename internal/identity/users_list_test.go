package identity_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// counted counts reads.
type counted struct {
	store.Table
	reads atomic.Int64
}

func (c *counted) Query(ctx context.Context, client tenant.ID, q store.Query) (store.Page, error) {
	c.reads.Add(1)
	return c.Table.Query(ctx, client, q)
}

func (c *counted) BatchGet(ctx context.Context, client tenant.ID, sks []string) ([]store.Item, error) {
	c.reads.Add(1)
	return c.Table.BatchGet(ctx, client, sks)
}

// names walks a list and returns the names in its order; nobody may come twice.
func (w *world) names(t *testing.T, q identity.UserQuery) []string {
	t.Helper()
	var names []string
	seen := map[string]bool{}
	for range 100 {
		page, err := w.ListUsers(w.ctx, azul, q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > q.Limit {
			t.Errorf("%d items where %d were asked for", len(page.Items), q.Limit)
		}
		for _, u := range page.Items {
			if seen[u.ID] {
				t.Errorf("%s twice", u.Name)
			}
			seen[u.ID] = true
			names = append(names, u.Name)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return names
		}
	}
	t.Fatal("the list does not end")
	return nil
}

func TestSearchingUsers(t *testing.T) {
	table := &counted{}
	w := newWorld(t, func(d *identity.Deps) {
		table.Table = d.Table
		d.Table = table
	})
	for _, u := range []struct {
		name, email string
		role        tenant.Role
	}{
		{"Ana Souza", "souza@x.example", tenant.StandardUser}, {"ANA  Lima", "lima@x.example", tenant.AgentManager},
		{"Âna Prado", "ana.prado@x.example", tenant.StandardUser}, {"José Ávila", "analista@x.example", tenant.StandardUser},
		{"João", "joao@x.example", tenant.ClientAdmin}, {"ﬁlipa", "f@x.example", tenant.StandardUser}, {"山田", "yamada@x.example", tenant.StandardUser},
		{"100% #1", "cem@x.example", tenant.StandardUser},
	} {
		w.clock.Advance(time.Second)
		if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: u.email, Name: u.name}, Role: u.role}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Invite(w.ctx, verde, identity.InviteInput{Contact: identity.Contact{Email: "ana@verde.example", Name: "Ana Verde"}, Role: tenant.StandardUser}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		q    identity.UserQuery
		want []string
	}{
		{identity.UserQuery{Text: "ana"}, []string{"ANA  Lima", "Âna Prado", "Ana Souza", "José Ávila"}},
		{identity.UserQuery{Text: " ÁNA "}, []string{"ANA  Lima", "Âna Prado", "Ana Souza", "José Ávila"}},
		{identity.UserQuery{Text: "ana l"}, []string{"ANA  Lima"}},
		{identity.UserQuery{Text: "Ana.P"}, []string{"Âna Prado"}},
		{identity.UserQuery{Text: "jo"}, []string{"João", "José Ávila"}},
		{identity.UserQuery{Text: "FILI"}, []string{"ﬁlipa"}},
		{identity.UserQuery{Text: "山"}, []string{"山田"}},
		{identity.UserQuery{Text: "100% #"}, []string{"100% #1"}},
		{identity.UserQuery{Text: "a", Role: tenant.AgentManager}, []string{"ANA  Lima"}},
		{identity.UserQuery{Text: "a", Status: identity.StatusActive}, nil},
		{identity.UserQuery{Text: "souza@x.example"}, []string{"Ana Souza"}},
		{identity.UserQuery{Text: "nobody"}, nil},
		{identity.UserQuery{Text: "verde"}, nil},
	} {
		for _, limit := range []int{1, 2, 100} {
			c.q.Limit = limit
			if got := w.names(t, c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: %q, want %q", c.q, got, c.want)
			}
		}
	}
	table.reads.Store(0)
	if page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Text: "ana", Limit: 100}); err != nil || page.Next != "" || table.reads.Load() != 3 {
		t.Errorf("%+v, %v: %d reads, want 3", page, err, table.reads.Load())
	}
}

func TestFiltersOfUsers(t *testing.T) {
	table := &counted{}
	w := newWorld(t, func(d *identity.Deps) {
		table.Table = d.Table
		d.Table = table
	})
	ana := w.join(t, azul, "ana@x.example", tenant.ClientAdmin)
	for i := range 30 {
		if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: fmt.Sprintf("u%d@x.example", i), Name: fmt.Sprint("U", i)},
			Role: tenant.StandardUser}); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Second)
	}
	late := w.join(t, azul, "late@x.example", tenant.StandardUser)
	if _, err := w.update(ana.ctx, t, azul, late.id, identity.UserPatch{Status: ptr(identity.StatusDisabled), Name: ptr("Late")}); err != nil {
		t.Fatal(err)
	}
	table.reads.Store(0)
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Status: identity.StatusDisabled, Limit: 1})
	if err != nil || len(page.Items) != 0 || page.Next == "" || table.reads.Load() != 5 {
		t.Errorf("%+v, %v: %d reads, want 5 and a short page", page, err, table.reads.Load())
	}
	for _, limit := range []int{1, 3, 7, 100} {
		if got := w.names(t, identity.UserQuery{Status: identity.StatusDisabled, Limit: limit}); !slices.Equal(got, []string{"Late"}) {
			t.Errorf("disabled, by %d: %v", limit, got)
		}
		if got := w.names(t, identity.UserQuery{Status: identity.StatusInvited, Role: tenant.StandardUser, Limit: limit}); len(got) != 30 {
			t.Errorf("invited, by %d: %d", limit, len(got))
		}
		if got := w.names(t, identity.UserQuery{Limit: limit}); len(got) != 32 {
			t.Errorf("all, by %d: %d", limit, len(got))
		}
	}
}

func TestQueriesOfUsersThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for name, q := range map[string]identity.UserQuery{
		"an unknown role":    {Role: "owner", Limit: 1},
		"an unknown status":  {Status: "gone", Limit: 1},
		"no limit":           {},
		"too many":           {Limit: 101},
		"accents alone":      {Text: "\u0301", Limit: 1},
		"spaces alone":       {Text: "  ", Limit: 1},
		"a control":          {Text: "a\x00", Limit: 1},
		"invalid UTF-8":      {Text: "a\xff", Limit: 1},
		"too long":           {Text: strings.Repeat("a", 65), Limit: 1},
		"a cursor of nobody": {Cursor: "nonsense", Limit: 1},
		"a walk of no list":  {Cursor: "7.", Limit: 1},
		"a walk before":      {Cursor: "-1.", Limit: 1},
	} {
		_, err := w.ListUsers(w.ctx, azul, q)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The longest name, of characters that grow when they are folded, still has a key.
	if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "long@x.example", Name: strings.Repeat("ﷺ", 120)},
		Role: tenant.StandardUser}); err != nil {
		t.Fatal(err)
	}
	if got := w.names(t, identity.UserQuery{Text: strings.Repeat("ﷺ", 64), Limit: 1}); len(got) != 1 {
		t.Errorf("found %d", len(got))
	}
}
