package identity_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

func TestResentInvitationReplacesTheOneBefore(t *testing.T) {
	w := newWorld(t)
	first, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.AgentManager})
	if err != nil {
		t.Fatal(err)
	}
	tokens := []string{first.Invitation.Token}
	for _, wait := range []time.Duration{time.Hour, identity.InvitationLifetime + time.Hour} { // alive, then run out
		w.clock.Advance(wait)
		again, err := w.ResendInvitation(w.ctx, azul, first.User.ID, identity.Resend{ClientName: "Loja Azul"})
		if err != nil {
			t.Fatal(err)
		}
		if again.User.ID != first.User.ID || again.User.Role != tenant.AgentManager || again.User.Status != identity.StatusInvited ||
			again.User.Version != int64(len(tokens))+1 || !again.Invitation.ExpiresAt.Equal(w.clock.Now().Add(identity.InvitationLifetime).Truncate(time.Second)) {
			t.Errorf("%+v", again)
		}
		for _, dead := range tokens {
			_, err := w.Accept(w.ctx, identity.Accept{Token: dead, Password: good})
			wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
		}
		tokens = append(tokens, again.Invitation.Token)
	}
	if _, err := w.Accept(w.ctx, identity.Accept{Token: tokens[2], Password: good}); err != nil {
		t.Fatal(err)
	}
	_, err = w.ResendInvitation(w.ctx, azul, first.User.ID, identity.Resend{})
	wantFault(t, err, fault.Conflict, "user_not_invited")
	trail := w.trail(t, azul)
	if n := count(trail, events.TypeInvitationResent, `"replaces":"`+first.Invitation.ID+`"`); n != 1 || count(trail, events.TypeInvitationResent, "") != 2 {
		t.Errorf("%d invitation.resent that replaces the first", n)
	}
	wantNoSecrets(t, trail, []string{"ana@x"}, tokens)
}

func TestResentInvitationIsMailedInItsLanguage(t *testing.T) {
	m := &mails{}
	w := newWorld(t, func(d *identity.Deps) { d.Mailer = m })
	out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.StandardUser, Language: "en", ClientName: "Azul"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.ResendInvitation(w.ctx, azul, out.User.ID, identity.Resend{Language: "pt-BR", ClientName: "Azul"})
	if err != nil || again.Invitation.Token != "" || len(m.sent) != 2 || m.sent[1].Subject != m.sent[0].Subject || m.sent[1].Text == m.sent[0].Text {
		t.Errorf("%+v, %v, mails %+v", again, err, m.sent)
	}
	m.err = errors.New("mailbox on fire")
	_, err = w.ResendInvitation(w.ctx, azul, out.User.ID, identity.Resend{})
	wantFault(t, err, fault.Unavailable, "mail_failed")
	if left, err := w.table.Query(t.Context(), azul, queryAll("invitation#")); err != nil || len(left.Items) != 0 {
		t.Errorf("%d invitations that nobody got, %v", len(left.Items), err)
	}
	m.err = nil
	if _, err := w.ResendInvitation(w.ctx, azul, out.User.ID, identity.Resend{}); err != nil || len(m.sent) != 3 {
		t.Errorf("once the mail works: %v", err)
	}
}

func TestRevokedInvitationTakesItsUserAlong(t *testing.T) {
	w := newWorld(t)
	out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.AgentManager})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, w.RevokeInvitation(w.ctx, azul, out.User.ID, 7), fault.PreconditionFailed, "version_mismatch")
	if err := w.RevokeInvitation(w.ctx, azul, out.User.ID, 1); err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(w.ctx, identity.Accept{Token: out.Invitation.Token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	for _, prefix := range []string{"user#", "email#", "invitation#"} {
		if left, err := w.table.Query(t.Context(), azul, queryAll(prefix)); err != nil || len(left.Items) != 0 {
			t.Errorf("left: %+v, %v", left.Items, err)
		}
	}
	if n := count(w.trail(t, azul), events.TypeInvitationRevoked, out.Invitation.ID); n != 1 {
		t.Errorf("%d invitation.revoked", n)
	}
	ana := w.join(t, azul, "ana@x.example", tenant.ClientAdmin)
	wantFault(t, w.RevokeInvitation(w.ctx, azul, ana.id, 2), fault.Conflict, "user_not_invited")
	// One that ran out is revoked as well, and removing an invited user is the same.
	w.invite(t, azul, "rui@x.example")
	w.invite(t, azul, "bia@x.example")
	w.clock.Advance(identity.InvitationLifetime + time.Second)
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Status: identity.StatusInvited, Limit: 10})
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if err := errors.Join(w.RevokeInvitation(ana.ctx, azul, page.Items[0].ID, 1), w.RemoveUser(ana.ctx, azul, page.Items[1].ID, 1)); err != nil {
		t.Error(err)
	}
}

func TestInvitedUserIsMadeActiveByNobodyElse(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "ana@x.example")
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	id := page.Items[0].ID
	for _, status := range []identity.Status{identity.StatusActive, identity.StatusDisabled} {
		_, err := w.update(w.ctx, t, azul, id, identity.UserPatch{Status: ptr(status)})
		wantFault(t, err, fault.Conflict, "user_not_accepted")
	}
	// The role can be put right before.
	if _, err := w.update(w.ctx, t, azul, id, identity.UserPatch{Role: ptr(tenant.StandardUser)}); err != nil {
		t.Fatal(err)
	}
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good})
	if err != nil || w.claims(t, tokens).Principal.Role != tenant.StandardUser {
		t.Errorf("%v", err)
	}
}

