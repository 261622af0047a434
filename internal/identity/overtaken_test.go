package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// overtakenWorld is a world in which somebody else can come between what is read and the commit.
func overtakenWorld(t *testing.T, change ...func(*identity.Deps)) (*world, *testkit.Overtaken) {
	t.Helper()
	over := &testkit.Overtaken{}
	w := newWorld(t, append(change, func(d *identity.Deps) {
		over.Table = d.Table
		d.Table = over
		d.KeyMay = func(tenant.Role, string) bool { return true }
	})...)
	return w, over
}

// first lets somebody be faster than the next commit. What they do must work.
func first(t *testing.T, over *testkit.Overtaken, do func() error) {
	over.Times, over.First = 1, func() {
		if err := do(); err != nil {
			t.Errorf("who was faster: %v", err)
		}
	}
}

// sendFunc is a mailer that is a function.
type sendFunc func(context.Context, mail.Message) error

func (f sendFunc) Send(ctx context.Context, m mail.Message) error { return f(ctx, m) }

// linked returns the token of the link in a mail.
func linked(t *testing.T, m mail.Message) string {
	t.Helper()
	_, after, ok := strings.Cut(m.Text, "#token=")
	token, _, _ := strings.Cut(after, "\n")
	if !ok {
		t.Fatalf("no link in %q", m.Text)
	}
	return strings.TrimSpace(token)
}

// An invitation that is withdrawn because its mail was refused lets nobody in, even who has it and comes in that moment.
func TestAnInvitationWithdrawnWhileItIsAccepted(t *testing.T) {
	refused := errors.New("refused")
	w, over := overtakenWorld(t, func(d *identity.Deps) {
		d.Mailer = sendFunc(func(context.Context, mail.Message) error { return refused })
	})
	p, err := w.PrepareInvitation(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: ana, Name: "Ana"}, Role: tenant.AgentManager})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.table.Commit(w.ctx, azul, audit.Of(p.Events[0], p.Events[1:]...), p.Changes...); err != nil {
		t.Fatal(err)
	}
	first(t, over, func() error {
		if err := w.Deliver(w.ctx, azul, p); !errors.Is(err, refused) {
			return errors.Join(errors.New("not withdrawn"), err)
		}
		return nil
	})
	_, err = w.Accept(w.ctx, identity.Accept{Token: linked(t, *p.Mail), Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	if u, err := w.GetUser(w.ctx, azul, p.User.ID); err != nil || u.Status != identity.StatusInvited {
		t.Errorf("%+v, %v", u, err)
	}
}

// A mail server may deliver a mail and fail all the same. What its reader has accepted by then is not withdrawn.
func TestAnInvitationAcceptedBeforeItsMailFails(t *testing.T) {
	var w *world
	w = newWorld(t, func(d *identity.Deps) {
		d.Mailer = sendFunc(func(_ context.Context, m mail.Message) error {
			if _, err := w.Accept(w.ctx, identity.Accept{Token: linked(t, m), Password: good}); err != nil {
				t.Error(err)
			}
			return errors.New("no answer")
		})
	})
	_, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: ana, Name: "Ana"}, Role: tenant.AgentManager})
	wantFault(t, err, fault.Unavailable, "mail_failed")
	for _, e := range w.trail(t, azul) {
		if e.Body.Type == events.TypeUserInvited && e.Body.Result != "success" {
			t.Errorf("recorded as withdrawn: %+v", e.Body)
		}
	}
	if _, err := w.enter(""); err != nil {
		t.Error(err)
	}
}

