package identity_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// oracle verifies a token with a general library, as anybody else who has the published keys would.
func oracle(published []byte, token string, now time.Time) (identity.Claims, error) {
	set, err := jwk.Parse(published)
	if err != nil {
		return identity.Claims{}, err
	}
	t, err := jwt.Parse([]byte(token), jwt.WithKeySet(set, jws.WithRequireKid(true)), jwt.WithValidate(true), jwt.WithIssuer(identity.Issuer),
		jwt.WithAudience(identity.Audience), jwt.WithAcceptableSkew(identity.Leeway), jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.NotBeforeKey), jwt.WithRequiredClaim(jwt.IssuedAtKey))
	if err != nil {
		return identity.Claims{}, err
	}
	m, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil {
		return identity.Claims{}, err
	}
	h := m.Signatures()[0].ProtectedHeaders()
	if alg, _ := h.Algorithm(); alg != jwa.EdDSA() || len(h.Keys()) != 3 {
		return identity.Claims{}, fmt.Errorf("header %v", h.Keys())
	}
	var c identity.Claims
	var client, role string
	var errs []error
	get := func(name string, into any) {
		if t.Has(name) {
			errs = append(errs, t.Get(name, into))
		}
	}
	get("client_id", &client)
	get("role", &role)
	get("sid", &c.Principal.Session)
	get("restricted", &c.Principal.Restricted)
	get("assumed", &c.Principal.Assumed)
	c.Principal.Client, c.Principal.Role = tenant.ID(client), tenant.Role(role)
	c.Principal.User, _ = t.Subject()
	c.ID, _ = t.JwtID()
	c.IssuedAt, _ = t.IssuedAt()
	c.ExpiresAt, _ = t.Expiration()
	c.IssuedAt, c.ExpiresAt = c.IssuedAt.UTC(), c.ExpiresAt.UTC()
	return c, errors.Join(errs...)
}
