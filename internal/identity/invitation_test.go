package identity_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

func TestAcceptedInvitationMakesAnActiveUser(t *testing.T) {
	w := newWorld(t)
	out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: " Ana@X.example", Name: " Ana "},
		Role: tenant.ClientAdmin})
	if err != nil {
		t.Fatal(err)
	}
	if out.User.Status != identity.StatusInvited || out.User.Email != "ana@x.example" || out.User.Name != "Ana" || out.User.Version != 1 {
		t.Errorf("user %+v", out.User)
	}
	if want := "https://agents.example/invitation#token=" + out.Invitation.Token; out.Invitation.URL != want || out.Invitation.Token == "" {
		t.Errorf("url %q, want %q", out.Invitation.URL, want)
	}
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: good}); err == nil {
		t.Error("somebody signed in who has not accepted")
	}
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: out.Invitation.Token, Name: "Ana Souza", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	if p := w.claims(t, tokens).Principal; p.User != out.User.ID || p.Role != tenant.ClientAdmin || p.Client != azul {
		t.Errorf("principal %+v", p)
	}
	u, err := w.GetUser(w.ctx, azul, out.User.ID)
	if err != nil || u.Status != identity.StatusActive || u.Name != "Ana Souza" || u.Person == "" || u.Version != 2 {
		t.Errorf("user %+v, %v", u, err)
	}
	trail := w.trail(t, azul)
	for _, kind := range []string{events.TypeUserInvited, events.TypeInvitationAccepted, events.TypeSessionStarted} {
		if count(trail, kind, "") != 1 {
			t.Errorf("%d %s in the trail, want 1", count(trail, kind, ""), kind)
		}
	}
	wantNoSecrets(t, trail, []string{"ana@x", "Ana", "203.0.113.9"}, []string{good, out.Invitation.Token, tokens.RefreshToken, tokens.AccessToken})
}

func TestInvitationWorksOnce(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "ana@x.example")
	var wg sync.WaitGroup
	var won atomic.Int64
	start := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			<-start
			if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}); err == nil {
				won.Add(1)
			} else {
				wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
			}
		})
	}
	close(start)
	wg.Wait()
	if won.Load() != 1 || count(w.trail(t, azul), events.TypeInvitationAccepted, "") != 1 {
		t.Errorf("the invitation was accepted %d times, want 1", won.Load())
	}
	_, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	if left, err := w.table.Query(t.Context(), azul, queryAll("invitation#")); err != nil || len(left.Items) != 0 {
		t.Errorf("%d invitations are left, %v, want none", len(left.Items), err)
	}
}

