package attacks

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Tokens attacks with tokens. It returns how many were sent that prove nothing of who sends them.
func Tokens(t *testing.T, d Target, v Victim) (sent int) {
	admitted(t, d, v.claims["sub"], "Bearer "+sign(d.Key, text(v.header), text(v.claims))) // the tests' own tokens are good
	for name, token := range forged(t, d, v) {
		sent++
		t.Run(name, func(t *testing.T) { refused(t, d, "invalid_token", "Bearer "+token) })
	}
	for name, token := range keyLike() {
		sent++
		t.Run(name, func(t *testing.T) { refused(t, d, "invalid_api_key", "Bearer "+token) })
	}
	t.Run("times", func(t *testing.T) { times(t, d, v) })
	t.Run("a flood of key ids", func(t *testing.T) { sent += flood(t, d, v) })
	t.Run("a token that is too large", func(t *testing.T) {
		for _, size := range []int{9 << 10, 20 << 10, 100 << 10} {
			status, _ := send(t, d, "GET", "/v1/auth/me", []string{"Bearer " + sign(d.Key, text(v.header), text(with(v.claims, "x", strings.Repeat("x", size))))})
			if status < 400 || status >= 500 {
				t.Errorf("%d bytes: status %d", size, status)
			}
		}
		sent++ // the smallest; the others do not get past the server's limit of headers
	})
	t.Run("the good token still is", func(t *testing.T) { admitted(t, d, v.claims["sub"], "Bearer "+v.Token) })
	return sent
}

// forged are tokens that prove nothing, by what is wrong with them.
func forged(t *testing.T, d Target, v Victim) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, group := range []map[string]string{algorithms(d, v), embedded(t, d, v), kids(d, v), twice(d, v), said(d, v), written(v)} {
		for name, token := range group {
			all[name] = token
		}
	}
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	all["signed by a stranger"] = sign(stranger, text(v.header), text(v.claims))
	all["of another environment"] = sign(stranger, text(with(v.header, "kid", thumbprint(stranger))), text(v.claims))
	return all
}

