package clients

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

// Settings are a client's settings as the API shows them.
type Settings struct {
	Languages       []string  `json:"languages"`
	DefaultLanguage string    `json:"default_language"`
	Channels        []string  `json:"channels"`
	TimeZone        string    `json:"time_zone"`
	UpdatedAt       time.Time `json:"updated_at"`

	SecondFactorRoles []tenant.Role `json:"second_factor_roles" nullable:"false" enum:"client_admin,agent_manager,standard_user" doc:"Users of these roles may do nothing but enrol a second factor until they have one"`
}

type putSettings struct {
	httpapi.Precondition
	Body struct {
		Languages       []string `json:"languages" minItems:"1" enum:"pt-BR,en" example:"[\"pt-BR\",\"en\"]"`
		DefaultLanguage string   `json:"default_language" enum:"pt-BR,en"`
		Channels        []string `json:"channels" enum:"web,whatsapp,slack,telegram,teams,email" example:"[\"web\"]"`
		TimeZone        string   `json:"time_zone" minLength:"1" maxLength:"64" example:"America/Sao_Paulo"`

		SecondFactorRoles []tenant.Role `json:"second_factor_roles,omitempty" enum:"client_admin,agent_manager,standard_user" doc:"Of whom a second factor is asked. Absent: as before" example:"[\"client_admin\"]"`
	}
}

func (h handlers) registerSettings() {
	httpapi.Register(h.api, httpapi.Op{ID: "get-settings", Summary: "Read the own client's settings"},
		func(ctx context.Context, _ *struct{}) (client.Settings, error) {
			return h.clients.Settings(ctx, own(ctx))
		}, settings)
	httpapi.Register(h.api, httpapi.Op{ID: "put-settings", Summary: "Replace the own client's settings",
		Errors: []int{412, 428}}, h.putSettings, settings)
}

func (h handlers) putSettings(ctx context.Context, in *putSettings) (client.Settings, error) {
	seen, err := in.Seen()
	if err != nil {
		return client.Settings{}, err
	}
	b := in.Body
	return h.clients.PutSettings(ctx, own(ctx), seen, client.Settings{Languages: b.Languages,
		DefaultLanguage: b.DefaultLanguage, Channels: b.Channels, TimeZone: b.TimeZone,
		SecondFactorRoles: b.SecondFactorRoles})
}

func settings(s client.Settings) httpapi.Out[Settings] {
	return httpapi.Out[Settings]{ETag: httpapi.ETag(s.Version), Body: Settings{s.Languages, s.DefaultLanguage, s.Channels,
		s.TimeZone, s.UpdatedAt, append([]tenant.Role{}, s.SecondFactorRoles...)}}
}
