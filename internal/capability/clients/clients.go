// Package clients serves the operations upon clients, their settings and their users.
package clients

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// Client is a client as the API shows it.
type Client struct {
	ID        tenant.ID     `json:"id" example:"cli_k3j5n7q2w4x6y2a3b5c7d2e4f6"`
	Name      string        `json:"name" example:"Loja Azul"`
	Slug      string        `json:"slug" example:"loja-azul"`
	Status    client.Status `json:"status" enum:"active,suspended,offboarding,erasing"`
	Languages []string      `json:"languages,omitempty" example:"[\"pt-BR\",\"en\"]"`
	Plan      string        `json:"plan" enum:"starter,standard,business"`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	EraseAt   *time.Time    `json:"erase_at,omitempty" doc:"Of a client that is leaving: when everything it has will be erased"`
}

// Listed is a client in the platform's list.
type Listed struct {
	ID        tenant.ID `json:"id"`
	Name      string    `json:"name"`
	Slug      string    `json:"slug"`
	Status    string    `json:"status" enum:"active,suspended,offboarding,erasing"`
	CreatedAt time.Time `json:"created_at"`
}

// Invitation is an invitation under way.
type Invitation struct {
	ExpiresAt time.Time `json:"expires_at"`
	Token     string    `json:"token,omitempty" doc:"Only where no mail is configured"`
	URL       string    `json:"url,omitempty" doc:"Only where no mail is configured"`
}

// Onboarded is a new client with its administrator's invitation.
type Onboarded struct {
	Client
	Invitation Invitation `json:"invitation"`
}

type onboarding struct {
	Body struct {
		Name          string   `json:"name" minLength:"1" maxLength:"120" example:"Loja Azul"`
		Slug          string   `json:"slug" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" minLength:"3" maxLength:"40" example:"loja-azul"`
		Languages     []string `json:"languages" minItems:"1" enum:"pt-BR,en" example:"[\"pt-BR\",\"en\"]"`
		Plan          string   `json:"plan,omitempty" enum:"starter,standard,business" doc:"What the client may use; standard where absent"`
		Administrator struct {
			Email string `json:"email" format:"email" maxLength:"254" example:"ana@lojaazul.example"`
			Name  string `json:"name" minLength:"1" maxLength:"120" example:"Ana"`
		} `json:"administrator"`
	}
}

// ByID names what the operation is upon; exported for the input types that embed it.
type ByID struct {
	ClientID tenant.ID `path:"client_id" maxLength:"64"`
}

type action struct {
	ByID
	httpapi.OptionalPrecondition
}

