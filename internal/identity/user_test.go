package identity_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestUsersAreListedByRoleAndFoundInTheirClientAlone(t *testing.T) {
	w := newWorld(t)
	for i, role := range []tenant.Role{tenant.StandardUser, tenant.ClientAdmin, tenant.StandardUser, tenant.AgentManager, tenant.StandardUser} {
		w.clock.Advance(time.Second)
		if _, err := w.Invite(w.ctx, azul, identity.InviteInput{Role: role,
			Contact: identity.Contact{Email: string(rune('a'+i)) + "@x.example", Name: "N"}}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for cursor, pages := "", 0; pages < 5; pages++ {
		page, err := w.ListUsers(w.ctx, azul, tenant.StandardUser, 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Items {
			if u.Role != tenant.StandardUser || seen[u.ID] {
				t.Errorf("user %+v", u)
			}
			seen[u.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d standard users, want 3", len(seen))
	}
	all, err := w.ListUsers(w.ctx, azul, "", 100, "")
	if err != nil || len(all.Items) != 5 || all.Items[0].Version != 1 {
		t.Fatalf("all: %+v, %v", all, err)
	}
	none, err := w.ListUsers(w.ctx, verde, "", 100, "")
	if err != nil || len(none.Items) != 0 {
		t.Errorf("another client's list: %+v, %v", none, err)
	}
	for _, id := range []string{all.Items[0].ID, "usr_none", "\x00", "", strings.Repeat("x", 2000)} {
		_, err := w.GetUser(w.ctx, verde, id)
		wantFault(t, err, fault.NotFound, "user_not_found")
	}
	_, err = w.ListUsers(w.ctx, azul, "owner", 10, "")
	wantFault(t, err, fault.Invalid, "validation_failed")
	_, err = w.ListUsers(w.ctx, azul, "", 0, "")
	wantFault(t, err, fault.Invalid, "validation_failed")
	_, err = w.ListUsers(w.ctx, azul, "", 10, "nonsense")
	wantFault(t, err, fault.Invalid, "invalid_cursor")
}
