package identity_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const third = "terceira frase bem comprida"

// forgetful is a world whose mails take time on the test's clock, and whose waits do too.
type forgetful struct {
	*world
	slow    time.Duration // of the mail server
	work    *workRecorder
	refused int
}

func newForgetful(t *testing.T) *forgetful {
	t.Helper()
	f := &forgetful{work: &workRecorder{}}
	f.world = newWorld(t, metered, func(d *identity.Deps) {
		f.work.Table = d.Table
		d.Table, d.Directory = f.work, directory.New(f.work)
		d.Wait = func(ctx context.Context, d time.Duration) error {
			f.clock.Advance(max(d, 0))
			return ctx.Err()
		}
		d.Refused = func(context.Context, error) { f.refused++ }
		d.ClientName = func(context.Context, tenant.ID) (string, string, error) {
			return "Confecções São João", "pt-BR", nil
		}
		d.Mailer = f
	})
	return f
}

func (f *forgetful) Send(ctx context.Context, m mail.Message) error {
	f.clock.Advance(f.slow)
	return f.mails.Send(ctx, m)
}

// joined makes a member although invitations are mailed, and forgets the mail.
func (f *forgetful) joined(t *testing.T, client tenant.ID, email, password string) identity.Tokens {
	t.Helper()
	if _, err := f.Invite(f.ctx, client, identity.InviteInput{Contact: identity.Contact{Email: email, Name: "Ana"},
		Role: tenant.AgentManager}); err != nil {
		t.Fatal(err)
	}
	tokens, err := f.Accept(f.ctx, identity.Accept{Token: f.link(t, "/invitation"), Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// link returns the token of the only mail, and forgets it.
func (f *forgetful) link(t *testing.T, path string) string {
	t.Helper()
	f.mails.mu.Lock()
	defer f.mails.mu.Unlock()
	if len(f.mails.sent) != 1 {
		t.Fatalf("%d mails, want 1", len(f.mails.sent))
	}
	_, rest, ok := strings.Cut(f.mails.sent[0].Text, "https://agents.example"+path+"#token=")
	if !ok {
		t.Fatalf("no link: %s", f.mails.sent[0].Text)
	}
	f.mails.sent = nil
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

// forget asks for a link and returns its token.
func (f *forgetful) forget(t *testing.T, email string) string {
	t.Helper()
	if err := f.ForgotPassword(f.ctx, identity.Forgot{Email: email}); err != nil {
		t.Fatal(err)
	}
	return f.link(t, "/reset")
}

func (f *forgetful) subjects() (all []string) {
	f.mails.mu.Lock()
	defer f.mails.mu.Unlock()
	for _, m := range f.mails.sent {
		all = append(all, m.To+": "+m.Subject)
	}
	return all
}

// workRecorder notes what is asked of the table, without what tells one login from another.
type workRecorder struct {
	store.Table
	mu   sync.Mutex
	done []string
}

func (w *workRecorder) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, fmt.Sprintf(format, args...))
}

func (w *workRecorder) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.done = nil }()
	return w.done
}

func kindOf(partition tenant.ID) string {
	kind, _, _ := strings.Cut(string(partition), "#")
	return kind
}

func (w *workRecorder) Get(ctx context.Context, client tenant.ID, sk string) (store.Item, error) {
	w.note("get %s", kindOf(client))
	return w.Table.Get(ctx, client, sk)
}

func (w *workRecorder) BatchGet(ctx context.Context, client tenant.ID, sks []string) ([]store.Item, error) {
	w.note("batch %s %d", kindOf(client), len(sks))
	return w.Table.BatchGet(ctx, client, sks)
}

func (w *workRecorder) Query(ctx context.Context, client tenant.ID, q store.Query) (store.Page, error) {
	w.note("query %s", kindOf(client))
	return w.Table.Query(ctx, client, q)
}

