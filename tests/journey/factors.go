package journey

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/nowgo/agents/internal/route"
)

// authenticator is somebody's app: it shows each code once, as the platform takes it.
type authenticator struct {
	t      testing.TB
	secret string
	last   int64 // step
}

// code returns the next code that is taken: of this step or, where that was used, of the one after it, for which it may have to wait.
func (a *authenticator) code() string {
	a.t.Helper()
	const period = 30
	step := max(a.last+1, time.Now().Unix()/period)
	for deadline := time.Now().Add(2 * period * time.Second); step > time.Now().Unix()/period+1; {
		if time.Now().After(deadline) {
			a.t.Fatal("time stands still")
		}
		<-time.After(200 * time.Millisecond)
	}
	code, err := totp.GenerateCode(a.secret, time.Unix(step*period, 0))
	if err != nil {
		a.t.Fatal(err)
	}
	a.last = step
	return code
}

// enrol gives the caller a confirmed second factor.
func enrol(t testing.TB, c *Caller) (*authenticator, []string) {
	t.Helper()
	made := c.Must(200, "POST", "/v1/auth/mfa/totp", object{"password": password})
	uri, err := url.Parse(made.Text("uri"))
	if err != nil || uri.Scheme != "otpauth" || uri.Query().Get("secret") != made.Text("secret") {
		t.Errorf("uri %s, %v", made.Text("uri"), err)
	}
	if png, err := base64.StdEncoding.DecodeString(made.Text("qr_png")); err != nil || !strings.HasPrefix(string(png), "\x89PNG\r\n") {
		t.Errorf("the QR code is no picture: %v", err)
	}
	a := &authenticator{t: t, secret: made.Text("secret")}
	var out struct {
		Codes []string `json:"recovery_codes"`
	}
	c.Must(200, "POST", "/v1/auth/mfa/totp/confirm", object{"code": a.code()}).Into(&out)
	if len(out.Codes) != 10 {
		t.Fatalf("recovery codes %q", out.Codes)
	}
	return a, out.Codes
}

// Factors is a person's second factor, and a client that asks for one.
func Factors(t *testing.T, d Deployment) {
	c := onboard(t, d, "Loja dos Fatores", unique("factors"))
	t.Run("a person enrols a second factor and signs in with it", func(t *testing.T) { ownFactor(t, c) })
	t.Run("a client asks it of a role", func(t *testing.T) { demandedFactor(t, c) })
}

func ownFactor(t *testing.T, c company) {
	rui := c.join(t, "Rui", "agent_manager")
	rui.t, c.admin.t = t, t
	nobody := c.d.As(t, "")
	if raw := string(rui.Must(200, "GET", "/v1/auth/mfa", nil).Raw); !strings.Contains(raw, `"totp":false`) {
		t.Errorf("before: %s", raw)
	}
	rui.Refused(401, "invalid_credentials", "POST", "/v1/auth/mfa/totp", object{"password": "not-the-password-1"})
	rui.Refused(409, "second_factor_not_enrolled", "POST", "/v1/auth/mfa/totp/confirm", object{"code": "123456"})
	a, codes := enrol(t, rui.Caller)
	rui.Refused(409, "second_factor_enrolled", "POST", "/v1/auth/mfa/totp", object{"password": password})

	in := object{"email": rui.email, "password": password}
	nobody.Refused(401, "second_factor_required", "POST", "/v1/auth/sign-in", in)
	nobody.Refused(401, "invalid_credentials", "POST", "/v1/auth/sign-in", object{"email": rui.email, "password": "not-the-password-1", "code": "123456"})
	in["code"] = a.code()
	session := nobody.Must(200, "POST", "/v1/auth/sign-in", in)
	nobody.Refused(401, "invalid_code", "POST", "/v1/auth/sign-in", in) // works once
	in["code"] = codes[0]
	nobody.Must(200, "POST", "/v1/auth/sign-in", in)
	nobody.Refused(401, "invalid_code", "POST", "/v1/auth/sign-in", in)
	me := c.d.As(t, session.Text("access_token"))
	if raw := string(me.Must(200, "GET", "/v1/auth/mfa", nil).Raw); !strings.Contains(raw, `"totp":true`) || !strings.Contains(raw, `"recovery_codes_left":9`) {
		t.Errorf("after: %s", raw)
	}
	me.Refused(401, "invalid_credentials", "POST", "/v1/auth/mfa/recovery-codes", object{"password": "not-the-password-1", "code": codes[1]})
	me.Must(200, "POST", "/v1/auth/mfa/recovery-codes", object{"password": password, "code": codes[1]})
	me.Refused(401, "invalid_code", "POST", "/v1/auth/mfa/totp/remove", object{"password": password, "code": codes[2]}) // renewed since
	me.Must(204, "POST", "/v1/auth/mfa/totp/remove", object{"password": password, "code": a.code()})
	delete(in, "code")
	nobody.Must(200, "POST", "/v1/auth/sign-in", in)

	raw := string(c.admin.Must(200, "GET", "/v1/audit-events?limit=100", nil).Raw)
	for _, kind := range []string{"second_factor.enrolled", "second_factor.confirmed", "second_factor.refused", "recovery_code.used",
		"recovery_codes.renewed", "second_factor.removed"} {
		if !strings.Contains(raw, `"`+kind+`"`) {
			t.Errorf("no %s in the trail", kind)
		}
	}
	for _, secret := range append(codes, a.secret) {
		if strings.Contains(raw, secret) {
			t.Errorf("the trail holds %.6s…", secret)
		}
	}
}

