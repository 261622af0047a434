// Package agents serves the operations upon agents, their configurations and their documents.
package agents

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/httpapi"
)

// Agent is an agent as the API shows it.
type Agent struct {
	ID               string       `json:"id"`
	ProfileID        string       `json:"profile_id"`
	AnalysisID       string       `json:"analysis_id,omitempty"`
	Name             string       `json:"name"`
	Template         string       `json:"template"`
	TemplateVersion  int          `json:"template_version"`
	Status           agent.Status `json:"status" enum:"draft,published"`
	DraftVersion     int          `json:"draft_version,omitempty" doc:"Absent where there is no draft"`
	PublishedVersion int          `json:"published_version,omitempty" doc:"Absent where it was never published"`
	Documents        int          `json:"documents"`
	CreatedAt        time.Time    `json:"created_at"`
	UpdatedAt        time.Time    `json:"updated_at"`
}

type generate struct {
	Body struct {
		ProfileID  string `json:"profile_id" maxLength:"64"`
		Template   string `json:"template" maxLength:"64" example:"retail" doc:"A sector"`
		Name       string `json:"name" minLength:"1" maxLength:"120" example:"Sofia"`
		AnalysisID string `json:"analysis_id,omitempty" maxLength:"64"`
	}
}

// ByID names what the operation is upon; exported for the input types that embed it.
type ByID struct {
	AgentID string `path:"agent_id" maxLength:"64"`
}

type listQuery struct {
	httpapi.PageQuery
	ProfileID string `query:"profile_id" maxLength:"64" doc:"Only agents of this profile"`
}

type rename struct {
	ByID
	httpapi.Precondition
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"120"`
	}
}

type remove struct {
	ByID
	httpapi.Precondition
}

type publish struct {
	ByID
	httpapi.OptionalPrecondition
}

type rollback struct {
	ByID
	httpapi.OptionalPrecondition
	Body struct {
		Version int `json:"version" minimum:"1" maximum:"99999999"`
	}
}

type handlers struct {
	api     *httpapi.API
	agents  *agent.Service
	library conversation.Library
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, agents *agent.Service, library conversation.Library) {
	h := handlers{api, agents, library}
	httpapi.Register(api, httpapi.Op{ID: "generate-agent", Expensive: true, Summary: "Generate an agent from a profile and a sector template",
		Status: 201, Errors: []int{404, 422}}, h.generate, func(a agent.Agent) httpapi.Out[Agent] {
		out := shown(a)
		out.Status, out.Location = 201, "/v1/agents/"+a.ID
		return out
	})
	httpapi.Register(api, httpapi.Op{ID: "list-agents", Summary: "List agents"}, h.list, httpapi.Body[httpapi.List[Agent]])
	httpapi.Register(api, httpapi.Op{ID: "get-agent", Summary: "Read an agent", Errors: []int{404}},
		func(ctx context.Context, in *ByID) (agent.Agent, error) {
			return h.visible(ctx, in.AgentID)
		}, shown)
	httpapi.Register(api, httpapi.Op{ID: "update-agent", Summary: "Rename an agent", Errors: []int{404, 412, 428}}, h.rename, shown)
	httpapi.RegisterEmpty(api, httpapi.Op{ID: "delete-agent", Summary: "Delete an agent that has neither documents nor conversations",
		Status: 204, Errors: []int{404, 409, 412, 428}}, h.remove)
	httpapi.Register(api, httpapi.Op{ID: "publish-agent", Summary: "Make the draft what new conversations use",
		Errors: []int{404, 409, 412}}, h.publish, shown)
	httpapi.Register(api, httpapi.Op{ID: "rollback-agent", Summary: "Go back to an earlier published version",
		Errors: []int{404, 409, 412}}, h.rollback, shown)
	h.registerConfigurations()
	h.registerDocuments()
}

func (h handlers) generate(ctx context.Context, in *generate) (agent.Agent, error) {
	b := in.Body
	client, err := h.profile(ctx, b.ProfileID)
	if err != nil {
		return agent.Agent{}, err
	}
	return h.agents.Generate(ctx, client, agent.Generation{ProfileID: b.ProfileID, Template: b.Template, Name: b.Name,
		AnalysisID: b.AnalysisID})
}

func (h handlers) list(ctx context.Context, in *listQuery) (httpapi.List[Agent], error) {
	return httpapi.Page(ctx, h.api, in.PageQuery, "profile="+in.ProfileID, func(limit int, cursor string) ([]agent.Agent, string, error) {
		all, next, err := h.agents.Agents(ctx, own(ctx), in.ProfileID, limit, cursor)
		return h.named(ctx, all), next, err
	}, view)
}

func (h handlers) rename(ctx context.Context, in *rename) (agent.Agent, error) {
	seen, err := in.Seen()
	if err != nil {
		return agent.Agent{}, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Agent{}, err
	}
	return h.agents.Rename(ctx, client, in.AgentID, seen, in.Body.Name)
}

func (h handlers) remove(ctx context.Context, in *remove) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return nil, err
	}
	return nil, h.agents.Delete(ctx, client, in.AgentID, seen)
}

func (h handlers) publish(ctx context.Context, in *publish) (agent.Agent, error) {
	seen, err := in.Seen()
	if err != nil {
		return agent.Agent{}, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Agent{}, err
	}
	return h.agents.Publish(ctx, client, in.AgentID, seen)
}

func (h handlers) rollback(ctx context.Context, in *rollback) (agent.Agent, error) {
	seen, err := in.Seen()
	if err != nil {
		return agent.Agent{}, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Agent{}, err
	}
	return h.agents.Rollback(ctx, client, in.AgentID, seen, in.Body.Version)
}

func view(a agent.Agent) Agent {
	return Agent{a.ID, a.ProfileID, a.AnalysisID, a.Name, a.Template, a.TemplateVersion, a.Status, a.DraftVersion,
		a.PublishedVersion, a.Documents, a.CreatedAt, a.UpdatedAt}
}

func shown(a agent.Agent) httpapi.Out[Agent] {
	return httpapi.Out[Agent]{ETag: httpapi.ETag(a.Version), Body: view(a)}
}