func (w *workRecorder) Commit(ctx context.Context, client tenant.ID, record audit.Record, changes ...store.Change) error {
	all, err := record.Events()
	if err != nil {
		return err
	}
	note := fmt.Sprintf("commit %s events %d", kindOf(client), len(all))
	for _, c := range changes {
		note += fmt.Sprintf(" %d in %s of %d bytes", c.Op, kindOf(c.Partition), c.Item.Size())
	}
	w.note("%s", note)
	return w.Table.Commit(ctx, client, record, changes...)
}

func TestAttackEnumerationByForgottenPasswords(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	f.joined(t, azul, "rui@x.example", good)
	f.joined(t, verde, "rui@x.example", good)
	f.slow = 700 * time.Millisecond
	var want []string
	for _, email := range []string{"nobody@x.example", "ana@x.example", "RUI@x.example", "nobody.else@x.example"} {
		f.work.take()
		began := f.clock.Now()
		if err := f.ForgotPassword(f.ctx, identity.Forgot{Email: email}); err != nil {
			t.Errorf("%s: %v", email, err)
		}
		if took := f.clock.Now().Sub(began); took != identity.ForgotTime {
			t.Errorf("%s: answered after %v, want %v", email, took, identity.ForgotTime)
		}
		work := f.work.take()
		if want == nil {
			want = work
		}
		if !slices.Equal(work, want) || len(work) != 2 {
			t.Errorf("%s: the work was %q, want %q", email, work, want)
		}
	}
	if got := f.subjects(); len(got) != 2 || !strings.HasPrefix(got[0], "ana@") || !strings.HasPrefix(got[1], "rui@") {
		t.Errorf("mails: %q", got)
	}
	trail := f.platformTrail(t)
	if count(trail, events.TypePasswordResetRequested, "") != 4 {
		t.Error("not every request is recorded")
	}
	wantNoSecrets(t, trail, []string{"x.example", "203.0.113.9"}, nil)
}

func TestAResetLinkWorksOnce(t *testing.T) {
	f := newForgetful(t)
	tokens := f.joined(t, azul, "ana@x.example", good)
	elsewhere := f.joined(t, verde, "ana@x.example", good)
	link := f.forget(t, "ana@x.example")
	for _, bad := range []string{"short", "passwordpassword", "confeccoes sao joao 1", "ana@x.example"} {
		if err := f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: bad}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want Invalid", bad, err)
		}
	}
	if err := f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: other}); err != nil {
		t.Fatal(err)
	}
	if got := f.subjects(); len(got) != 1 || !strings.Contains(got[0], "alterada") {
		t.Errorf("mails: %q", got)
	}
	wantFault(t, f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: third}), fault.Unauthenticated, "invalid_reset_token")
	for name, c := range map[string]struct {
		tokens identity.Tokens
		client tenant.ID
	}{"one client": {tokens, azul}, "another": {elsewhere, verde}} {
		_, err := f.Refresh(f.ctx, c.tokens.RefreshToken)
		wantFault(t, err, fault.Unauthenticated, "invalid_refresh_token")
		if n := count(f.trail(t, c.client), events.TypeSessionEnded, "password_reset"); n != 1 {
			t.Errorf("%s: %d session.ended, want 1", name, n)
		}
	}
	for password, right := range map[string]bool{good: false, third: false, other: true} {
		_, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: password, Client: azul})
		if (err == nil) != right {
			t.Errorf("%q: %v", password, err)
		}
	}
	trail := f.platformTrail(t)
	if n := count(trail, events.TypePasswordReset, ""); n != 1 {
		t.Errorf("%d password.reset, want 1", n)
	}
	secret := identity.ResetSecret(t, link)
	wantNoSecrets(t, trail, []string{"x.example"}, []string{link, secret, other})
}

