// Package analysis serves the operations upon organizational profiles and sector templates.
package analysis

import (
	"context"
	"slices"
	"time"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/tenant"
)

// Profile is a profile as the API shows it.
type Profile struct {
	ID        string                `json:"id"`
	Name      string                `json:"name"`
	Industry  string                `json:"industry"`
	Size      organization.Size     `json:"size"`
	Metrics   []organization.Metric `json:"metrics"`
	Agents    int                   `json:"agents" doc:"How many agents were generated for it"`
	CreatedAt time.Time             `json:"created_at"`
	UpdatedAt time.Time             `json:"updated_at"`
}

// Metric is a success metric as it comes in.
type Metric struct {
	Key       string                 `json:"key" pattern:"^[a-z][a-z0-9_]*$" maxLength:"64" example:"first_response"`
	Name      string                 `json:"name" minLength:"1" maxLength:"120" example:"First response"`
	Unit      string                 `json:"unit" minLength:"1" maxLength:"40" example:"minutes"`
	Direction organization.Direction `json:"direction" enum:"up,down"`
	Baseline  float64                `json:"baseline"`
	Target    float64                `json:"target"`
	Current   float64                `json:"current"`
}

// Size is a company's size as it comes in.
type Size struct {
	Employees int `json:"employees" minimum:"1" maximum:"10000000"`
}

type create struct {
	Body struct {
		Name     string   `json:"name" minLength:"1" maxLength:"120" example:"Loja Azul"`
		Industry string   `json:"industry" maxLength:"64" example:"retail" doc:"A sector of the templates"`
		Size     Size     `json:"size"`
		Metrics  []Metric `json:"metrics,omitempty" maxItems:"50"`
	}
}

// ByID names what the operation is upon; exported for the input types that embed it.
type ByID struct {
	ProfileID string `path:"profile_id" maxLength:"64"`
}

type update struct {
	ByID
	httpapi.Precondition
	Body struct {
		Name     *string   `json:"name,omitempty" minLength:"1" maxLength:"120"`
		Industry *string   `json:"industry,omitempty" maxLength:"64"`
		Size     *Size     `json:"size,omitempty"`
		Metrics  *[]Metric `json:"metrics,omitempty" maxItems:"50"`
	}
}

type remove struct {
	ByID
	httpapi.Precondition
}

type handlers struct {
	api      *httpapi.API
	profiles *organization.Service
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, profiles *organization.Service) {
	h := handlers{api, profiles}
	h.registerTemplates()
	httpapi.Register(api, httpapi.Op{ID: "create-profile", Summary: "Describe a company, or a part of one", Status: 201,
		Errors: []int{422}}, h.create, func(p organization.Profile) httpapi.Out[Profile] {
		out := shown(p)
		out.Status, out.Location = 201, "/v1/profiles/"+p.ID
		return out
	})
	httpapi.Register(api, httpapi.Op{ID: "list-profiles", Summary: "List profiles"}, h.list,
		httpapi.Body[httpapi.List[Profile]])
	httpapi.Register(api, httpapi.Op{ID: "get-profile", Summary: "Read a profile", Errors: []int{404}},
		func(ctx context.Context, in *ByID) (organization.Profile, error) {
			client, err := h.upon(ctx, in.ProfileID)
			if err != nil {
				return organization.Profile{}, err
			}
			return profiles.Profile(ctx, client, in.ProfileID)
		}, shown)
	httpapi.Register(api, httpapi.Op{ID: "update-profile", Summary: "Change a profile", Errors: []int{404, 412, 422, 428}},
		h.update, shown)
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "delete-profile", Summary: "Delete a profile without agents", Status: 204,
		Errors: []int{404, 409, 412, 428}}, h.remove)
}

func own(ctx context.Context) tenant.ID { return tenant.CallFrom(ctx).Principal.Client }

func thing(ctx context.Context, id string) access.Resource {
	return access.Resource{Type: "Profile", ID: id, Client: own(ctx)}
}

// upon returns the client whose profile the operation is upon; a profile that the policies keep from the principal is as absent as one
// that does not exist. The id says it all: nothing is read.
func (h handlers) upon(ctx context.Context, id string) (tenant.ID, error) {
	return own(ctx), h.api.Reach(ctx, thing(ctx, id), nil, fault.New("analysis.upon", fault.NotFound, "profile_not_found"))
}

// named returns those of a page's profiles that the policies let the principal see: a page may be shorter than its limit.
func (h handlers) named(ctx context.Context, page []organization.Profile) []organization.Profile {
	return slices.DeleteFunc(page, func(p organization.Profile) bool {
		d, err := h.api.Decide(ctx, thing(ctx, p.ID), nil)
		return err != nil || !d.Allow
	})
}

func (h handlers) create(ctx context.Context, in *create) (organization.Profile, error) {
	b := in.Body
	return h.profiles.CreateProfile(ctx, own(ctx), organization.Profile{Name: b.Name, Industry: b.Industry,
		Size: organization.Size(b.Size), Metrics: metrics(b.Metrics)})
}

func metrics(in []Metric) []organization.Metric {
	out := make([]organization.Metric, 0, len(in))
	for _, m := range in {
		out = append(out, organization.Metric(m))
	}
	return out
}

func (h handlers) list(ctx context.Context, in *httpapi.PageQuery) (httpapi.List[Profile], error) {
	return httpapi.Page(ctx, h.api, *in, "", func(limit int, cursor string) ([]organization.Profile, string, error) {
		all, next, err := h.profiles.Profiles(ctx, own(ctx), limit, cursor)
		return h.named(ctx, all), next, err
	}, view)
}

func (h handlers) update(ctx context.Context, in *update) (organization.Profile, error) {
	seen, err := in.Seen()
	if err != nil {
		return organization.Profile{}, err
	}
	patch := organization.Patch{Name: in.Body.Name, Industry: in.Body.Industry}
	if in.Body.Size != nil {
		patch.Size = &organization.Size{Employees: in.Body.Size.Employees}
	}
	if in.Body.Metrics != nil {
		m := metrics(*in.Body.Metrics)
		patch.Metrics = &m
	}
	client, err := h.upon(ctx, in.ProfileID)
	if err != nil {
		return organization.Profile{}, err
	}
	return h.profiles.UpdateProfile(ctx, client, in.ProfileID, seen, patch)
}

func (h handlers) remove(ctx context.Context, in *remove) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	client, err := h.upon(ctx, in.ProfileID)
	if err != nil {
		return nil, err
	}
	return nil, h.profiles.DeleteProfile(ctx, client, in.ProfileID, seen)
}

func view(p organization.Profile) Profile {
	return Profile{p.ID, p.Name, p.Industry, p.Size, p.Metrics, p.Agents, p.CreatedAt, p.UpdatedAt}
}

func shown(p organization.Profile) httpapi.Out[Profile] {
	return httpapi.Out[Profile]{ETag: httpapi.ETag(p.Version), Body: view(p)}
}
