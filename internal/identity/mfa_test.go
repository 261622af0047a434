package identity_test

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

const ana = "ana@x.example"

// app is an authenticator app.
type app struct {
	w      *world
	secret string
}

// code returns the code of the present step, or of one that many steps away.
func (a app) code(t *testing.T, steps ...int) string {
	t.Helper()
	at := a.w.clock.Now()
	for _, s := range steps {
		at = at.Add(time.Duration(s) * 30 * time.Second)
	}
	code, err := totp.GenerateCode(a.secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// next moves the clock on by a step, as codes work once.
func (a app) next(t *testing.T) string {
	t.Helper()
	a.w.clock.Advance(30 * time.Second)
	return a.code(t)
}

// enrol gives the holder of the tokens a confirmed second factor.
func (w *world) enrol(t *testing.T, tokens identity.Tokens) (app, []string) {
	t.Helper()
	made, err := w.EnrolTOTP(w.as(t, tokens), good)
	if err != nil {
		t.Fatal(err)
	}
	a := app{w, made.Secret}
	codes, err := w.ConfirmTOTP(w.as(t, tokens), a.code(t))
	if err != nil {
		t.Fatal(err)
	}
	return a, codes
}

func (w *world) enter(code string) (identity.Tokens, error) {
	return w.SignIn(w.ctx, identity.SignIn{Email: ana, Password: good, Code: code})
}

// write writes a person as somebody who has the table can.
func (w *world) write(t *testing.T, p directory.Person) {
	t.Helper()
	e, err := audit.Happened(w.ctx, w.sys, azul, audit.Fact{Capability: "authentication", Type: events.TypeSecondFactorEnrolled,
		Target: audit.Target{Type: "person", ID: p.ID}, Change: events.SecondFactorEnrolled{Kind: "totp"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.table.Commit(t.Context(), azul, audit.Of(e), w.dir.UpdatePerson(p)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) person(t *testing.T) directory.Person {
	t.Helper()
	p, err := w.dir.PersonByEmail(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestASecondFactorIsEnrolledConfirmedAndAskedFor(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, ana, good)
	me := w.as(t, tokens)
	made, err := w.EnrolTOTP(me, good)
	if err != nil {
		t.Fatal(err)
	}
	uri, err := url.Parse(made.URI)
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != "/NowGo Agents:"+ana || uri.Query().Get("secret") != made.Secret ||
		uri.Query().Get("algorithm") != "SHA1" || uri.Query().Get("digits") != "6" || uri.Query().Get("period") != "30" || len(made.Secret) != 32 {
		t.Errorf("uri %s, %v", made.URI, err)
	}
	if _, err := w.enter(""); err != nil {
		t.Errorf("before it is confirmed: %v", err)
	}
	a := app{w, made.Secret}
	codes, err := w.ConfirmTOTP(me, " "+a.code(t)[:3]+" "+a.code(t)[3:])
	if err != nil || len(codes) != 10 {
		t.Fatalf("%d recovery codes, %v", len(codes), err)
	}
	if got, err := w.SecondFactor(me); err != nil || got != (identity.SecondFactor{TOTP: true, Left: 10}) {
		t.Errorf("second factor %+v, %v", got, err)
	}
	_, err = w.enter("")
	wantFault(t, err, fault.Unauthenticated, "second_factor_required")
	in, err := w.enter(a.next(t))
	if err != nil || w.claims(t, in).Principal.Restricted {
		t.Errorf("with a code: %v", err)
	}
	trail := w.trail(t, azul)
	for kind, change := range map[string]string{events.TypeSecondFactorEnrolled: `"totp"`, events.TypeSecondFactorConfirmed: `"codes":10`,
		events.TypeSessionStarted: `"factors":["pwd","otp"]`, events.TypeSessionRefused: `second_factor_required`} {
		if n := count(trail, kind, change); n != 1 {
			t.Errorf("%d %s with %s, want 1", n, kind, change)
		}
	}
	wantNoSecrets(t, trail, []string{ana}, append(codes, made.Secret, a.code(t), good))
	p := w.person(t)
	if kept := string(p.TOTP.Sealed) + strings.Join(p.Recovery, ""); strings.Contains(kept, made.Secret) || strings.Contains(kept, codes[0]) {
		t.Error("the table holds a secret in clear")
	}
}

// INVARIANT 6: a sealed secret is its person's alone.
func TestASecondFactorOfSomebodyElseDoesNotOpen(t *testing.T) {
	w := newWorld(t)
	a, _ := w.enrol(t, w.member(t, azul, ana, good))
	w.member(t, azul, "eve@x.example", good)
	eve, err := w.dir.PersonByEmail(t.Context(), "eve@x.example")
	if err != nil {
		t.Fatal(err)
	}
	eve.TOTP = w.person(t).TOTP // as if somebody could write the table
	w.write(t, eve)
	a.next(t)
	_, err = w.SignIn(w.ctx, identity.SignIn{Email: "eve@x.example", Password: good, Code: a.code(t)})
	wantFault(t, err, fault.Internal, "internal")
}

func TestTheQRCodeIsAPictureWithAMargin(t *testing.T) {
	w := newWorld(t)
	made, err := w.EnrolTOTP(w.as(t, w.member(t, azul, strings.Repeat("a", 64)+"@"+strings.Repeat("long-name.", 18)+"example", good)), good)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(made.QR))
	if err != nil {
		t.Fatal(err)
	}
	side := picture.Bounds().Dx()
	black := 0
	for x := range side {
		for y := range side {
			r, _, _, _ := picture.At(x, y).RGBA()
			if r == 0 {
				black++
			}
			if r == 0 && (x < 20 || y < 20 || x >= side-20 || y >= side-20) {
				t.Fatalf("the margin is black at %d, %d", x, y)
			}
		}
	}
	if black < side*side/10 || black > side*side*6/10 || len(made.QR) > 16<<10 {
		t.Errorf("%d of %d pixels are black, %d bytes", black, side*side, len(made.QR))
	}
}

func TestAttackCodeReplay(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, ana, good)
	a, _ := w.enrol(t, tokens)
	_, err := w.enter(a.code(t)) // it confirmed the factor
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	code := a.next(t)
	if _, err := w.enter(code); err != nil {
		t.Fatal(err)
	}
	_, err = w.enter(code)
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	_, err = w.enter(a.code(t, -1)) // older than one that worked
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	wantFault(t, w.RemoveTOTP(w.as(t, tokens), good, code), fault.Unauthenticated, "invalid_code")
	if n := count(w.trail(t, azul), events.TypeSessionRefused, "bad_code"); n != 3 {
		t.Errorf("%d refusals recorded, want 3", n)
	}
}

func TestAttackCodeOfAnotherStep(t *testing.T) {
	w := newWorld(t)
	a, _ := w.enrol(t, w.member(t, azul, ana, good))
	w.clock.Advance(10 * time.Minute)
	for _, steps := range []int{-20, -3, -2, 2, 3, 20} {
		_, err := w.enter(a.code(t, steps))
		wantFault(t, err, fault.Unauthenticated, "invalid_code")
	}
	for _, steps := range []int{-1, 1} {
		if _, err := w.enter(a.code(t, steps)); err != nil {
			t.Errorf("a clock that is %d step off: %v", steps, err)
		}
	}
	for _, code := range []string{"0", "12345", "1234567", strings.Repeat("1", 1<<10), "١٢٣٤٥٦", "\x00", "a", a.code(t, 2) + "0"} {
		_, err := w.enter(code)
		wantFault(t, err, fault.Unauthenticated, "invalid_code")
	}
}

func TestAttackRaceOfTwoWithOneCode(t *testing.T) {
	for name, pick := range map[string]func(app, []string) string{"code": func(a app, _ []string) string { return a.next(t) },
		"recovery code": func(_ app, codes []string) string { return codes[3] }} {
		w := newWorld(t)
		a, codes := w.enrol(t, w.member(t, azul, ana, good))
		code := pick(a, codes)
		var mu sync.Mutex
		var in int
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := w.enter(code)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					in++
				} else if !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if in != 1 {
			t.Errorf("%s: %d got in, want 1", name, in)
		}
	}
}

func TestAttackRecoveryCodeReuse(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, ana, good)
	var sent mails
	w.Mailer = &sent
	_, codes := w.enrol(t, tokens)
	if _, err := w.enter(strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))); err != nil {
		t.Fatal(err)
	}
	_, err := w.enter(codes[0])
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	trail := w.trail(t, azul)
	if count(trail, events.TypeRecoveryCodeUsed, `"left":9`) != 1 || count(trail, events.TypeSessionStarted, `"factors":["pwd","recovery"]`) != 1 {
		t.Errorf("trail %+v", trail)
	}
	if got, err := w.SecondFactor(w.as(t, tokens)); err != nil || got.Left != 9 {
		t.Errorf("%+v, %v", got, err)
	}
	renewed, err := w.RenewRecoveryCodes(w.as(t, tokens), good, codes[1])
	if err != nil || len(renewed) != 10 {
		t.Fatal(err)
	}
	_, err = w.enter(codes[2])
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	if _, err := w.enter(renewed[2]); err != nil {
		t.Error(err)
	}
	if len(sent.sent) != 4 { // enabled, used, renewed, used
		t.Errorf("%d mails", len(sent.sent))
	}
	for _, m := range sent.sent {
		if strings.Contains(m.Text+m.HTML, codes[0]) || strings.Contains(m.Text+m.HTML, renewed[2]) {
			t.Error("a mail holds a code")
		}
	}
	wantNoSecrets(t, w.trail(t, azul), []string{ana}, append(codes, renewed...))
}

func TestAttackEnrolmentWithoutThePassword(t *testing.T) {
	w := newWorld(t)
	me := w.as(t, w.member(t, azul, ana, good))
	for _, password := range []string{"", other, strings.Repeat("x", 1<<16), "\xff"} {
		_, err := w.EnrolTOTP(me, password)
		wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	}
	if w.person(t).TOTP != nil {
		t.Error("it was enrolled")
	}
	if n := count(w.trail(t, azul), events.TypeSecondFactorRefused, "bad_credentials"); n != 4 {
		t.Errorf("%d refusals recorded, want 4", n)
	}
	_, err := w.ConfirmTOTP(me, "123456")
	wantFault(t, err, fault.Conflict, "second_factor_not_enrolled")
	_, err = w.EnrolTOTP(w.ctx, good)
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
}

func TestAttackRemovalWithAStolenSession(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, ana, good)
	me := w.as(t, tokens)
	wantFault(t, w.RemoveTOTP(me, good, "123456"), fault.Conflict, "second_factor_not_enrolled")
	a, codes := w.enrol(t, tokens)
	code := a.next(t)
	wantFault(t, w.RemoveTOTP(me, other, code), fault.Unauthenticated, "invalid_credentials")
	wantFault(t, w.RemoveTOTP(me, good, "000000"), fault.Unauthenticated, "invalid_code")
	_, err := w.RenewRecoveryCodes(me, other, code)
	wantFault(t, err, fault.Unauthenticated, "invalid_credentials")
	_, err = w.RenewRecoveryCodes(me, good, "")
	wantFault(t, err, fault.Unauthenticated, "invalid_code")
	_, err = w.EnrolTOTP(me, good)
	wantFault(t, err, fault.Conflict, "second_factor_enrolled")
	_, err = w.ConfirmTOTP(me, code)
	wantFault(t, err, fault.Conflict, "second_factor_enrolled")
	if p := w.person(t); !p.HasFactor() || len(p.Recovery) != 10 {
		t.Fatal("the factor is gone")
	}
	if err := w.RemoveTOTP(me, good, code); err != nil {
		t.Fatal(err)
	}
	if p := w.person(t); p.TOTP != nil || len(p.Recovery) != 0 {
		t.Error("something of the factor is left")
	}
	if _, err := w.enter(""); err != nil {
		t.Error(err)
	}
	trail := w.trail(t, azul)
	if count(trail, events.TypeSecondFactorRefused, "bad_credentials") != 2 || count(trail, events.TypeSecondFactorRefused, "bad_code") != 2 ||
		count(trail, events.TypeSecondFactorRemoved, "totp") != 1 {
		t.Errorf("trail %+v", trail)
	}
	wantNoSecrets(t, trail, nil, append(codes, code))
}