// A client whose first administrator never got in is helped by the platform.
func TestAdministratorIsInvitedAgain(t *testing.T) {
	w := newWorld(t)
	root := testkit.As(t.Context(), "", "usr_root", tenant.GlobalAdmin, "invite-administrator")
	in := identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.ClientAdmin, Replace: true}
	first, err := w.Invite(root, azul, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Invite(root, azul, in)
	if err != nil || again.User.ID != first.User.ID {
		t.Fatalf("%+v, %v", again, err)
	}
	_, err = w.Accept(w.ctx, identity.Accept{Token: first.Invitation.Token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	if _, err := w.Accept(w.ctx, identity.Accept{Token: again.Invitation.Token, Password: good}); err != nil {
		t.Fatal(err)
	}
	_, err = w.Invite(root, azul, in)
	wantFault(t, err, fault.Conflict, "user_exists")
	platform := w.platformTrail(t)
	if count(platform, events.TypeUserInvited, "client_admin") != 2 || count(w.trail(t, azul), events.TypeUserInvited, "client_admin") != 2 {
		t.Error("an act of the platform upon a client belongs into both trails")
	}
	for _, e := range platform {
		if e.Body.Type == events.TypeUserInvited && e.Private != nil {
			t.Errorf("the platform's trail keeps what is the client's: %s", e.Private.Values)
		}
	}
}

func TestUserChangedWhileTheyAcceptIsLetInAllTheSame(t *testing.T) {
	over := &testkit.Overtaken{}
	w := newWorld(t, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = over
	})
	token := w.invite(t, azul, "ana@x.example")
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	over.Times, over.First = 1, func() {
		if _, err := w.update(w.ctx, t, azul, page.Items[0].ID, identity.UserPatch{Role: ptr(tenant.StandardUser)}); err != nil {
			t.Error(err)
		}
	}
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good})
	if err != nil || w.claims(t, tokens).Principal.Role != tenant.StandardUser {
		t.Errorf("%v", err)
	}
}

// Whatever row is left of an invitation before, the one that the user's row names is the only one.
func TestInvitationThatIsNotItsUsersIsNone(t *testing.T) {
	w := newWorld(t)
	first, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.ClientAdmin})
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.table.Get(t.Context(), azul, keys.Invitation(first.Invitation.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.ResendInvitation(w.ctx, azul, first.User.ID, identity.Resend{}); err != nil {
		t.Fatal(err)
	}
	if err := w.table.Commit(t.Context(), azul, testkit.Record(w.ctx, t, w.sys, azul), store.Create(row)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(w.ctx, identity.Accept{Token: first.Invitation.Token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
}

// Bad input: invitations. Each is refused with 401 and recorded.
func TestAttackInvitationGuessed(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "ana@x.example")
	for name, c := range map[string]struct {
		token  string
		client bool // whose trail it is in
	}{
		"its id is known": {identity.GuessInvitation(t, token, func(i *identity.InvitationParts) { i.Secret = "guess" }), true},
		"an id made up":   {identity.GuessInvitation(t, token, func(i *identity.InvitationParts) { i.ID = "inv_none" }), false},
		"another client":  {identity.GuessInvitation(t, token, func(i *identity.InvitationParts) { i.Client = verde }), false},
		"no token at all": {"nin_nonsense", false},
	} {
		own, platform := len(w.trail(t, azul)), len(w.platformTrail(t))
		_, err := w.Accept(w.ctx, identity.Accept{Token: c.token, Password: good})
		wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
		own, platform = len(w.trail(t, azul))-own, len(w.platformTrail(t))-platform
		if c.client && own != 1 || !c.client && platform != 1 || own+platform != 1 {
			t.Errorf("%s: %d events in the client's trail, %d in the platform's", name, own, platform)
		}
	}
	if n := count(w.trail(t, azul), events.TypeSessionRefused, `"reason":"bad_invitation"`); n != 1 {
		t.Errorf("%d refusals with their reason", n)
	}
	if left, err := w.table.Query(t.Context(), verde, queryAll(keys.EventPrefix)); err != nil || len(left.Items) != 0 {
		t.Errorf("a caller wrote into a trail that it only named: %v, %v", left.Items, err)
	}
}

func TestAttackInvitationReused(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "ana@x.example")
	if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}) // also with the right password
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	if n := count(w.platformTrail(t), events.TypeSessionRefused, `"reason":"bad_invitation"`); n != 1 {
		t.Errorf("%d refusals recorded", n)
	}
}

// Who has an invitation to another address does not join with a login of their own, nor learn of it.
func TestAttackInvitationToAnotherAddress(t *testing.T) {
	w := newWorld(t)
	w.join(t, azul, "mallory@x.example", tenant.StandardUser)
	w.join(t, azul, "ana@x.example", tenant.StandardUser)
	token := w.invite(t, verde, "ana@x.example")
	mallory, err := w.dir.PersonByEmail(t.Context(), "mallory@x.example")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(w.ctx, identity.Accept{Token: token, Name: "Mallory", Password: "a password of mallory's"})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	if after, err := w.dir.PersonByEmail(t.Context(), "mallory@x.example"); err != nil || after.Version != mallory.Version {
		t.Errorf("%+v, %v", after, err)
	}
	if n := count(w.trail(t, verde), events.TypeSessionRefused, `"method":"invitation","reason":"bad_credentials"`); n != 1 {
		t.Errorf("%d refusals recorded", n)
	}
	if _, err := w.table.Get(t.Context(), verde, keys.Invitation("inv_none")); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if strings.Contains(token, "ana") {
		t.Error("the token names its address")
	}
}