func TestTheSecretOfALinkIsNotStored(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	secret := identity.ResetSecret(t, f.forget(t, "ana@x.example"))
	login, err := f.dir.Login(t.Context(), directory.LoginOf("ana@x.example"))
	if err != nil || login.Reset.Version == 0 || login.Reset.SecretHash == "" || strings.Contains(login.Reset.SecretHash+login.Reset.ID, secret) {
		t.Errorf("%+v, %v", login.Reset, err)
	}
}

func TestAttackResetTokens(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	f.joined(t, azul, "eve@x.example", good)
	ana, eve := f.forget(t, "ana@x.example"), f.forget(t, "eve@x.example")
	forged := identity.ForgeResetTokens(eve, ana)
	if len(forged) < 6 {
		t.Fatalf("forged %v", forged)
	}
	try := func(name, token string) {
		t.Helper()
		f.clock.Advance(20 * time.Minute) // the pause after earlier failures, which are another test's
		err := f.ResetPassword(f.ctx, identity.Reset{Token: token, Password: other})
		if !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v, want Unauthenticated", name, err)
		}
	}
	for name, token := range forged {
		f.refused = 0
		if err := f.ResetPassword(f.from(name), identity.Reset{Token: token, Password: other}); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v, want Unauthenticated", name, err)
		}
		if f.refused != 1 {
			t.Errorf("%s: %d refusals recorded, want 1", name, f.refused)
		}
	}
	newer := f.forget(t, "ana@x.example")
	try("a link that a newer one replaced", ana)
	f.clock.Advance(identity.ResetLifetime)
	try("an expired one", newer)
	try("of a login that there never was", identity.ForgeResetTokens(eve, ana)["no such login"])
	if _, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: good}); err != nil {
		t.Errorf("the password is another: %v", err)
	}
}

// from returns the context of a call from an address of its own.
func (f *forgetful) from(name string) context.Context {
	call := tenant.CallFrom(f.ctx)
	call.Address = fmt.Sprintf("198.51.100.%d", len(name))
	return tenant.WithCall(f.ctx, call)
}

func TestAttackRaceOfTwoWithOneResetLink(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	link := f.forget(t, "ana@x.example")
	passwords := []string{other, third}
	errs := make([]error, len(passwords))
	var wait sync.WaitGroup
	for i, p := range passwords {
		wait.Go(func() { errs[i] = f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: p}) })
	}
	wait.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("%v, %v: want one to win", errs[0], errs[1])
	}
	for i, p := range passwords {
		_, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: p})
		if (err == nil) != (errs[i] == nil) {
			t.Errorf("%q: reset %v, sign-in %v", p, errs[i], err)
		}
	}
}

func TestAttackGuessingResetTokensIsSlowedDown(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	link := f.forget(t, "ana@x.example")
	guess := identity.ForgeResetTokens(link, link)["another secret"]
	var last error
	for range 10 {
		last = f.ResetPassword(f.ctx, identity.Reset{Token: guess, Password: other})
	}
	wantFault(t, last, fault.RateLimited, "too_many_attempts")
	if err := f.ResetPassword(f.from("elsewhere"), identity.Reset{Token: link, Password: other}); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
}

func TestAttackFloodOfResetMails(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	ask := func(from, email string) {
		t.Helper()
		if err := f.ForgotPassword(f.from(from), identity.Forgot{Email: email}); err != nil {
			t.Error(err)
		}
	}
	for i := range 10 {
		ask(strings.Repeat("x", i+1), "ana@x.example") // each from elsewhere
	}
	if got := f.subjects(); len(got) != 3 {
		t.Errorf("%d mails to one address, want 3", len(got))
	}
	f.clock.Advance(21 * time.Minute)
	ask("", "ana@x.example")
	if got := f.subjects(); len(got) != 4 {
		t.Errorf("%d mails after a third of an hour, want 4", len(got))
	}
	f.work.take()
	for i := range 40 {
		ask("one network", fmt.Sprintf("p%d@x.example", i))
	}
	if work := f.work.take(); len(work) != 2*20 {
		t.Errorf("%d reads and writes, want those of 20 requests", len(work))
	}
}

