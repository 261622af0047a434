package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Limits and names of access tokens.
const (
	MaxToken = 8 << 10          // bytes of a token that is looked at
	Leeway   = 30 * time.Second // between the clocks of signer and verifier

	Issuer   = "nowgo-agents" // iss
	Audience = "nowgo-api"    // aud

	tokenType   = "at+jwt" // RFC 9068 §2.1
	claimClient = "client_id"
	claimRole   = "role"
	claimSID    = "sid"

	claimRestricted = "restricted" // true, or absent
	claimAssumed    = "assumed"    // true, or absent
	claimActor      = "act"        // RFC 8693 §4.1: with assumed, the global administrator as its sub
)

// Claims is what an access token says.
type Claims struct {
	Principal tenant.Principal
	ID        string // jti, unique
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Signer makes and verifies access tokens: JWTs (RFC 7519, profile RFC 9068) signed with Ed25519 (RFC 8037). It may be used
// concurrently.
type Signer struct {
	keys *KeySet
	sys  system.System
}

// NewSigner returns a signer with the given keys.
func NewSigner(keys *KeySet, sys system.System) *Signer { return &Signer{keys: keys, sys: sys} }

// JWKS returns the public keys as a JWK set.
func (s *Signer) JWKS() []byte { return s.keys.JWKS() }

// Issue returns an access token of the principal that lives for [AccessLifetime].
func (s *Signer) Issue(p tenant.Principal) (string, error) {
	return s.IssueUntil(p, s.sys.Now().Add(AccessLifetime))
}

// IssueUntil is Issue with the time of the token's end. An assumed principal's token says who acts in it (RFC 8693 §4.1).
func (s *Signer) IssueUntil(p tenant.Principal, end time.Time) (string, error) {
	now := s.sys.Now()
	b := jwt.NewBuilder().Issuer(Issuer).Audience([]string{Audience}).Subject(p.User).JwtID(s.sys.NewULID()).
		IssuedAt(now).NotBefore(now).Expiration(end).
		Claim(claimRole, string(p.Role)).Claim(claimSID, p.Session)
	if p.Client != "" {
		b = b.Claim(claimClient, string(p.Client))
	}
	if p.Restricted {
		b = b.Claim(claimRestricted, true)
	}
	if p.Assumed {
		b = b.Claim(claimAssumed, true).Claim(claimActor, map[string]string{"sub": p.User})
	}
	t, err := b.Build()
	if err != nil {
		return "", fmt.Errorf("identity: access token: %w", err)
	}
	h := jws.NewHeaders()
	if err := h.Set(jws.TypeKey, tokenType); err != nil {
		return "", fmt.Errorf("identity: access token: %w", err)
	}
	signed, err := jwt.Sign(t, jwt.WithKey(jwa.EdDSA(), s.keys.current, jws.WithProtectedHeaders(h)))
	if err != nil {
		return "", fmt.Errorf("identity: access token: %w", err)
	}
	return string(signed), nil
}

// Verify returns the claims of a token that this platform signed and that is alive. Everything else is fault.Unauthenticated:
// `token_expired` for one that was good, `invalid_token` for the rest. It never reads a key, or the address of one, from
// the token.
func (s *Signer) Verify(token string) (Claims, error) {
	const op = "identity.Verify"
	t, err := s.parse([]byte(token))
	if err != nil {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "invalid_token", err)
	}
	err = jwt.Validate(t, jwt.WithIssuer(Issuer), jwt.WithAudience(Audience), jwt.WithAcceptableSkew(Leeway),
		jwt.WithClock(jwt.ClockFunc(s.sys.Now)), jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.NotBeforeKey),
		jwt.WithRequiredClaim(jwt.IssuedAtKey), jwt.WithRequiredClaim(jwt.JwtIDKey))
	if errors.Is(err, jwt.TokenExpiredError()) {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "token_expired", err)
	}
	if err != nil {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "invalid_token", err)
	}
	c, err := claimsOf(t)
	if err != nil {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "invalid_token", err)
	}
	return c, nil
}

var (
	errForm   = errors.New("not a compact JWS within the size limit")
	errHeader = errors.New("header is not that of an access token")
	errKey    = errors.New("unknown key id")
	errClaims = errors.New("claims are not those of an access token")
)

// parse returns the token whose signature holds; its times are not checked yet.
func (s *Signer) parse(token []byte) (jwt.Token, error) {
	if len(token) > MaxToken || bytes.Count(token, []byte{'.'}) != 2 || !strictBase64(token) {
		return nil, errForm
	}
	m, err := jws.Parse(token, jws.WithCompact())
	if err != nil {
		return nil, err
	}
	if len(m.Signatures()) != 1 {
		return nil, errForm
	}
	h := m.Signatures()[0].ProtectedHeaders()
	for _, name := range h.Keys() { // three fields and no other: neither jwk, jku, x5c, x5u nor crit
		if name != jws.AlgorithmKey && name != jws.TypeKey && name != jws.KeyIDKey {
			return nil, errHeader
		}
	}
	alg, _ := h.Algorithm()
	typ, _ := h.Type()
	if alg != jwa.EdDSA() || typ != tokenType {
		return nil, errHeader
	}
	kid, _ := h.KeyID()
	key, known := s.keys.public[kid]
	if !known {
		return nil, errKey
	}
	payload, err := jws.Verify(token, jws.WithKey(jwa.EdDSA(), key))
	if err != nil {
		return nil, err
	}
	return jwt.ParseInsecure(payload)
}

// strictBase64 reports whether every part is written in the one way that base64url without padding has for its bytes (RFC 7515 §2), so
// that nobody can write a token in a second way.
func strictBase64(token []byte) bool {
	strict := base64.RawURLEncoding.Strict()
	buf := make([]byte, strict.DecodedLen(len(token)))
	for part := range bytes.SplitSeq(token, []byte{'.'}) {
		if _, err := strict.Decode(buf, part); err != nil || bytes.ContainsAny(part, "\r\n") {
			return false
		}
	}
	return true
}

func claimsOf(t jwt.Token) (Claims, error) {
	var client, role, sid string
	if t.Has(claimClient) && t.Get(claimClient, &client) != nil || t.Get(claimRole, &role) != nil || t.Get(claimSID, &sid) != nil {
		return Claims{}, errClaims
	}
	restricted := false
	if t.Has(claimRestricted) && t.Get(claimRestricted, &restricted) != nil {
		return Claims{}, errClaims
	}
	sub, _ := t.Subject()
	p := tenant.Principal{Client: tenant.ID(client), User: sub, Role: tenant.Role(role), Session: sid, Restricted: restricted}
	if !p.Role.Valid() || sub == "" || sid == "" || (p.Role == tenant.GlobalAdmin) != (client == "") {
		return Claims{}, errClaims
	}
	if _, err := tenant.Parse(client); client != "" && err != nil {
		return Claims{}, errClaims
	}
	c := Claims{Principal: p}
	if c.ID, _ = t.JwtID(); c.ID == "" {
		return Claims{}, errClaims
	}
	c.IssuedAt, _ = t.IssuedAt()
	c.ExpiresAt, _ = t.Expiration()
	return c, nil
}