func TestAKeyRevokedMeanwhileStaysRevoked(t *testing.T) {
	for name, do := range map[string]func(w *world, ctx context.Context, over *testkit.Overtaken, k identity.APIKey) error{
		"rotated": func(w *world, ctx context.Context, _ *testkit.Overtaken, k identity.APIKey) error {
			_, err := w.RotateAPIKey(ctx, azul, k.ID, 0, time.Hour)
			if fault.Is(err, fault.NotFound) {
				return nil
			}
			return errors.Join(errors.New("not told"), err)
		},
		"used": func(w *world, ctx context.Context, over *testkit.Overtaken, k identity.APIKey) error {
			_, err := identity.NoteKeyUse(ctx, over, w.sys, azul, k)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, over := overtakenWorld(t)
			ctx := w.by(tenant.ClientAdmin)
			k := w.key(t)
			read, err := w.APIKey(ctx, azul, k.ID)
			if err != nil {
				t.Fatal(err)
			}
			first(t, over, func() error { return w.RevokeAPIKey(ctx, azul, k.ID, 0) })
			if err := do(w, ctx, over, read); err != nil {
				t.Error(err)
			}
			_, err = w.APIKey(ctx, azul, k.ID)
			wantFault(t, err, fault.NotFound, "api_key_not_found")
		})
	}
}

// Who revokes a key as they saw it revokes no other.
func TestAKeyRotatedMeanwhileIsNotRevokedUnseen(t *testing.T) {
	w, over := overtakenWorld(t)
	ctx := w.by(tenant.ClientAdmin)
	k := w.key(t)
	first(t, over, func() error {
		_, err := w.RotateAPIKey(ctx, azul, k.ID, 1, 0)
		return err
	})
	wantFault(t, w.RevokeAPIKey(ctx, azul, k.ID, 1), fault.PreconditionFailed, "version_mismatch")
	if _, err := w.APIKey(ctx, azul, k.ID); err != nil {
		t.Error(err)
	}
}

// A session that was signed out meanwhile does not come back with what it was changed to.
func TestASessionSignedOutMeanwhileStaysEnded(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, w *world, tokens identity.Tokens) func() error{
		"password changed": func(t *testing.T, w *world, tokens identity.Tokens) func() error {
			return func() error {
				return w.ChangePassword(w.as(t, tokens), identity.PasswordChange{Current: good, New: other})
			}
		},
		"second factor confirmed": func(t *testing.T, w *world, tokens identity.Tokens) func() error {
			made, err := w.EnrolTOTP(w.as(t, tokens), good)
			if err != nil {
				t.Fatal(err)
			}
			return func() error {
				_, err := w.ConfirmTOTP(w.as(t, tokens), app{w, made.Secret}.code(t))
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, over := overtakenWorld(t)
			tokens := w.member(t, azul, ana, good)
			do := prepare(t, w, tokens)
			first(t, over, func() error { return w.SignOut(w.as(t, tokens)) })
			wantFault(t, do(), fault.Unauthenticated, "unauthenticated")
			if _, err := w.table.Get(w.ctx, azul, keys.Session(w.claims(t, tokens).Principal.Session)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the session: %v", err)
			}
			if _, err := w.enter(""); err != nil {
				t.Errorf("the login was changed: %v", err)
			}
		})
	}
}

// A session ends once, however many end it.
func TestASessionEndedByTwoEndsOnce(t *testing.T) {
	w, over := overtakenWorld(t)
	tokens := w.member(t, azul, ana, good)
	first(t, over, func() error { return w.SignOut(w.as(t, tokens)) })
	if err := w.SignOut(w.as(t, tokens)); err != nil {
		t.Error(err)
	}
	if n := count(w.trail(t, azul), events.TypeSessionEnded, ""); n != 1 {
		t.Errorf("%d session.ended, want 1", n)
	}
}

// Who accepts while their client is being erased leaves no membership behind.
func TestAUserWhoAcceptsWhileTheClientIsErased(t *testing.T) {
	w, over := overtakenWorld(t)
	w.member(t, verde, ana, good)
	token := w.invite(t, azul, ana)
	first(t, over, func() error {
		_, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good})
		return err
	})
	if n, logins, err := w.EraseUsers(w.ctx, azul, 100); n != 1 || logins != 0 || err != nil {
		t.Errorf("%d users, %d logins, %v", n, logins, err)
	}
	if of := w.person(t).Memberships; slices.ContainsFunc(of, func(m directory.Membership) bool { return m.Client == azul }) || len(of) != 1 {
		t.Errorf("memberships %+v", of)
	}
}

