package identity_test

import (
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
	"github.com/nowgo/agents/internal/store/keys"
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
		page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Role: tenant.StandardUser, Limit: 2, Cursor: cursor})
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
	all, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 100})
	if err != nil || len(all.Items) != 5 || all.Items[0].Version != 1 {
		t.Fatalf("all: %+v, %v", all, err)
	}
	none, err := w.ListUsers(w.ctx, verde, identity.UserQuery{Limit: 100})
	if err != nil || len(none.Items) != 0 {
		t.Errorf("another client's list: %+v, %v", none, err)
	}
	for _, id := range []string{all.Items[0].ID, "usr_none", "\x00", "", strings.Repeat("x", 2000)} {
		_, err := w.GetUser(w.ctx, verde, id)
		wantFault(t, err, fault.NotFound, "user_not_found")
	}
	_, err = w.ListUsers(w.ctx, azul, identity.UserQuery{Role: "owner", Limit: 10})
	wantFault(t, err, fault.Invalid, "validation_failed")
	_, err = w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 0})
	wantFault(t, err, fault.Invalid, "validation_failed")
	_, err = w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 10, Cursor: "nonsense"})
	wantFault(t, err, fault.Invalid, "invalid_cursor")
}

// setStatus changes a user's row as an operation that disables users will.
func (w *world) setStatus(t *testing.T, client tenant.ID, user string, status identity.Status) {
	t.Helper()
	it, err := w.table.Get(t.Context(), client, keys.User(user))
	if err != nil {
		t.Fatal(err)
	}
	var summary map[string]any
	if err := it.Read(&summary, nil); err != nil {
		t.Fatal(err)
	}
	summary["status"] = status
	if it.Summary, err = json.Marshal(summary); err != nil {
		t.Fatal(err)
	}
	e, err := audit.Happened(t.Context(), w.sys, client, audit.Fact{Type: events.TypeUserInvited, Target: audit.Target{Type: "user", ID: user},
		Change: events.UserInvited{InvitationID: w.sys.NewID("inv"), Role: "standard_user"}})
	if err := errors.Join(err, w.table.Commit(t.Context(), client, audit.Of(e), store.Update(it, it.Version))); err != nil {
		t.Fatal(err)
	}
}

func TestDisabledUserIsNotLetIn(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, "ana@x.example", good)
	w.setStatus(t, azul, w.claims(t, tokens).Principal.User, identity.StatusDisabled)
	_, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	if n := count(w.trail(t, azul), events.TypeSessionRefused, "user_inactive"); n != 1 {
		t.Errorf("%d refusals of an inactive user recorded, want 1", n)
	}
	_, err = w.Refresh(w.ctx, tokens.RefreshToken)
	wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")

	out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "rui@x.example", Name: "Rui"}, Role: tenant.StandardUser})
	if err != nil {
		t.Fatal(err)
	}
	w.setStatus(t, azul, out.User.ID, identity.StatusDisabled)
	_, err = w.Accept(w.ctx, identity.Accept{Token: out.Invitation.Token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
}
