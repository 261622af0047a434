package authentication

import (
	"context"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
)

type forgot struct {
	Body struct {
		Email    string `json:"email" maxLength:"254" example:"ana@lojaazul.example"`
		Language string `json:"language,omitempty" enum:"pt-BR,en" doc:"Of the mail; that of the request where it is left out"`
	}
}

type reset struct {
	Body struct {
		Token    string `json:"token" maxLength:"1024" doc:"Of the link in the mail; it works once, for an hour"`
		Password string `json:"password" maxLength:"1024" format:"password" doc:"12 to 128 characters of any kind, but none that is guessed first"`
	}
}

type change struct {
	Body struct {
		Current string `json:"current" maxLength:"1024" format:"password"`
		New     string `json:"new" maxLength:"1024" format:"password" doc:"12 to 128 characters of any kind, but none that is guessed first"`
	}
}

func registerPasswords(api *httpapi.API, users *identity.Service) {
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "forgot-password", Summary: "Mail a link to set the password anew, where the address has a login",
		Status: 202}, func(ctx context.Context, in *forgot) (any, error) {
		return nil, users.ForgotPassword(ctx, identity.Forgot{Email: in.Body.Email, Language: in.Body.Language})
	})
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "reset-password", Summary: "Set the password anew, and end every session", Status: 204,
		Errors: []int{401, 429}}, func(ctx context.Context, in *reset) (any, error) {
		return nil, users.ResetPassword(ctx, identity.Reset{Token: in.Body.Token, Password: in.Body.Password})
	})
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "change-password", Summary: "Change one's own password, and end all other sessions", Status: 204,
		Errors: []int{429}}, func(ctx context.Context, in *change) (any, error) {
		return nil, users.ChangePassword(ctx, identity.PasswordChange{Current: in.Body.Current, New: in.Body.New})
	})
}
