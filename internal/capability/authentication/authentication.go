// Package authentication serves sign-in, tokens and invitations.
package authentication

import (
	"context"
	"encoding/json"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// Tokens are what signing in gives (RFC 6749 §5.1).
type Tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type" example:"Bearer"`
	ExpiresIn    int    `json:"expires_in" doc:"Seconds that the access token lives" example:"900"`
	RefreshToken string `json:"refresh_token" doc:"Works once"`
}

// Membership is a client that the person belongs to.
type Membership struct {
	ClientID tenant.ID `json:"client_id,omitempty" doc:"Absent for the platform itself"`
	UserID   string    `json:"user_id"`
}

// Me is who is signed in.
type Me struct {
	UserID      string       `json:"user_id"`
	Name        string       `json:"name"`
	Email       string       `json:"email" format:"email"`
	Role        tenant.Role  `json:"role"`
	ClientID    tenant.ID    `json:"client_id,omitempty"`
	Memberships []Membership `json:"memberships"`
}

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

type signIn struct {
	Body struct {
		Email    string    `json:"email" maxLength:"254" example:"ana@lojaazul.example"`
		Password string    `json:"password" maxLength:"1024" format:"password"`
		Client   tenant.ID `json:"client,omitempty" maxLength:"64" doc:"Which one, where the person belongs to several"`
	}
}

type refresh struct {
	Body struct {
		RefreshToken string `json:"refresh_token" maxLength:"1024"`
	}
}

type accept struct {
	Body struct {
		Token    string `json:"token" maxLength:"1024"`
		Name     string `json:"name,omitempty" maxLength:"120"`
		Password string `json:"password" maxLength:"1024" format:"password" doc:"New, or the login's own where there is one"`
	}
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, users *identity.Service) {
	httpapi.Register(api, httpapi.Op{ID: "sign-in", Summary: "Sign in with email and password", Errors: []int{401, 403, 409}},
		func(ctx context.Context, in *signIn) (identity.Tokens, error) {
			return users.SignIn(ctx, identity.SignIn{Email: in.Body.Email, Password: in.Body.Password, Client: in.Body.Client})
		}, tokens)
	httpapi.Register(api, httpapi.Op{ID: "refresh", Summary: "Exchange a refresh token for new tokens", Errors: []int{401}},
		func(ctx context.Context, in *refresh) (identity.Tokens, error) {
			return users.Refresh(ctx, in.Body.RefreshToken)
		}, tokens)
	httpapi.Register(api, httpapi.Op{ID: "accept-invitation", Summary: "Accept an invitation and sign in",
		Errors: []int{401, 422}}, func(ctx context.Context, in *accept) (identity.Tokens, error) {
		return users.Accept(ctx, identity.Accept{Token: in.Body.Token, Name: in.Body.Name, Password: in.Body.Password})
	}, tokens)
	registerAssume(api, users)
	registerMFA(api, users)
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "sign-out", Summary: "End the session", Status: 204},
		func(ctx context.Context, _ *struct{}) (any, error) { return nil, users.SignOut(ctx) })
	httpapi.Register(api, httpapi.Op{ID: "get-me", Summary: "Who is signed in"},
		func(ctx context.Context, _ *struct{}) (identity.Me, error) { return users.Me(ctx) }, me)
	httpapi.Register(api, httpapi.Op{ID: "get-jwks", Summary: "The keys that verify access tokens (RFC 7517)"},
		func(context.Context, *struct{}) (set KeySet, err error) {
			if err := json.Unmarshal(users.Signer.JWKS(), &set); err != nil {
				return KeySet{}, fault.Wrap("authentication.jwks", fault.Internal, "internal", err)
			}
			return set, nil
		}, httpapi.Body[KeySet])
}

func tokens(t identity.Tokens) httpapi.Out[Tokens] {
	return httpapi.Out[Tokens]{Body: Tokens{t.AccessToken, t.TokenType, t.ExpiresIn, t.RefreshToken}}
}

func me(m identity.Me) httpapi.Out[Me] {
	out := Me{UserID: m.User.ID, Name: m.Name, Email: m.User.Email, Role: m.Role, ClientID: m.Client, Memberships: []Membership{}}
	for _, membership := range m.Memberships {
		out.Memberships = append(out.Memberships, Membership{membership.Client, membership.User})
	}
	return httpapi.Out[Me]{Body: out}
}