// Invariant 14: who can read an invitation does not thereby become the owner of a login that exists.
func TestInvitationToAnExistingLoginTakesItsOwnPassword(t *testing.T) {
	w := newWorld(t)
	w.member(t, azul, "ana@x.example", good)
	before, err := w.dir.PersonByEmail(t.Context(), "ana@x.example")
	if err != nil {
		t.Fatal(err)
	}
	token := w.invite(t, verde, "ana@x.example") // verde's administrator could see it

	hashed := w.hasher.hashed.Load()
	_, err = w.Accept(w.ctx, identity.Accept{Token: token, Name: "Mallory", Password: other})
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	after, err := w.dir.PersonByEmail(t.Context(), "ana@x.example")
	if err != nil || after.PasswordHash != before.PasswordHash || after.Version != before.Version || w.hasher.hashed.Load() != hashed {
		t.Errorf("the person changed: %+v, %v", after, err)
	}
	if n := count(w.trail(t, verde), events.TypeSessionRefused, `"method":"invitation"`); n != 1 {
		t.Errorf("%d refusals in the inviting client's trail, want 1", n)
	}
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "ana@x.example", Password: other}); err == nil {
		t.Error("the invitation set a password")
	}

	tokens, err := w.Accept(w.ctx, identity.Accept{Token: token, Name: "Ana de Verde", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	after, err = w.dir.PersonByEmail(t.Context(), "ana@x.example")
	if err != nil || after.PasswordHash != before.PasswordHash || after.Name != before.Name || len(after.Memberships) != 2 {
		t.Errorf("person %+v, %v", after, err)
	}
	if p := w.claims(t, tokens).Principal; p.Client != verde {
		t.Errorf("principal %+v", p)
	}
	if n := count(w.trail(t, verde), events.TypeInvitationAccepted, ""); n != 1 {
		t.Errorf("%d acceptances by an existing login, want 1", n)
	}
	if n := count(w.platformTrail(t), events.TypeLoginCreated, `"method":"invitation"`); n != 1 {
		t.Errorf("%d logins made, want 1: that of azul", n)
	}
	for _, client := range []tenant.ID{azul, verde} {
		if count(w.trail(t, client), events.TypeLoginCreated, "") != 0 {
			t.Error("a client learns whether somebody had a login")
		}
	}
}

func TestTwoClientsInviteTheSameNewPersonAtOnce(t *testing.T) {
	w := newWorld(t)
	for round := range 20 {
		email := fmt.Sprintf("ana%d@x.example", round)
		tokens := []string{w.invite(t, azul, email), w.invite(t, verde, email)}
		var wg sync.WaitGroup
		for _, token := range tokens {
			wg.Go(func() {
				if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if p, err := w.dir.PersonByEmail(t.Context(), email); err != nil || len(p.Memberships) != 2 {
			t.Fatalf("person %+v, %v", p, err)
		}
	}
}

func TestInvitationRunsOutAndCanBeMadeAgain(t *testing.T) {
	w := newWorld(t)
	first := w.invite(t, azul, "ana@x.example")
	in := identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.StandardUser}
	_, err := w.Invite(w.ctx, azul, in)
	wantFault(t, err, fault.Conflict, "user_exists")

	w.clock.Advance(identity.InvitationLifetime + time.Second)
	_, err = w.Accept(w.ctx, identity.Accept{Token: first, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	again, err := w.Invite(w.ctx, azul, in)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.Accept(w.ctx, identity.Accept{Token: again.Invitation.Token, Password: good})
	if err != nil || w.claims(t, tokens).Principal.Role != tenant.StandardUser {
		t.Errorf("%+v, %v", tokens, err)
	}
	page, err := w.ListUsers(w.ctx, azul, identity.UserQuery{Limit: 100})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d users, %v, want the same one", len(page.Items), err)
	}
	_, err = w.Invite(w.ctx, azul, in)
	wantFault(t, err, fault.Conflict, "user_exists")
}

func TestInvitationsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	ok := identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.StandardUser}
	for name, change := range map[string]func(*identity.InviteInput){
		"global administrator": func(i *identity.InviteInput) { i.Role = tenant.GlobalAdmin },
		"no role":              func(i *identity.InviteInput) { i.Role = "" },
		"unknown role":         func(i *identity.InviteInput) { i.Role = "owner" },
		"no address":           func(i *identity.InviteInput) { i.Email = "ana" },
		"no name":              func(i *identity.InviteInput) { i.Name = "  " },
		"name too long":        func(i *identity.InviteInput) { i.Name = strings.Repeat("á", 121) },
		"control in the name":  func(i *identity.InviteInput) { i.Name = "Ana\r\nBcc: eve" },
		"invalid UTF-8":        func(i *identity.InviteInput) { i.Name = "\xff" },
		"unknown language":     func(i *identity.InviteInput) { i.Language = "fr" },
	} {
		in := ok
		change(&in)
		_, err := w.Invite(w.ctx, azul, in)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 {
			t.Errorf("%s: %v, want one invalid field", name, err)
		}
	}
	if n := len(w.trail(t, azul)); n != 0 {
		t.Errorf("%d events for nothing", n)
	}
}

func TestPasswordsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "anabeatriz.souza@x.example")
	for _, password := range []string{"", "short", "elevenchars", strings.Repeat("x", 12), "anabeatriz.souza@x.example", "AnaBeatriz.Souza", "abcdefghijklm",
		"passwordpassword", "password1234567", "123456789012", "qwertyuiopasdf", strings.Repeat("yz ", 50), "\xff\xfe234567890123", "Ana Beatriz Souza"} {
		_, err := w.Accept(w.ctx, identity.Accept{Token: token, Name: "Ana Beatriz Souza", Password: password})
		wantFault(t, err, fault.Invalid, "validation_failed")
		if err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
	// Composed and decomposed accents are the same password.
	if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: "cora\u00e7\u00e3o valente"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SignIn(w.ctx, identity.SignIn{Email: "anabeatriz.souza@x.example", Password: "corac\u0327a\u0303o valente"}); err != nil {
		t.Errorf("typed on another keyboard: %v", err)
	}
}

func TestTextThatIsNoInvitationIsRefused(t *testing.T) {
	w := newWorld(t)
	token := w.invite(t, azul, "ana@x.example")
	for _, text := range []string{"", "nin_", "nin_AAAA", token + "A", token[:len(token)-8], "nin_" + strings.Repeat("A", 1000), strings.Replace(token, "nin_", "nrt_", 1)} {
		_, err := w.Accept(w.ctx, identity.Accept{Token: text, Password: good})
		wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	}
	it, err := w.table.Query(t.Context(), azul, queryAll("invitation#"))
	if err != nil || len(it.Items) != 1 {
		t.Fatal(it, err)
	}
	if row := string(it.Items[0].Summary) + string(it.Items[0].Data); strings.Contains(row, identity.InvitationSecret(t, token)) {
		t.Errorf("the invitation's row holds its secret: %s", row)
	}
}

func TestMailCarriesTheInvitationAndTheAnswerDoesNot(t *testing.T) {
	for language, want := range map[string]string{"pt-BR": "Convite para Azul & <Filhos>", "en": "Invitation to Azul & <Filhos>"} {
		m := &mails{}
		w := newWorld(t, func(d *identity.Deps) { d.Mailer = m })
		out, err := w.Invite(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana %client <b>"},
			Role: tenant.StandardUser, Language: language, ClientName: "Azul & <Filhos>"})
		if err != nil {
			t.Fatal(err)
		}
		if out.Invitation.Token != "" || out.Invitation.URL != "" {
			t.Errorf("the answer holds the invitation: %+v", out.Invitation)
		}
		if len(m.sent) != 1 || m.sent[0].To != "ana@x.example" || m.sent[0].Subject != want {
			t.Fatalf("sent %+v", m.sent)
		}
		if strings.Contains(m.sent[0].HTML, "<b>") || strings.Contains(m.sent[0].HTML, "<Filhos>") || !strings.Contains(m.sent[0].Text, "Ana %client <b>") {
			t.Errorf("mail %+v", m.sent[0])
		}
		_, after, ok := strings.Cut(m.sent[0].Text, "https://agents.example/invitation#token=")
		token, _, _ := strings.Cut(after, "\n")
		if !ok || !strings.Contains(m.sent[0].HTML, token) {
			t.Fatalf("no address in %+v", m.sent[0])
		}
		if _, err := w.Accept(w.ctx, identity.Accept{Token: token, Password: good}); err != nil {
			t.Error(err)
		}
	}
}

