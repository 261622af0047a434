package authentication

import (
	"context"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
)

// SecondFactor says where a person stands.
type SecondFactor struct {
	TOTP     bool `json:"totp" doc:"Confirmed: signing in asks for a code"`
	Left     int  `json:"recovery_codes_left" minimum:"0" example:"10"`
	Required bool `json:"required" doc:"The client asks it of your role"`
}

// Enrolment is a second factor that is not confirmed yet (RFC 6238, SHA-1, six digits, 30 seconds).
type Enrolment struct {
	Secret string `json:"secret" doc:"Base32, shown this once" example:"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"`
	URI    string `json:"uri" doc:"What authenticator apps read" example:"otpauth://totp/NowGo%20Agents:ana@lojaazul.example?algorithm=SHA1&digits=6&issuer=NowGo%20Agents&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"`
	QR     []byte `json:"qr_png" doc:"The URI as a QR code: a PNG picture in base64"`
}

// RecoveryCodes stand in for the second factor, each once.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes" nullable:"false" doc:"Shown this once: write them down" example:"[\"7k2m-0bqz-94xf-e1st\"]"`
}

// Password is shown once more.
type Password struct {
	Body struct {
		Password string `json:"password" maxLength:"1024" format:"password"`
	}
}

// Code is one of the second factor.
type Code struct {
	Body struct {
		Code string `json:"code" maxLength:"64" example:"123456"`
	}
}

// PasswordAndCode are shown once more.
type PasswordAndCode struct {
	Body struct {
		Password string `json:"password" maxLength:"1024" format:"password"`
		Code     string `json:"code" maxLength:"64" doc:"Of the second factor, or a recovery code" example:"123456"`
	}
}

func registerMFA(api *httpapi.API, users *identity.Service) {
	httpapi.Register(api, httpapi.Op{ID: "get-mfa", Summary: "Where my second factor stands"},
		func(ctx context.Context, _ *struct{}) (identity.SecondFactor, error) { return users.SecondFactor(ctx) },
		func(f identity.SecondFactor) httpapi.Out[SecondFactor] {
			return httpapi.Out[SecondFactor]{Body: SecondFactor(f)}
		})
	httpapi.Register(api, httpapi.Op{ID: "enrol-totp", Summary: "Get a secret for an authenticator app", Errors: []int{409, 429},
		Description: "It counts from the first code that confirms it."},
		func(ctx context.Context, in *Password) (identity.Enrolment, error) {
			return users.EnrolTOTP(ctx, in.Body.Password)
		},
		func(e identity.Enrolment) httpapi.Out[Enrolment] { return httpapi.Out[Enrolment]{Body: Enrolment(e)} })
	httpapi.Register(api, httpapi.Op{ID: "confirm-totp", Summary: "Confirm the second factor with a code", Errors: []int{409, 429},
		Description: "A session that was restricted to this is free from its next refresh on."},
		func(ctx context.Context, in *Code) ([]string, error) { return users.ConfirmTOTP(ctx, in.Body.Code) }, recoveryCodes)
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "remove-totp", Summary: "Remove the second factor", Status: 204, Errors: []int{409, 429}},
		func(ctx context.Context, in *PasswordAndCode) (any, error) {
			return nil, users.RemoveTOTP(ctx, in.Body.Password, in.Body.Code)
		})
	httpapi.Register(api, httpapi.Op{ID: "renew-recovery-codes", Summary: "Get new recovery codes in place of all others",
		Errors: []int{409, 429}}, func(ctx context.Context, in *PasswordAndCode) ([]string, error) {
		return users.RenewRecoveryCodes(ctx, in.Body.Password, in.Body.Code)
	}, recoveryCodes)
}

func recoveryCodes(codes []string) httpapi.Out[RecoveryCodes] {
	return httpapi.Out[RecoveryCodes]{Body: RecoveryCodes{codes}}
}
