// Package authentication serves sign-in, tokens and invitations.
package authentication

import (
	"context"

	"github.com/nowgo/agents/internal/access"
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

type signIn struct {
	Body struct {
		Email    string    `json:"email" maxLength:"254" example:"ana@lojaazul.example"`
		Password string    `json:"password" maxLength:"1024" format:"password"`
		Client   tenant.ID `json:"client,omitempty" maxLength:"64" doc:"Which one, where the person belongs to several"`
		Code     string    `json:"code,omitempty" maxLength:"64" doc:"Of the second factor, or a recovery code, where the person has one" example:"123456"`
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
		Code     string `json:"code,omitempty" maxLength:"64" doc:"Of that login's second factor, where it has one" example:"123456"`
	}
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, users *identity.Service, decider *access.Decider) {
	httpapi.Register(api, httpapi.Op{ID: "sign-in", Summary: "Sign in with email and password", Errors: []int{401, 403, 409, 429}},
		func(ctx context.Context, in *signIn) (identity.Tokens, error) {
			return users.SignIn(ctx, identity.SignIn{Email: in.Body.Email, Password: in.Body.Password, Client: in.Body.Client,
				Code: in.Body.Code})
		}, tokens)
	httpapi.Register(api, httpapi.Op{ID: "refresh", Summary: "Exchange a refresh token for new tokens",
		Description: "Several at once with one token: one gets new tokens, the others 409 refresh_superseded, and use those that the one has stored. " +
			"Any other use of a token that was used before ends its session.", Errors: []int{401, 403, 409}},
		func(ctx context.Context, in *refresh) (identity.Tokens, error) {
			return users.Refresh(ctx, in.Body.RefreshToken)
		}, tokens)
	httpapi.Register(api, httpapi.Op{ID: "accept-invitation", Summary: "Accept an invitation and sign in",
		Errors: []int{401, 422}}, func(ctx context.Context, in *accept) (identity.Tokens, error) {
		return users.Accept(ctx, identity.Accept{Token: in.Body.Token, Name: in.Body.Name, Password: in.Body.Password,
			Code: in.Body.Code})
	}, tokens)
	registerAssume(api, users)
	registerMFA(api, users)
	registerPasswords(api, users)
	registerSessions(api, users)
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "sign-out", Summary: "End the session", Status: 204},
		func(ctx context.Context, _ *struct{}) (any, error) { return nil, users.SignOut(ctx) })
	registerMe(api, users, decider)
	registerKeys(api, users.Signer)
}

func tokens(t identity.Tokens) httpapi.Out[Tokens] {
	return httpapi.Out[Tokens]{Body: Tokens{t.AccessToken, t.TokenType, t.ExpiresIn, t.RefreshToken}}
}
