package authentication

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
)

// KeySet is a JWK set (RFC 7517 §5) of Ed25519 keys (RFC 8037 §2).
type KeySet struct {
	Keys []Key `json:"keys" nullable:"false"`
}

// Key is a public key that verifies access tokens.
type Key struct {
	Type      string `json:"kty" example:"OKP"`
	Curve     string `json:"crv" example:"Ed25519"`
	Algorithm string `json:"alg" example:"EdDSA"`
	Use       string `json:"use" example:"sig"`
	ID        string `json:"kid" doc:"The kid in the header of the tokens it signed"`
	X         string `json:"x" doc:"The key, base64url without padding"`
}

type getKeys struct {
	IfNoneMatch string `header:"If-None-Match" maxLength:"1024" doc:"ETags of the sets that the caller has."`
}

// keysAnswer is a set with its tag, and whether the caller has it already.
type keysAnswer struct {
	set   KeySet
	tag   string
	known bool
}

// registerKeys mounts get-jwks. Whoever verifies tokens may keep the set for five minutes: a key is in it for two hours before it signs.
func registerKeys(api *httpapi.API, signer *identity.Signer) {
	httpapi.Register(api, httpapi.Op{ID: "get-jwks", Summary: "The keys that verify access tokens (RFC 7517)",
		CacheControl: "public, max-age=300"},
		func(_ context.Context, in *getKeys) (a keysAnswer, err error) {
			document := signer.JWKS()
			if err := json.Unmarshal(document, &a.set); err != nil {
				return keysAnswer{}, fault.Wrap("authentication.jwks", fault.Internal, "internal", err)
			}
			sum := sha256.Sum256(document)
			a.tag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
			a.known = matches(in.IfNoneMatch, a.tag)
			return a, nil
		}, func(a keysAnswer) httpapi.Out[KeySet] {
			out := httpapi.Out[KeySet]{ETag: a.tag, Body: a.set}
			if a.known {
				out.Status = http.StatusNotModified
			}
			return out
		})
}

// matches reports whether If-None-Match names the tag (RFC 9110 §13.1.2: compared weakly, and `*` is any).
func matches(header, tag string) bool {
	return slices.ContainsFunc(strings.Split(header, ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == tag
	})
}