// An invitation that is sent again leaves the user as somebody has changed them meanwhile.
func TestAUserChangedWhileTheirInvitationIsSentAgain(t *testing.T) {
	w, over := overtakenWorld(t)
	out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: ana, Name: "Ana"}, Role: tenant.ClientAdmin})
	if err != nil {
		t.Fatal(err)
	}
	first(t, over, func() error {
		_, err := w.update(w.ctx, t, azul, out.User.ID, identity.UserPatch{Role: ptr(tenant.StandardUser)})
		return err
	})
	again, err := w.ResendInvitation(w.ctx, azul, out.User.ID, identity.Resend{})
	if err != nil || again.User.Role != tenant.StandardUser {
		t.Errorf("%+v, %v", again.User, err)
	}
	if u, err := w.GetUser(w.ctx, azul, out.User.ID); err != nil || u.Role != tenant.StandardUser {
		t.Errorf("%+v, %v", u, err)
	}
}

// An address has one user in a client, whoever of two invites it.
func TestAnAddressInvitedByTwoIsInvitedOnce(t *testing.T) {
	w, over := overtakenWorld(t)
	in := identity.InviteInput{Contact: identity.Contact{Email: ana, Name: "Ana"}, Role: tenant.StandardUser}
	first(t, over, func() error {
		_, err := w.Invite(w.ctx, azul, in)
		return err
	})
	_, err := w.Invite(w.ctx, azul, in)
	wantFault(t, err, fault.Conflict, "user_exists")
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 10})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d users, %v", len(page.Items), err)
	}
}

// Who removes a user as they saw them removes no other.
func TestAUserChangedMeanwhileIsNotRemovedUnseen(t *testing.T) {
	w, over := overtakenWorld(t)
	admin, rui := w.join(t, azul, ana, tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.StandardUser)
	first(t, over, func() error {
		_, err := w.UpdateUser(admin.ctx, azul, rui.id, 2, identity.UserPatch{Role: ptr(tenant.AgentManager)})
		return err
	})
	wantFault(t, w.RemoveUser(admin.ctx, azul, rui.id, 2), fault.PreconditionFailed, "version_mismatch")
	if _, err := w.GetUser(w.ctx, azul, rui.id); err != nil {
		t.Error(err)
	}
}

// Of two who change a user as they saw them, the slower one is told.
func TestAUserChangedMeanwhileIsNotChangedUnseen(t *testing.T) {
	w, over := overtakenWorld(t)
	admin, rui := w.join(t, azul, ana, tenant.ClientAdmin), w.join(t, azul, "rui@x.example", tenant.AgentManager)
	first(t, over, func() error {
		_, err := w.UpdateUser(admin.ctx, azul, rui.id, 2, identity.UserPatch{Role: ptr(tenant.StandardUser)})
		return err
	})
	_, err := w.UpdateUser(admin.ctx, azul, rui.id, 2, identity.UserPatch{Name: ptr("Rui Costa")})
	wantFault(t, err, fault.PreconditionFailed, "version_mismatch")
	if u, err := w.GetUser(w.ctx, azul, rui.id); err != nil || u.Role != tenant.StandardUser || u.Name == "Rui Costa" {
		t.Errorf("%+v, %v", u, err)
	}
}

// The secret of before a rotation does not work longer than the key, however long the overlap would be.
func TestAnOverlapEndsWithTheKey(t *testing.T) {
	w, _ := overtakenWorld(t)
	ctx := w.by(tenant.ClientAdmin)
	ends := w.clock.Now().Add(time.Hour)
	old, err := w.CreateAPIKey(ctx, azul, identity.KeyInput{Name: "Site", Role: tenant.StandardUser, Scopes: []string{"get-agent"}, ExpiresAt: ends})
	if err != nil {
		t.Fatal(err)
	}
	k, err := w.RotateAPIKey(ctx, azul, old.ID, 1, identity.MaxOverlap)
	if err != nil {
		t.Fatal(err)
	}
	for _, credential := range []string{old.Credential, k.Credential} {
		c, _ := identity.ParseKeyCredential(credential)
		if until, ok := k.Opens(c, w.clock.Now()); !ok || !until.Equal(k.ExpiresAt) {
			t.Errorf("%v until %v, want until %v", ok, until, k.ExpiresAt)
		}
	}
}