func thumbprint(key ed25519.PrivateKey) string {
	x, _ := key.Public().(ed25519.PublicKey)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(x) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// algorithms are other algorithms than the key's: none in every spelling, and the public key as the secret of a MAC.
func algorithms(d Target, v Victim) map[string]string {
	all := map[string]string{}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", "", "null"} {
		header := text(with(v.header, "alg", alg))
		all[fmt.Sprintf("alg %q without a signature", alg)] = b64(header) + "." + b64(text(v.claims)) + "."
		all[fmt.Sprintf("alg %q with a signature", alg)] = sign(d.Key, header, text(v.claims))
	}
	for _, alg := range []any{"Ed25519", "Ed448", "ES256", "RS256", "PS256", "eddsa", 1, nil, []string{"EdDSA"}} {
		all["alg "+text(alg)] = sign(d.Key, text(with(v.header, "alg", alg)), text(v.claims))
	}
	public, _ := d.Key.Public().(ed25519.PublicKey)
	x := base64.RawURLEncoding.EncodeToString(public)
	for name, secret := range map[string][]byte{
		"the raw key": public, "its text": []byte(x), "its JWK": []byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`),
		"its PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: append([]byte("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"), public...)}),
		"nothing": {},
	} {
		for _, alg := range []string{"HS256", "HS384", "EdDSA"} {
			signed := b64(text(with(v.header, "alg", alg))) + "." + b64(text(v.claims))
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(signed))
			all["key confusion: "+alg+" with "+name] = signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
	}
	return all
}

// embedded are tokens that bring their key along, or say where it is.
func embedded(t *testing.T, d Target, v Victim) map[string]string {
	t.Helper()
	public, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := object{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": v.header["kid"], "x": base64.RawURLEncoding.EncodeToString(public)}
	all := map[string]string{}
	for name, member := range map[string]any{"jwk": jwk, "jku": "https://evil.example/jwks.json", "x5u": "https://evil.example/cert.pem",
		"x5c": []string{"AAAA"}, "x5t": "AAAA", "crit": []string{"exp"}, "b64": false, "zip": "DEF", "cty": "JWT", "url": "https://evil.example"} {
		header := text(with(v.header, name, member))
		all["header "+name] = sign(d.Key, header, text(v.claims))
		all["header "+name+", signed with that key"] = sign(stranger, header, text(v.claims))
	}
	all["header jwk, without a kid"] = sign(stranger, text(with(v.header, "jwk", jwk, "kid", nil)), text(v.claims))
	return all
}

// kids are key ids that lead elsewhere.
func kids(d Target, v Victim) map[string]string {
	all := map[string]string{}
	for _, kid := range []any{"", nil, 7, true, []string{"a"}, "../../../../dev/null", "..%2f..%2fetc%2fpasswd", "/proc/self/environ",
		"' OR '1'='1", "x' UNION SELECT 'key' --", "key\x00", "\x00", "$(id)", "| id", "http://evil.example/key", strings.Repeat("k", 5000),
		strings.Repeat("A", 43), strings.Repeat("é", 43)} {
		all[fmt.Sprintf("kid %.40q", text(kid))] = sign(d.Key, text(with(v.header, "kid", kid)), text(v.claims))
	}
	return all
}

// twice are tokens with a member twice: one reading of them is good.
func twice(d Target, v Victim) map[string]string {
	all := map[string]string{}
	header, claims := text(v.header), text(v.claims)
	for name, member := range map[string]string{"role": `"role":"global_admin"`, "client_id": `"client_id":"cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"`,
		"sub": `"sub":"usr_aaaaaaaaaaaaaaaaaaaaaaaaaa"`, "exp": `"exp":99999999999`, "an escaped role": `"\u0072ole":"global_admin"`} {
		all["the claim "+name+" twice, another first"] = sign(d.Key, header, "{"+member+","+strings.TrimPrefix(claims, "{"))
		all["the claim "+name+" twice, another last"] = sign(d.Key, header, strings.TrimSuffix(claims, "}")+","+member+"}")
	}
	for name, member := range map[string]string{"alg": `"alg":"none"`, "kid": `"kid":"x"`, "typ": `"typ":"JWT"`} {
		all["the header's "+name+" twice, another first"] = sign(d.Key, "{"+member+","+strings.TrimPrefix(header, "{"), claims)
		all["the header's "+name+" twice, another last"] = sign(d.Key, strings.TrimSuffix(header, "}")+","+member+"}", claims)
	}
	return all
}

// said are tokens of the right key that say what none of ours says.
func said(d Target, v Victim) map[string]string {
	all := map[string]string{}
	claims := func(name string, members ...any) {
		all[name] = sign(d.Key, text(v.header), text(with(v.claims, members...)))
	}
	claims("another issuer", "iss", "https://evil.example")
	claims("no issuer", "iss", nil)
	claims("another audience", "aud", []string{"other-api"})
	claims("another audience beside ours", "aud", []any{"nowgo-api", "other-api"})
	claims("no audience", "aud", nil)
	claims("no end", "exp", nil)
	claims("an end years away", "exp", time.Now().Add(24*365*time.Hour).Unix())
	claims("an end beyond numbers", "exp", 1e300)
	claims("an end that is a text", "exp", "2099-01-01")
	claims("no id", "jti", nil)
	claims("no session", "sid", nil)
	claims("another role", "role", "owner")
	claims("a global administrator in a client", "role", "global_admin")
	claims("no client", "client_id", nil)
	claims("a platform partition as client", "client_id", "$platform#0")
	claims("assumed by nobody", "assumed", true)
	claims("an actor who assumes nothing", "act", object{"sub": "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa"})
	for _, typ := range []any{"JWT", "at+JWT", "application/at+jwt", "nowgo-erasure-certificate", "", nil} {
		all["typ "+text(typ)] = sign(d.Key, text(with(v.header, "typ", typ)), text(v.claims))
	}
	all["an id token"] = sign(d.Key, text(with(v.header, "typ", "JWT")), text(with(v.claims, "aud", v.ID, "nonce", "n", "email", "ana@example.com")))
	all["claims that are an array"] = sign(d.Key, text(v.header), "["+text(v.claims)+"]")
	all["no claims"] = sign(d.Key, text(v.header), "{}")
	return all
}

// written are a good token in other writings: one flipped bit, a part less, and second encodings of the same bytes.
func written(v Victim) map[string]string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	parts := strings.Split(v.Token, ".")
	header, claims, signature := parts[0], parts[1], parts[2]
	last := strings.IndexByte(alphabet, signature[len(signature)-1])
	all := map[string]string{
		"truncated": v.Token[:len(v.Token)-8], "without its signature": header + "." + claims + ".", "of two parts": header + "." + claims,
		"of four parts": v.Token + ".AAAA", "of five parts, as if encrypted": v.Token + ".AAAA.AAAA", "with padding": v.Token + "==",
		"with a dot at the end": v.Token + ".", "in the other alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(v.Token) + "+/",
		"with the last bits set": v.Token[:len(v.Token)-1] + string(alphabet[(last&^15)|(last+1)&15]),
		"with a space inside":    header + ". " + claims + "." + signature,
		"as JSON":                `{"payload":"` + claims + `","protected":"` + header + `","signature":"` + signature + `"}`,
		"twice":                  v.Token + " " + v.Token, "with a comma": v.Token + "," + v.Token, "not a token": "nonsense", "dots": "..",
		"the claims of a global administrator under the old signature": header + "." + b64(text(with(v.claims, "role", "global_admin", "client_id", nil))) + "." + signature,
	}
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return all
	}
	for _, bit := range []int{0, 7, 255, 256, 509, 511} { // of R and of S (RFC 8032 §5.1.6)
		flipped := append([]byte{}, raw...)
		flipped[bit/8] ^= 1 << (bit % 8)
		all[fmt.Sprintf("with bit %d of its signature flipped", bit)] = header + "." + claims + "." + base64.RawURLEncoding.EncodeToString(flipped)
	}
	return all
}

// keyLike are credentials that begin as API keys do.
func keyLike() map[string]string {
	return map[string]string{"a key's prefix alone": "nowgo_", "an invented key": "nowgo_" + strings.Repeat("a", 60),
		"an invented key with a path": "nowgo_../../x", "a very long key": "nowgo_" + strings.Repeat("a", 4000)}
}

// times are good but for the clock: within the leeway of 30 s on either side they are let in, beyond it not.
func times(t *testing.T, d Target, v Victim) {
	for _, c := range []struct {
		name           string
		starts, ends   time.Duration // from now
		admitted       bool
		code           string
		issuedAtStarts bool
	}{
		{name: "over a moment ago", starts: -14 * time.Minute, ends: -10 * time.Second, admitted: true, issuedAtStarts: true},
		{name: "over", starts: -14 * time.Minute, ends: -45 * time.Second, code: "token_expired", issuedAtStarts: true},
		{name: "over for hours", starts: -5 * time.Hour, ends: -5*time.Hour + 15*time.Minute, code: "token_expired", issuedAtStarts: true},
		{name: "of a clock that is a little ahead", starts: 10 * time.Second, ends: 10 * time.Minute, admitted: true, issuedAtStarts: true},
		{name: "issued in the future", starts: 2 * time.Minute, ends: 10 * time.Minute, code: "invalid_token", issuedAtStarts: true},
		{name: "not valid yet", starts: 2 * time.Minute, ends: 10 * time.Minute, code: "invalid_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			members := []any{"nbf", now.Add(c.starts).Unix(), "exp", now.Add(c.ends).Unix(), "iat", now.Unix()}
			if c.issuedAtStarts {
				members[5] = now.Add(c.starts).Unix()
			}
			token := "Bearer " + sign(d.Key, text(v.header), text(with(v.claims, members...)))
			if c.admitted {
				admitted(t, d, v.claims["sub"], token)
			} else {
				refused(t, d, c.code, token)
			}
		})
	}
}

// flood sends ids of keys that could be ours and are not, each another, and returns how many.
func flood(t *testing.T, d Target, v Victim) int {
	const many = 60
	for i := range many {
		id := sha256.Sum256([]byte(fmt.Sprint(i, v.ID)))
		token := sign(d.Key, text(with(v.header, "kid", base64.RawURLEncoding.EncodeToString(id[:]))), text(v.claims))
		if status, body := send(t, d, "GET", "/v1/auth/me", []string{"Bearer " + token}); status != http.StatusUnauthorized {
			t.Fatalf("%d %v", status, body)
		}
	}
	return many
}