// Rename is the input of a new name; exported for the input type that embeds it.
type Rename struct {
	httpapi.Precondition
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"120"`
	}
}

type updateByID struct {
	ByID
	httpapi.Precondition
	Body struct {
		Name *string `json:"name,omitempty" minLength:"1" maxLength:"120"`
		Plan *string `json:"plan,omitempty" enum:"starter,standard,business" doc:"What the client may use: in force within 15 seconds"`
	}
}

type handlers struct {
	api     *httpapi.API
	clients *client.Service
	users   *identity.Service
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, clients *client.Service, users *identity.Service, certificates *erasure.Signer, budgets *quota.Budgets) {
	h := handlers{api, clients, users}
	httpapi.Register(api, httpapi.Op{ID: "create-client", Summary: "Create a client and invite its administrator", Status: 201,
		Errors: []int{409, 422}}, h.create, onboarded)
	httpapi.Register(api, httpapi.Op{ID: "list-clients", Summary: "List the platform's clients"}, h.list,
		httpapi.Body[httpapi.List[Listed]])
	httpapi.Register(api, httpapi.Op{ID: "get-client", Summary: "Read a client", Errors: []int{404}},
		func(ctx context.Context, in *ByID) (client.Client, error) { return clients.Client(ctx, in.ClientID) }, shown)
	httpapi.Register(api, httpapi.Op{ID: "update-client", Summary: "Rename a client, or change its plan", Errors: []int{404, 412, 428}},
		func(ctx context.Context, in *updateByID) (client.Client, error) {
			seen, err := in.Seen()
			if err != nil {
				return client.Client{}, err
			}
			return h.clients.Update(ctx, in.ClientID, seen, client.Patch{Name: in.Body.Name, Plan: in.Body.Plan})
		}, shown)
	httpapi.Register(api, httpapi.Op{ID: "suspend-client", Summary: "Suspend a client: its people are out within a minute",
		Errors: []int{404, 412}}, h.status(client.Suspended), shown)
	httpapi.Register(api, httpapi.Op{ID: "resume-client", Summary: "Let a suspended client's people in again",
		Errors: []int{404, 412}}, h.status(client.Active), shown)
	httpapi.Register(api, httpapi.Op{ID: "get-own-client", Summary: "Read the own client"},
		func(ctx context.Context, _ *struct{}) (client.Client, error) { return clients.Client(ctx, own(ctx)) }, shown)
	httpapi.Register(api, httpapi.Op{ID: "update-own-client", Summary: "Rename the own client", Errors: []int{412, 428}},
		func(ctx context.Context, in *Rename) (client.Client, error) { return h.rename(ctx, own(ctx), in) }, shown)
	h.registerSettings()
	h.registerOffboarding(certificates)
	h.registerUsage(budgets)
	h.registerUsers()
	h.registerSessions()
	h.registerKeys()
}

func own(ctx context.Context) tenant.ID { return tenant.CallFrom(ctx).Principal.Client }

func (h handlers) create(ctx context.Context, in *onboarding) (client.Onboarded, error) {
	b := in.Body
	return h.clients.Create(ctx, client.Onboarding{Name: b.Name, Slug: b.Slug, Languages: b.Languages, Plan: b.Plan,
		Administrator: identity.Contact{Email: b.Administrator.Email, Name: b.Administrator.Name}})
}

func (h handlers) list(ctx context.Context, in *httpapi.PageQuery) (httpapi.List[Listed], error) {
	return httpapi.Page(ctx, h.api, *in, "", func(limit int, cursor string) ([]directory.Listed, string, error) {
		return h.clients.Clients(ctx, limit, cursor)
	}, func(l directory.Listed) Listed { return Listed{l.ID, l.Name, l.Slug, l.Status, l.CreatedAt} })
}

func (h handlers) rename(ctx context.Context, id tenant.ID, in *Rename) (client.Client, error) {
	seen, err := in.Seen()
	if err != nil {
		return client.Client{}, err
	}
	return h.clients.Rename(ctx, id, seen, in.Body.Name)
}

func (h handlers) status(to client.Status) func(context.Context, *action) (client.Client, error) {
	return func(ctx context.Context, in *action) (client.Client, error) {
		seen, err := in.Seen()
		if err != nil {
			return client.Client{}, err
		}
		return h.clients.SetStatus(ctx, in.ClientID, seen, to)
	}
}

func view(c client.Client) Client {
	out := Client{c.ID, c.Name, c.Slug, c.Status, c.Languages, c.Plan, c.CreatedAt, c.UpdatedAt, nil}
	if !c.EraseAt.IsZero() {
		out.EraseAt = &c.EraseAt
	}
	return out
}

func shown(c client.Client) httpapi.Out[Client] {
	return httpapi.Out[Client]{ETag: httpapi.ETag(c.Version), Body: view(c)}
}

func onboarded(o client.Onboarded) httpapi.Out[Onboarded] {
	return httpapi.Out[Onboarded]{Status: 201, ETag: httpapi.ETag(o.Client.Version),
		Location: "/v1/clients/" + string(o.Client.ID), Body: Onboarded{view(o.Client), invitation(o.Invitation)}}
}

func invitation(i identity.Invitation) Invitation { return Invitation{i.ExpiresAt, i.Token, i.URL} }
