package clients

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/tenant"
)

// APIKey is an API key as the API shows it: everything but its secret.
type APIKey struct {
	ID         string      `json:"id" example:"key_k3j5n7q2w4x6y2a3b5c7d2e4f6"`
	Name       string      `json:"name" example:"Website"`
	Prefix     string      `json:"prefix" doc:"How its credential begins: nowgo_<prefix>_" example:"k3j5n7q2w4x6"`
	Role       tenant.Role `json:"role" enum:"client_admin,agent_manager,standard_user"`
	Scopes     []string    `json:"scopes" nullable:"false" doc:"The operations that it is limited to" example:"[\"get-agent\"]"`
	Rate       int         `json:"rate,omitempty" doc:"Requests a minute; absent: no limit of its own"`
	CreatedBy  string      `json:"created_by"`
	CreatedAt  time.Time   `json:"created_at"`
	ExpiresAt  time.Time   `json:"expires_at"`
	RotatedAt  *time.Time  `json:"rotated_at,omitempty"`
	OverlapEnd *time.Time  `json:"overlap_ends_at,omitempty" doc:"When the secret before the last rotation ceases to work"`
	LastUsedAt *time.Time  `json:"last_used_at,omitempty" doc:"At most an hour behind; absent: never used"`
}

// IssuedAPIKey is a new key, or one with a new secret.
type IssuedAPIKey struct {
	APIKey
	Key string `json:"key" doc:"For the Authorization header, after Bearer. Nobody can see it again."`
}

// KeyByID names the key that an operation is upon; exported for the input types that embed it.
type KeyByID struct {
	KeyID string `path:"key_id" maxLength:"64"`
}

type createKey struct {
	Body struct {
		Name      string      `json:"name" minLength:"1" maxLength:"120" example:"Website"`
		Role      tenant.Role `json:"role" enum:"client_admin,agent_manager,standard_user"`
		Scopes    []string    `json:"scopes" minItems:"1" maxItems:"100" doc:"Ids of the operations that it may do" example:"[\"get-agent\"]"`
		ExpiresAt time.Time   `json:"expires_at,omitzero" doc:"At most a year from now; 90 days where absent"`
		Rate      int         `json:"rate,omitempty" minimum:"1" maximum:"6000" doc:"Requests a minute"`
	}
}

type rotateKey struct {
	KeyByID
	httpapi.OptionalPrecondition
	Body struct {
		Overlap *int `json:"overlap_minutes,omitempty" minimum:"0" maximum:"1440" default:"60" doc:"For which the secret before still works"`
	}
}

type revokeKey struct {
	KeyByID
	httpapi.Precondition
}

const usualOverlap = 60 // minutes

func (h handlers) registerKeys() {
	httpapi.Register(h.api, httpapi.Op{ID: "create-api-key", Summary: "Make an API key for a machine", Status: 201,
		Errors: []int{422}}, h.createKey, func(k identity.IssuedKey) httpapi.Out[IssuedAPIKey] {
		out := issued(k)
		out.Status, out.Location = 201, "/v1/api-keys/"+k.ID
		return out
	})
	httpapi.Register(h.api, httpapi.Op{ID: "list-api-keys", Summary: "List the own client's API keys"}, h.listKeys,
		httpapi.Body[httpapi.List[APIKey]])
	httpapi.Register(h.api, httpapi.Op{ID: "get-api-key", Summary: "Read an API key"},
		func(ctx context.Context, in *KeyByID) (identity.APIKey, error) {
			return h.users.APIKey(ctx, own(ctx), in.KeyID)
		}, func(k identity.APIKey) httpapi.Out[APIKey] {
			return httpapi.Out[APIKey]{ETag: httpapi.ETag(k.Version), Body: apiKey(k)}
		})
	httpapi.Register(h.api, httpapi.Op{ID: "rotate-api-key", Summary: "Give an API key a new secret",
		Errors: []int{409, 412, 422}}, h.rotateKey, issued)
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "revoke-api-key", Summary: "End an API key for good", Status: 204,
		Errors: []int{412, 428}}, h.revokeKey)
}

func (h handlers) createKey(ctx context.Context, in *createKey) (identity.IssuedKey, error) {
	b := in.Body
	return h.users.CreateAPIKey(ctx, own(ctx), identity.KeyInput{Name: b.Name, Role: b.Role, Scopes: b.Scopes, ExpiresAt: b.ExpiresAt,
		Rate: b.Rate})
}

func (h handlers) listKeys(ctx context.Context, in *httpapi.PageQuery) (httpapi.List[APIKey], error) {
	return httpapi.Page(ctx, h.api, *in, "", func(limit int, cursor string) ([]identity.APIKey, string, error) {
		return h.users.APIKeys(ctx, own(ctx), limit, cursor)
	}, apiKey)
}

func (h handlers) rotateKey(ctx context.Context, in *rotateKey) (identity.IssuedKey, error) {
	seen, err := in.Seen()
	if err != nil {
		return identity.IssuedKey{}, err
	}
	minutes := usualOverlap
	if in.Body.Overlap != nil {
		minutes = *in.Body.Overlap
	}
	return h.users.RotateAPIKey(ctx, own(ctx), in.KeyID, seen, time.Duration(minutes)*time.Minute)
}

func (h handlers) revokeKey(ctx context.Context, in *revokeKey) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	return nil, h.users.RevokeAPIKey(ctx, own(ctx), in.KeyID, seen)
}

func apiKey(k identity.APIKey) APIKey {
	return APIKey{k.ID, k.Name, k.Prefix, k.Role, k.Scopes.List(), k.Rate, k.CreatedBy, k.CreatedAt, k.ExpiresAt, timed(k.RotatedAt),
		timed(k.OverlapEnd), timed(k.LastUsedAt)}
}

func issued(k identity.IssuedKey) httpapi.Out[IssuedAPIKey] {
	return httpapi.Out[IssuedAPIKey]{ETag: httpapi.ETag(k.Version), Body: IssuedAPIKey{apiKey(k.APIKey), k.Credential}}
}

// timed leaves out a time that never was.
func timed(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
