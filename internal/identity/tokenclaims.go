package identity

import (
	"encoding/json"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/nowgo/agents/internal/tenant"
)

// tokenClaims is a token's payload (RFC 7519 §4.1, RFC 9068 §2.2). Times are seconds since 1970.
type tokenClaims struct {
	Issuer     string          `json:"iss"`
	Audience   json.RawMessage `json:"aud"`
	Subject    string          `json:"sub"`
	ID         string          `json:"jti"`
	IssuedAt   int64           `json:"iat"`
	NotBefore  int64           `json:"nbf"`
	ExpiresAt  int64           `json:"exp"`
	Role       tenant.Role     `json:"role"`
	Session    string          `json:"sid"`
	Client     tenant.ID       `json:"client_id,omitempty"`
	Restricted bool            `json:"restricted,omitempty"`
	Assumed    bool            `json:"assumed,omitempty"`
	Actor      *tokenActor     `json:"act,omitempty"`
}

// tokenActor is who acts in a token (RFC 8693 §4.1).
type tokenActor struct {
	Subject string `json:"sub"`
}

// ourAudience is the claim aud as this package writes it.
var ourAudience = json.RawMessage(`["` + Audience + `"]`)

// parseClaims reads a payload. A member that stands in it twice, text that is not UTF-8, and anything behind the object are refused.
func parseClaims(payload []byte) (tokenClaims, error) {
	var c tokenClaims
	if err := jsonv2.Unmarshal(payload, &c); err != nil {
		return tokenClaims{}, errClaims
	}
	return c, nil
}

// check returns what the claims say, if that is what a token of ours can say and its time has come. It may be over.
func (c tokenClaims) check(now time.Time) (Claims, error) {
	aud := string(c.Audience)
	if c.Issuer != Issuer || aud != string(ourAudience) && aud != `"`+Audience+`"` || c.ID == "" || c.Subject == "" || c.Session == "" {
		return Claims{}, errClaims
	}
	if c.IssuedAt <= 0 || c.NotBefore <= 0 || c.ExpiresAt < c.IssuedAt || c.ExpiresAt-c.IssuedAt > int64(MaxTokenLifetime/time.Second) {
		return Claims{}, errClaims
	}
	if latest := now.Add(Leeway).Unix(); c.IssuedAt > latest || c.NotBefore > latest {
		return Claims{}, errTimes
	}
	if !c.Role.Valid() || (c.Role == tenant.GlobalAdmin) != (c.Client == "") || !c.assumption() {
		return Claims{}, errClaims
	}
	if _, err := tenant.Parse(string(c.Client)); c.Client != "" && err != nil {
		return Claims{}, errClaims
	}
	return Claims{ID: c.ID, IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.ExpiresAt, 0).UTC(),
		Principal: tenant.Principal{Client: c.Client, User: c.Subject, Role: c.Role, Session: c.Session, Restricted: c.Restricted,
			Assumed: c.Assumed}}, nil
}

// assumption reports whether what the claims say of a global administrator who works inside a client holds together: the two claims
// come together, and name one and the same.
func (c tokenClaims) assumption() bool {
	if !c.Assumed && c.Actor == nil {
		return true
	}
	return c.Assumed && c.Actor != nil && c.Actor.Subject == c.Subject && c.Client != "" && c.Role == tenant.ClientAdmin && !c.Restricted
}
