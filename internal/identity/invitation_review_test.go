package identity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// One client's invitations are mails from the address of all: what it sends is bounded, to one person and altogether (invariant 10).
func TestInvitationsAreNoMailBomb(t *testing.T) {
	m := &mails{}
	w := newWorld(t, metered, func(d *identity.Deps) { d.Mailer = m })
	contact := func(client tenant.ID, email string) (identity.Invited, error) {
		return w.Invite(w.ctx, client, identity.InviteInput{Contact: identity.Contact{Email: email, Name: "Ana"}, Role: tenant.StandardUser})
	}
	first, err := contact(azul, "ana@x.example")
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := w.ResendInvitation(w.ctx, azul, first.User.ID, identity.Resend{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.ResendInvitation(w.ctx, azul, first.User.ID, identity.Resend{})
	wantFault(t, err, fault.RateLimited, "too_many_invitations")
	u, err := w.GetUser(w.ctx, azul, first.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	// Nor by taking the invitation away and making another.
	if err := w.RevokeInvitation(w.ctx, azul, u.ID, u.Version); err != nil {
		t.Fatal(err)
	}
	_, err = contact(azul, "ANA@x.example")
	wantFault(t, err, fault.RateLimited, "too_many_invitations")
	if len(m.sent) != 5 {
		t.Errorf("%d mails, want 5", len(m.sent))
	}
	// Another client neither notices nor is kept from inviting the same person.
	if _, err := contact(verde, "ana@x.example"); err != nil {
		t.Error(err)
	}
	w.clock.Advance(13 * time.Minute)
	if _, err := contact(azul, "ana@x.example"); err != nil {
		t.Error(err)
	}
	sent := 0
	for ; sent < 300; sent++ {
		if _, err = contact(azul, fmt.Sprintf("p%d@x.example", sent)); err != nil {
			break
		}
	}
	wantFault(t, err, fault.RateLimited, "too_many_invitations")
	if sent < 150 || sent > 200 {
		t.Errorf("%d invitations of one client at once, want some 200", sent)
	}
	if _, err := contact(verde, "rui@x.example"); err != nil {
		t.Error(err)
	}
}

// Where no mail is sent there is nothing to bound.
func TestInvitationsWithoutMailAreNotBounded(t *testing.T) {
	w := newWorld(t, metered)
	w.invite(t, azul, "ana@x.example")
	u, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := w.ResendInvitation(w.ctx, azul, u.Items[0].ID, identity.Resend{}); err != nil {
			t.Fatal(err)
		}
	}
}