// demand sets the roles of which the client asks a second factor.
func (c company) demand(roles ...string) {
	c.admin.t.Helper()
	got := c.admin.Must(200, "GET", "/v1/client/settings", nil)
	var settings object
	got.Into(&settings)
	delete(settings, "updated_at")
	settings["second_factor_roles"] = append([]string{}, roles...)
	c.admin.Must(200, "PUT", "/v1/client/settings", settings, "If-Match", got.Header.Get("ETag"))
}

func demandedFactor(t *testing.T, c company) {
	c.admin.t = t
	nobody := c.d.As(t, "")
	before := c.join(t, "Bia", "standard_user")
	session := nobody.Must(200, "POST", "/v1/auth/sign-in", object{"email": before.email, "password": password})
	c.demand("standard_user")
	made := c.admin.Must(201, "POST", "/v1/users", object{"email": "leo@" + unique("factors") + ".example", "name": "Leo", "role": "standard_user"})
	accepted := nobody.Must(200, "POST", "/v1/auth/invitations/accept",
		object{"token": made.Text("invitation", "token"), "name": "Leo", "password": password})
	leo := c.d.As(t, accepted.Text("access_token"))
	leo.Must(200, "GET", "/v1/auth/me", nil)
	if raw := string(leo.Must(200, "GET", "/v1/auth/mfa", nil).Raw); !strings.Contains(raw, `"required":true`) {
		t.Errorf("demanded: %s", raw)
	}
	t.Run("a restricted session may do nothing else", func(t *testing.T) { nothingElse(t, leo) })
	enrol(t, leo)
	refreshed := nobody.Must(200, "POST", "/v1/auth/refresh", object{"refresh_token": accepted.Text("refresh_token")})
	c.d.As(t, refreshed.Text("access_token")).Must(200, "GET", "/v1/agents", nil)
	leo.Refused(403, "forbidden", "GET", "/v1/agents", nil) // the token from before stays what it was

	// Who was signed in before the demand is restricted from the next refresh on, and free again when it is taken back.
	next := nobody.Must(200, "POST", "/v1/auth/refresh", object{"refresh_token": session.Text("refresh_token")})
	c.d.As(t, next.Text("access_token")).Refused(403, "forbidden", "GET", "/v1/agents", nil)
	c.demand()
	next = nobody.Must(200, "POST", "/v1/auth/refresh", object{"refresh_token": next.Text("refresh_token")})
	c.d.As(t, next.Text("access_token")).Must(200, "GET", "/v1/agents", nil)
}

// nothingElse tries every operation that takes a credential, as whoever may only enrol.
func nothingElse(t *testing.T, restricted *Caller) {
	caller := *restricted
	caller.t = t
	allowed := []string{"get-me", "sign-out", "get-mfa", "enrol-totp", "confirm-totp"}
	tried := 0
	for _, o := range route.Operations() {
		if o.Public || slices.Contains(allowed, o.ID) {
			continue
		}
		var path []string
		for _, part := range strings.Split(o.Path, "/") {
			if strings.HasPrefix(part, "{") {
				part = "x"
			}
			path = append(path, part)
		}
		var body any
		if o.Method != "GET" && o.Method != "DELETE" {
			body = json.RawMessage("{}")
		}
		caller.Refused(403, "forbidden", o.Method, strings.Join(path, "/"), body)
		tried++
	}
	if tried < 40 {
		t.Errorf("only %d operations were tried", tried)
	}
}
