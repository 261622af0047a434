package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/jose"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// Limits and names of access tokens.
const (
	MaxToken         = 8 << 10          // bytes of a token that is looked at
	MaxTokenLifetime = time.Hour        // of any token; one that says that it lives longer is none of ours
	Leeway           = 30 * time.Second // between the clocks of signer and verifier

	Issuer   = "nowgo-agents" // iss
	Audience = "nowgo-api"    // aud

	tokenType      = "at+jwt" // RFC 9068 §2.1
	tokenAlgorithm = jose.Algorithm
)

// Claims is what an access token says.
type Claims struct {
	Principal tenant.Principal
	ID        string // jti, unique
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Keys is where a [Signer] has its keys from: a [KeySet] that stays as it is, or a [KeyRing] that follows their rotation.
type Keys interface {
	held(now time.Time) *KeySet    // never nil
	renewed(now time.Time) *KeySet // after a key that held does not know was met
}

// Signer makes and verifies access tokens: JWTs (RFC 7519, profile RFC 9068) signed with Ed25519 (RFC 8037). It may be used
// concurrently.
//
// It writes and reads them by itself, with the standard library's ed25519: a general library takes twice the time of the signature's
// check to find out what here is known. The tests hold every token that it accepts against such a library.
type Signer struct {
	keys Keys
	sys  system.System
}

// NewSigner returns a signer with the given keys.
func NewSigner(keys Keys, sys system.System) *Signer { return &Signer{keys: keys, sys: sys} }

// JWKS returns the public keys as a JWK set.
func (s *Signer) JWKS() []byte { return s.keys.held(s.sys.Now()).JWKS() }

// Issue returns an access token of the principal that lives for [AccessLifetime].
func (s *Signer) Issue(p tenant.Principal) (string, error) {
	return s.IssueUntil(p, s.sys.Now().Add(AccessLifetime))
}

// IssueUntil is Issue with the time of the token's end, at most [MaxTokenLifetime] from now. An assumed principal's token says who acts
// in it (RFC 8693 §4.1).
func (s *Signer) IssueUntil(p tenant.Principal, end time.Time) (string, error) {
	now := s.sys.Now()
	key := s.keys.held(now).signer(now)
	if key == nil {
		return "", errors.New("identity: access token: there is no key to sign with")
	}
	if end.Sub(now) > MaxTokenLifetime {
		return "", fmt.Errorf("identity: access token: a life of %v is over %v", end.Sub(now), MaxTokenLifetime)
	}
	c := tokenClaims{Issuer: Issuer, Audience: ourAudience, Subject: p.User, ID: s.sys.NewULID(), IssuedAt: now.Unix(), NotBefore: now.Unix(),
		ExpiresAt: end.Unix(), Role: p.Role, Client: p.Client, Session: p.Session, Restricted: p.Restricted, Assumed: p.Assumed}
	if p.Assumed {
		c.Actor = &tokenActor{Subject: p.User}
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("identity: access token: %w", err)
	}
	signed := key.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key.private, []byte(signed))), nil
}

// Verify returns the claims of a token that this platform signed and that is alive. Everything else is fault.Unauthenticated:
// `token_expired` for one that was good, with whose it was ([denial.Refusal]), and `invalid_token` for the rest. It never reads a key, or
// the address of one, from the token.
func (s *Signer) Verify(token string) (Claims, error) {
	const op = "identity.Verify"
	now := s.sys.Now()
	claims, err := s.signed(token, now)
	if err != nil {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "invalid_token", err)
	}
	c, err := claims.check(now)
	if err != nil {
		return Claims{}, fault.Wrap(op, fault.Unauthenticated, "invalid_token", err)
	}
	if !now.Before(c.ExpiresAt.Add(Leeway)) {
		return Claims{}, denial.Proven(denial.Token, c.Principal, fault.New(op, fault.Unauthenticated, "token_expired"))
	}
	return c, nil
}

var (
	errForm      = errors.New("not a compact JWS within the size limit")
	errHeader    = errors.New("header is not that of an access token")
	errKey       = errors.New("unknown key id")
	errSignature = errors.New("the signature does not hold")
	errClaims    = errors.New("claims are not those of an access token")
	errTimes     = errors.New("not of this time")
)

// The header is one text for each key, byte for byte, so that no other algorithm, type or member is ever looked at: neither jwk, jku,
// x5c, x5u nor crit.
const (
	headerBefore = `{"alg":"` + tokenAlgorithm + `","kid":"`
	headerAfter  = `","typ":"` + tokenType + `"}`
	thumbprints  = 43 // characters of a SHA-256 in base64url
	headerLength = len(headerBefore) + thumbprints + len(headerAfter)
)

// tokenHeader returns the first part of the tokens of a key.
func tokenHeader(kid string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(headerBefore + kid + headerAfter))
}

// ownHeader reports whether the first part of a token could be that of a key of ours that is not known yet.
func ownHeader(part string) bool {
	var header [headerLength]byte
	if base64.RawURLEncoding.EncodedLen(headerLength) != len(part) {
		return false
	}
	if _, err := strictBase64.Decode(header[:], []byte(part)); err != nil {
		return false
	}
	kid := header[len(headerBefore) : len(headerBefore)+thumbprints]
	if _, err := strictBase64.Decode(make([]byte, strictBase64.DecodedLen(thumbprints)), kid); err != nil {
		return false
	}
	return tokenHeader(string(kid)) == part
}

// strictBase64 takes the one way that base64url without padding has for some bytes (RFC 7515 §2), so that nobody can write a token in
// a second way. It passes over line breaks, which must be looked for.
var strictBase64 = base64.RawURLEncoding.Strict()

// signed returns the claims of a token whose signature holds; they are not checked yet.
func (s *Signer) signed(token string, now time.Time) (tokenClaims, error) {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || len(token) > MaxToken || strings.Contains(signature, ".") || strings.ContainsAny(token, "\r\n") {
		return tokenClaims{}, errForm
	}
	key, err := s.key(header, now)
	if err != nil {
		return tokenClaims{}, err
	}
	var buf [1024]byte // enough for every token that is issued
	text := append(buf[:0], token...)
	var sig [ed25519.SignatureSize]byte
	if len(signature) != base64.RawURLEncoding.EncodedLen(len(sig)) {
		return tokenClaims{}, errSignature
	}
	if _, err := strictBase64.Decode(sig[:], text[len(token)-len(signature):]); err != nil {
		return tokenClaims{}, errForm
	}
	if !ed25519.Verify(key.public, text[:len(header)+1+len(payload)], sig[:]) {
		return tokenClaims{}, errSignature
	}
	var plain [768]byte
	decoded, err := strictBase64.AppendDecode(plain[:0], text[len(header)+1:len(header)+1+len(payload)])
	if err != nil {
		return tokenClaims{}, errForm
	}
	return parseClaims(decoded)
}

// key returns the key whose tokens have the header. For a header that has the form of ours the keys are looked up again, which a
// [KeyRing] does at most once a minute.
func (s *Signer) key(header string, now time.Time) (*signingKey, error) {
	held := s.keys.held(now)
	key, known := held.byHeader[header]
	if !known {
		if !ownHeader(header) {
			return nil, errHeader
		}
		if key, known = s.keys.renewed(now).byHeader[header]; !known {
			return nil, errKey
		}
	}
	if !key.retires.IsZero() && !now.Before(key.retires) {
		return nil, errKey
	}
	return key, nil
}
