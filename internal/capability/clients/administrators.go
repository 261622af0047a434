package clients

import (
	"context"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

type inviteAdministrator struct {
	ByID
	Body struct {
		Email    string `json:"email" format:"email" maxLength:"254" example:"ana@lojaazul.example"`
		Name     string `json:"name" minLength:"1" maxLength:"120" example:"Ana"`
		Language string `json:"language,omitempty" enum:"pt-BR,en" doc:"Of the mail; the client's default where absent"`
	}
}

func (h handlers) inviteAdministrator(ctx context.Context, in *inviteAdministrator) (identity.Invited, error) {
	b := in.Body
	c, language, err := h.addressed(ctx, in.ClientID, b.Language)
	if err != nil {
		return identity.Invited{}, err
	}
	if c.Status != client.Active && c.Status != client.Suspended { // what is made now might outlive the client
		return identity.Invited{}, fault.New("clients.inviteAdministrator", fault.Conflict, "client_leaving")
	}
	return h.users.Invite(ctx, c.ID, identity.InviteInput{Contact: identity.Contact{Email: b.Email, Name: b.Name},
		Role: tenant.ClientAdmin, Language: language, ClientName: c.Name, Replace: true})
}
