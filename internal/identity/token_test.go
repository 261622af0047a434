package identity_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
)

var principal = tenant.Principal{Client: azul, User: "usr_ana", Role: tenant.AgentManager, Session: "ses_1"}

// minter makes tokens by hand, so that the tests can make those that the signer never would.
type minter struct {
	key ed25519.PrivateKey
	kid string
}

func newSigner(t testing.TB) (*identity.Signer, minter, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	document, err := identity.GenerateKeys(clock.System())
	if err != nil {
		t.Fatal(err)
	}
	ks, err := identity.ParseKeys(document)
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ Kid, D string }
	}
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	seed, err := base64.RawURLEncoding.DecodeString(set.Keys[0].D)
	if err != nil {
		t.Fatal(err)
	}
	return identity.NewSigner(ks, clock.System()), minter{ed25519.NewKeyFromSeed(seed), set.Keys[0].Kid}, clock
}

func (m minter) mint(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	b64 := func(v map[string]any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := b64(header) + "." + b64(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(m.key, []byte(signed)))
}

// mintText signs a header and claims as they are written.
func (m minter) mintText(header, claims string) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(m.key, []byte(signed)))
}

// next is the character that follows in base64url's alphabet: at the end of a signature it stands for the same bits.
func next(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)])
}

func (m minter) parts(now time.Time) (header, claims map[string]any) {
	return map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": m.kid},
		map[string]any{"iss": identity.Issuer, "aud": identity.Audience, "sub": "usr_ana", "client_id": string(azul), "role": "agent_manager",
			"sid": "ses_1", "jti": "1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(15 * time.Minute).Unix()}
}

func TestIssuedTokenVerifies(t *testing.T) {
	s, _, clock := newSigner(t)
	for _, p := range []tenant.Principal{principal, {User: "usr_root", Role: tenant.GlobalAdmin, Session: "ses_2"},
		{Client: azul, User: "usr_ana", Role: tenant.StandardUser, Session: "ses_3", Restricted: true},
		{Client: azul, User: "usr_root", Role: tenant.ClientAdmin, Session: "ses_4", Assumed: true}} {
		token, err := s.Issue(p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Verify(token)
		if err != nil || c.Principal != p || c.ID == "" || !c.ExpiresAt.Equal(clock.Now().Add(identity.AccessLifetime)) || !c.IssuedAt.Equal(clock.Now()) {
			t.Errorf("claims %+v, %v", c, err)
		}
		if other, err := oracle(s.JWKS(), token, clock.Now()); err != nil || other != c {
			t.Errorf("%+v, the oracle says %+v, %v", c, other, err)
		}
		header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
		if err != nil || !strings.Contains(string(header), `"typ":"at+jwt"`) || !strings.Contains(string(header), `"alg":"EdDSA"`) {
			t.Errorf("header %s, %v", header, err)
		}
	}
}

func TestTokenIsGoodBetweenItsTimes(t *testing.T) {
	s, _, clock := newSigner(t)
	token, err := s.Issue(principal)
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(-identity.Leeway)
	if _, err := s.Verify(token); err != nil {
		t.Errorf("a signer's clock %v ahead: %v", identity.Leeway, err)
	}
	clock.Advance(-2 * time.Second)
	_, err = s.Verify(token)
	wantFault(t, err, fault.Unauthenticated, "invalid_token")
	clock.Advance(2*time.Second + identity.Leeway + identity.AccessLifetime + identity.Leeway - time.Second)
	if _, err := s.Verify(token); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
	clock.Advance(2 * time.Second)
	_, err = s.Verify(token)
	wantFault(t, err, fault.Unauthenticated, "token_expired")
}

func TestTokensThatAreRefused(t *testing.T) {
	s, m, clock := newSigner(t)
	_, stranger, _ := newSigner(t)
	now := clock.Now()
	header, claims := m.parts(now)
	if _, err := s.Verify(m.mint(t, header, claims)); err != nil {
		t.Fatalf("the minter's own token: %v", err)
	}
	cases := map[string]string{}
	with := func(name string, where map[string]any, key string, value any) {
		h, c := maps.Clone(header), maps.Clone(claims)
		target := h
		if _, claim := claims[key]; claim || where == nil {
			target = c
		}
		if key == "assumed" || key == "act" {
			target = c
		}
		if target[key] = value; value == nil {
			delete(target, key)
		}
		cases[name] = m.mint(t, h, c)
	}
	for _, alg := range []any{"none", "None", "HS256", "RS256", "Ed25519", "", 1, nil} {
		with("alg "+text(alg), header, "alg", alg)
	}
	for _, typ := range []any{"JWT", "at+JWT2", "", nil} {
		with("typ "+text(typ), header, "typ", typ)
	}
	for _, kid := range []any{"", nil, "x", stranger.kid, "../../etc/passwd", 7} {
		with("kid "+text(kid), header, "kid", kid)
	}
	x := base64.RawURLEncoding.EncodeToString(stranger.key.Public().(ed25519.PublicKey))
	with("embedded key", header, "jwk", map[string]any{"kty": "OKP", "crv": "Ed25519", "x": x})
	with("address of a key", header, "jku", "https://evil.example/jwks.json")
	with("certificate", header, "x5c", []string{"AAAA"})
	with("critical extension", header, "crit", []string{"exp"})
	with("unencoded payload", header, "b64", false)
	with("compressed", header, "zip", "DEF")
	for _, claim := range []string{"iss", "aud", "sub", "role", "sid", "jti", "iat", "nbf", "exp", "client_id"} {
		with("without "+claim, nil, claim, nil)
		with("empty "+claim, nil, claim, "")
		with("object "+claim, nil, claim, map[string]any{"a": 1})
	}
	with("another issuer", nil, "iss", "https://evil.example")
	with("another audience", nil, "aud", "other-api")
	with("unknown role", nil, "role", "owner")
	with("a client's global administrator", nil, "role", "global_admin")
	with("a platform partition", nil, "client_id", "$platform#1")
	with("not valid yet", nil, "nbf", now.Add(time.Hour).Unix())
	with("issued in the future", nil, "iat", now.Add(time.Hour).Unix())

	signed := m.mint(t, header, claims)
	parts := strings.Split(signed, ".")
	cases["another's signature"] = stranger.mint(t, header, claims)
	cases["no signature"] = parts[0] + "." + parts[1] + "."
	cases["two parts"] = parts[0] + "." + parts[1]
	cases["four parts"] = signed + ".AAAA"
	cases["truncated"] = signed[:len(signed)-5]
	cases["something behind"] = signed + "A"
	cases["padding"] = signed + "=="
	cases["another payload"] = parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"usr_root"}`)) + "." + parts[2]
	cases["empty"] = ""
	cases["dots"] = ".."
	cases["a line break"] = signed[:50] + "\n" + signed[50:]
	cases["a line break at the end"] = signed + "\r\n"
	cases["another way to write the last character"] = signed[:len(signed)-1] + next(signed[len(signed)-1])
	cases["another order of the header"] = m.mintText(`{"typ":"at+jwt","alg":"EdDSA","kid":"`+m.kid+`"}`, text(claims))
	cases["a space in the header"] = m.mintText(`{"alg":"EdDSA", "kid":"`+m.kid+`","typ":"at+jwt"}`, text(claims))
	cases["alg twice"] = m.mintText(`{"alg":"none","alg":"EdDSA","kid":"`+m.kid+`","typ":"at+jwt"}`, text(claims))
	own := `{"alg":"EdDSA","kid":"` + m.kid + `","typ":"at+jwt"}`
	for name, twice := range map[string]string{"role": `"role":"global_admin"`, "client_id": `"client_id":"cli_other"`, "exp": `"exp":9999999999`,
		"an unknown claim": `"x":1,"x":2`} {
		cases[name+" twice, the first of it"] = m.mintText(own, strings.Replace(text(claims), "{", "{"+twice+",", 1))
		cases[name+" twice, the last of it"] = m.mintText(own, strings.TrimSuffix(text(claims), "}")+","+twice+"}")
	}
	cases["a second value behind the claims"] = m.mintText(own, text(claims)+"{}")
	cases["claims that are not UTF-8"] = m.mintText(own, strings.Replace(text(claims), "usr_ana", "usr_\xff", 1))
	cases["a fraction of a second"] = m.mintText(own, strings.Replace(text(claims), `"nbf":`, `"nbf":0.5e1,"x":`, 1))
	with("a life of years", nil, "exp", now.Add(24*365*time.Hour).Unix())
	with("a life that overflows", nil, "exp", int64(math.MaxInt64))
	with("before time began", nil, "iat", int64(math.MinInt64))
	with("assumed by nobody", nil, "assumed", true)
	with("an actor who assumes nothing", nil, "act", map[string]any{"sub": "usr_ana"})
	with("two audiences", nil, "aud", []string{identity.Audience, "other"})
	cases["as JSON"] = `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`
	cases["too long"] = m.mint(t, header, merged(claims, "padding", strings.Repeat("a", identity.MaxToken)))
	for name, token := range cases {
		c, err := s.Verify(token)
		if !fault.Is(err, fault.Unauthenticated) || c != (identity.Claims{}) {
			t.Errorf("%s: %+v, %v", name, c, err)
			continue
		}
		wantFault(t, err, fault.Unauthenticated, "invalid_token")
	}
}

func merged(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	m[key] = value
	return m
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// decoded returns a part of a token.
func decoded(t *testing.T, token string, part int) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A signature whose last byte is 0 decodes the same from two characters less, if line breaks make up for them.
func TestASignatureHasOneWriting(t *testing.T) {
	s, m, clock := newSigner(t)
	header, claims := m.parts(clock.Now())
	for n := range 2000 {
		claims["jti"] = strconv.Itoa(n)
		token := m.mint(t, header, claims)
		if decoded(t, token, 2)[ed25519.SignatureSize-1] != 0 {
			continue
		}
		if _, err := s.Verify(token); err != nil {
			t.Fatal(err)
		}
		for _, breaks := range []string{"\r\n", "\n\n"} {
			_, err := s.Verify(token[:len(token)-2] + breaks)
			wantFault(t, err, fault.Unauthenticated, "invalid_token")
		}
		return
	}
	t.Fatal("no signature ends in 0")
}

func FuzzVerify(f *testing.F) {
	s, m, clock := newSigner(f)
	header, claims := m.parts(clock.Now())
	good := m.mint(f, header, claims)
	f.Add(good)
	f.Add("..")
	f.Add(m.mint(f, map[string]any{"alg": "none"}, claims))
	f.Add(m.mint(f, merged(header, "jwk", map[string]any{"kty": "OKP"}), claims))
	f.Add(m.mint(f, header, map[string]any{"exp": 1e300, "aud": []any{1, nil}}))
	f.Fuzz(func(t *testing.T, token string) {
		c, err := s.Verify(token)
		if err != nil {
			if !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%q: %v", token, err)
			}
			return
		}
		if signed, _, _ := strings.Cut(good, "."); c.Principal.User != "usr_ana" || !strings.HasPrefix(token, signed) {
			t.Errorf("%q was believed: %+v", token, c)
		}
		if other, err := oracle(s.JWKS(), token, clock.Now()); err != nil || other != c {
			t.Errorf("%q: %+v, the oracle says %+v, %v", token, c, other, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	s, _, _ := newSigner(b)
	token, err := s.Issue(principal)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}