func TestASecondFactorOutlivesAReset(t *testing.T) {
	f := newForgetful(t)
	tokens := f.joined(t, azul, "ana@x.example", good)
	device, _ := f.enrol(t, tokens)
	f.mails.sent = nil
	if err := f.ResetPassword(f.ctx, identity.Reset{Token: f.forget(t, "ana@x.example"), Password: other}); err != nil {
		t.Fatal(err)
	}
	in := identity.SignIn{Email: "ana@x.example", Password: other}
	_, err := f.SignIn(f.ctx, in)
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	in.Code = device.next(t)
	if _, err := f.SignIn(f.ctx, in); err != nil {
		t.Error(err)
	}
}

func TestASignInUnderWayDoesNotOutliveAReset(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	link := f.forget(t, "ana@x.example")
	var thief identity.Tokens
	f.hasher.verifying = func() { // the thief's password was right when it was looked at
		f.hasher.verifying = nil
		if err := f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: other}); err != nil {
			t.Error(err)
		}
	}
	thief, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: good})
	if err == nil {
		_, err = f.Refresh(f.ctx, thief.RefreshToken)
	}
	if !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("%v: the old password's session outlives the reset", err)
	}
}

func TestASignInUnderWayDoesNotOutliveAChangeInTheSameInstant(t *testing.T) {
	f := newForgetful(t)
	mine := f.as(t, f.joined(t, azul, "ana@x.example", good))
	change := func(from, to string) {
		t.Helper()
		if err := f.ChangePassword(mine, identity.PasswordChange{Current: from, New: to}); err != nil {
			t.Error(err)
		}
	}
	change(good, other)
	f.hasher.verifying = func() {
		f.hasher.verifying = nil
		change(other, third)
	}
	thief, err := f.SignIn(f.ctx, identity.SignIn{Email: "ana@x.example", Password: other})
	if err == nil {
		_, err = f.Refresh(f.ctx, thief.RefreshToken)
	}
	if !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("%v: the old password's session outlives the change", err)
	}
}

func TestALinkOfALoginThatIsGone(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	link := f.forget(t, "ana@x.example")
	person, err := f.dir.PersonByEmail(t.Context(), "ana@x.example")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.table.Commit(t.Context(), azul, testkit.Record(t.Context(), t, f.sys, azul), f.dir.DeletePerson(person)); err != nil {
		t.Fatal(err)
	}
	wantFault(t, f.ResetPassword(f.ctx, identity.Reset{Token: link, Password: other}), fault.Unauthenticated, "invalid_reset_token")
}

func TestWithoutMailThereIsNoReset(t *testing.T) {
	w := newWorld(t, metered, func(d *identity.Deps) {
		d.Wait = func(_ context.Context, d time.Duration) error { return fmt.Errorf("waited %v", d) }
	})
	w.member(t, azul, "ana@x.example", good)
	if err := w.ForgotPassword(w.ctx, identity.Forgot{Email: "ana@x.example"}); err != nil {
		t.Error(err)
	}
	trail := w.platformTrail(t)
	if count(trail, events.TypePasswordResetRequested, "") != 1 || trail[0].Body.Result != "failure" {
		t.Errorf("trail %+v", trail)
	}
}

func TestAMailThatFailsChangesNoAnswer(t *testing.T) {
	f := newForgetful(t)
	f.joined(t, azul, "ana@x.example", good)
	f.mails.err = errors.New("no such server")
	if err := f.ForgotPassword(f.ctx, identity.Forgot{Email: "ana@x.example"}); err != nil {
		t.Error(err)
	}
	for _, email := range []string{"", "nobody", "ana@x.example\r\nBcc: eve@x.example", strings.Repeat("a", 300) + "@x.example"} {
		if err := f.ForgotPassword(f.ctx, identity.Forgot{Email: email}); err != nil {
			t.Errorf("%q: %v", email, err)
		}
	}
}