func TestInvitationWhoseMailWasRefusedCanBeMadeAgain(t *testing.T) {
	m := &mails{err: errors.New("mailbox on fire")}
	w := newWorld(t, func(d *identity.Deps) { d.Mailer = m })
	in := identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.StandardUser}
	_, err := w.Invite(w.ctx, azul, in)
	wantFault(t, err, fault.Unavailable, "mail_failed")
	m.err = nil
	if _, err := w.Invite(w.ctx, azul, in); err != nil {
		t.Fatal(err)
	}
	if len(m.sent) != 1 {
		t.Errorf("%d mails, want 1", len(m.sent))
	}
	failed := 0
	for _, e := range w.trail(t, azul) {
		if e.Body.Type == events.TypeUserInvited && e.Body.Result == "failure" {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d failures in the trail, want 1", failed)
	}
}

func TestPreparedInvitationIsNothingUntilItIsCommitted(t *testing.T) {
	w := newWorld(t)
	p, err := w.PrepareInvitation(w.ctx, azul, identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.ClientAdmin})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(w.ctx, identity.Accept{Token: p.Invitation.Token, Password: good})
	wantFault(t, err, fault.Unauthenticated, "invalid_invitation")
	if err := w.table.Commit(w.ctx, azul, audit.Of(p.Events[0], p.Events[1:]...), p.Changes...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accept(w.ctx, identity.Accept{Token: p.Invitation.Token, Password: good}); err != nil {
		t.Error(err)
	}
}

// INVARIANT 12: what was taken back is not what a repetition is answered with.
func TestRepetitionOfAnInvitationWhoseMailWasRefused(t *testing.T) {
	m := &mails{err: errors.New("mailbox on fire")}
	w := newWorld(t, func(d *identity.Deps) {
		d.Mailer, d.Table = m, idempotency.Table(d.Table)
	})
	keeper := idempotency.NewKeeper(w.table, w.sys, []byte(strings.Repeat("s", 32)))
	in := identity.InviteInput{Contact: identity.Contact{Email: "ana@x.example", Name: "Ana"}, Role: tenant.StandardUser}
	invite := func() (bool, error) {
		p, kept, err := keeper.Begin(w.ctx, idempotency.Request{Partition: azul, Key: "key", Content: []byte("body"),
			Call: tenant.Call{Principal: tenant.Principal{Client: azul, User: "usr_1"}, Operation: "create-user"}})
		if err != nil || kept != nil {
			return kept != nil, err
		}
		p.RenderWith(func(any) (idempotency.Reply, error) { return idempotency.Reply{Status: 201, Body: []byte("{}")}, nil })
		_, err = w.Invite(idempotency.With(w.ctx, p), azul, in)
		return false, err
	}
	_, err := invite()
	wantFault(t, err, fault.Unavailable, "mail_failed")
	m.err = nil
	if kept, err := invite(); kept || err != nil {
		t.Fatalf("the repetition after the mail works: kept %v, %v", kept, err)
	}
	if kept, err := invite(); !kept || err != nil || len(m.sent) != 1 {
		t.Errorf("the repetition after the invitation: kept %v, %v, %d mails", kept, err, len(m.sent))
	}
}