// The user's login went, and somebody else has the address now: the session is not theirs.
func TestAttackALoginThatIsSomebodyElsesByNow(t *testing.T) {
	w := newWorld(t)
	me := w.as(t, w.member(t, azul, ana, good))
	p := w.person(t)
	p.ID = "per_somebodyelse"
	w.write(t, p)
	_, err := w.EnrolTOTP(me, good)
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
	_, err = w.SecondFactor(me)
	wantFault(t, err, fault.Unauthenticated, "unauthenticated")
}

func TestAttackMachinesAndAssumedSessionsHaveNoSecondFactor(t *testing.T) {
	w := newWorld(t)
	tokens := w.member(t, azul, ana, good)
	p := w.claims(t, tokens).Principal
	assumed, machine, sessionless := p, p, p
	assumed.Assumed, machine.User, sessionless.Session = true, "key_abc", ""
	for _, p := range []tenant.Principal{assumed, machine, sessionless} {
		ctx := tenant.WithCall(w.ctx, tenant.Call{Principal: p})
		_, enrol := w.EnrolTOTP(ctx, good)
		_, confirm := w.ConfirmTOTP(ctx, "123456")
		_, renew := w.RenewRecoveryCodes(ctx, good, "123456")
		_, get := w.SecondFactor(ctx)
		for _, err := range []error{enrol, confirm, renew, get, w.RemoveTOTP(ctx, good, "123456")} {
			wantFault(t, err, fault.Forbidden, "people_only")
		}
	}
}

