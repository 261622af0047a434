// Package attacks tries the classic attacks on access tokens and on the headers around them, over HTTP against a deployment: each must be
// refused with the right status, change nothing, and be in a trail.
package attacks

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/journey"
)

const password = "um-segredo-bem-comprido-42"

type object = map[string]any

// Target is a deployment under attack.
type Target struct {
	journey.Deployment
	// Key is the deployment's signing key, which no attacker has: with it the tests make tokens that differ from good ones in one
	// thing alone.
	Key ed25519.PrivateKey
	// Gateway says that API Gateway asks the authorizer: whatever it refuses is answered `authentication_required`.
	Gateway bool
}

// Victim is a client with the good token of its administrator and of a standard user.
type Victim struct {
	ID          string
	Token, User string
	claims      object // of Token
	header      object // of Token
}

// Onboard makes a client to attack.
func Onboard(t *testing.T, d Target) Victim {
	t.Helper()
	root := d.As(t, d.As(t, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": d.AdminEmail, "password": d.AdminPassword}).Text("access_token"))
	slug := fmt.Sprintf("attacked-%x", time.Now().UnixNano())
	made := root.Must(201, "POST", "/v1/clients", object{"name": "Loja Azul", "slug": slug, "languages": []string{"pt-BR"},
		"administrator": object{"email": "ana@" + slug + ".example", "name": "Ana"}})
	accept := func(invitation, name string) string {
		return d.As(t, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": invitation, "name": name, "password": password}).Text("access_token")
	}
	v := Victim{ID: made.Text("id"), Token: accept(made.Text("invitation", "token"), "Ana")}
	invited := d.As(t, v.Token).Must(201, "POST", "/v1/users", object{"email": "rui@" + slug + ".example", "name": "Rui", "role": "standard_user"})
	v.User = accept(invited.Text("invitation", "token"), "Rui")
	parts := strings.Split(v.Token, ".")
	v.header, v.claims = decode(t, parts[0]), decode(t, parts[1])
	return v
}

func decode(t *testing.T, part string) object {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// text is the JSON of v. What the attacks are made of always has one.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// with returns o with members changed: name, value, name, value; nil removes.
func with(o object, members ...any) object {
	o = maps.Clone(o)
	for i := 0; i+1 < len(members); i += 2 {
		name := fmt.Sprint(members[i])
		if o[name] = members[i+1]; members[i+1] == nil {
			delete(o, name)
		}
	}
	return o
}

// sign makes a token of a header and claims as they are written.
func sign(key ed25519.PrivateKey, header, claims string) string {
	signed := b64(header) + "." + b64(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

// send makes a call with exactly these values of Authorization, and headers beside them: name, value, name, value.
func send(t *testing.T, d Target, method, path string, authorization []string, headers ...string) (int, object) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range authorization {
		req.Header.Add("Authorization", value)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		o = object{"body": string(body)}
	}
	return res.StatusCode, o
}

// refused fails unless the Authorization is answered 401 with the code or, behind the gateway, with the gateway's.
func refused(t *testing.T, d Target, code string, authorization ...string) {
	t.Helper()
	if d.Gateway {
		code = "authentication_required"
	}
	if status, body := send(t, d, "GET", "/v1/auth/me", authorization); status != http.StatusUnauthorized || body["code"] != code {
		t.Errorf("%d %v, want 401 %s", status, body, code)
	}
}

// admitted fails unless the Authorization is that of the user.
func admitted(t *testing.T, d Target, user any, authorization string) {
	t.Helper()
	if status, body := send(t, d, "GET", "/v1/auth/me", []string{authorization}); status != http.StatusOK || body["user_id"] != user {
		t.Errorf("%d %v, want %v", status, body, user)
	}
}