func TestAttackBruteForceOfCodes(t *testing.T) {
	w := newWorld(t, func(d *identity.Deps) {
		d.Meter = memory.NewMeter(d.System, 1000)
		d.Wait = func(context.Context, time.Duration) error { return nil }
	})
	a, _ := w.enrol(t, w.member(t, azul, ana, good))
	w.clock.Advance(2 * time.Hour)
	tried, slowed := 0, 0
	var wait time.Duration
	for range 200 { // at once: the password is right each time, and must not end what wrong codes have begun
		_, err := w.enter("000000")
		var f *fault.Error
		switch {
		case !errors.As(err, &f):
			t.Fatal("a guess was right")
		case f.Code == "invalid_code":
			tried++
		case f.Code == "too_many_attempts":
			slowed, wait = slowed+1, max(wait, f.RetryAfter)
		default:
			t.Fatal(err)
		}
	}
	if tried > 10 || slowed < 190 || wait < time.Second {
		t.Errorf("%d codes were looked at, %d refused, %s at most", tried, slowed, wait)
	}
	if n := count(w.trail(t, azul), events.TypeSessionRefused, "bad_code"); n != tried {
		t.Errorf("%d of %d wrong codes are recorded", n, tried)
	}
	if n := count(w.platformTrail(t), events.TypeSessionRefused, "too_many_attempts"); n == 0 {
		t.Error("that it was slowed is not recorded")
	}
	elsewhere := tenant.CallFrom(w.ctx)
	elsewhere.Address = "198.51.100.7"
	if _, err := w.SignIn(tenant.WithCall(w.ctx, elsewhere), identity.SignIn{Email: ana, Password: good, Code: a.code(t)}); err != nil {
		t.Errorf("the person is locked out: %v", err)
	}
}
