package agents

import (
	"context"
	"strconv"
	"time"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
)

// Configuration is a configuration version as the API shows it.
type Configuration struct {
	AgentID     string                `json:"agent_id"`
	Version     int                   `json:"version"`
	Published   bool                  `json:"published"`
	Texts       map[string]agent.Text `json:"texts" doc:"By language: pt-BR, en"`
	Workflows   []agent.Workflow      `json:"workflows"`
	AuthorID    string                `json:"author_id"`
	CreatedAt   time.Time             `json:"created_at"`
	PublishedAt *time.Time            `json:"published_at,omitempty"`
}

type versionQuery struct {
	ByID
	Version string `path:"version" maxLength:"8" doc:"A number, or draft"`
}

type configurationsQuery struct {
	ByID
	httpapi.PageQuery
}

type putDraft struct {
	ByID
	httpapi.Precondition
	Body struct {
		Texts     map[string]agent.Text `json:"texts" doc:"By language: pt-BR, en"`
		Workflows []agent.Workflow      `json:"workflows" maxItems:"40"`
	}
}

func (h handlers) registerConfigurations() {
	httpapi.Register(h.api, httpapi.Op{ID: "list-configurations", Summary: "List an agent's versions, the newest first",
		Errors: []int{404}}, h.configurations, httpapi.Body[httpapi.List[Configuration]])
	httpapi.Register(h.api, httpapi.Op{ID: "get-configuration", Summary: "Read a version, or the draft",
		Description: "The draft comes with the agent's ETag, which the next change names.", Errors: []int{404}},
		h.configuration, drafted)
	httpapi.Register(h.api, httpapi.Op{ID: "put-draft", Summary: "Replace the draft, or begin the next version",
		Description: "If-Match names the agent's ETag: two people's drafts cannot overwrite each other.",
		Errors:      []int{404, 409, 412, 422, 428}}, h.putDraft, drafted)
}

func (h handlers) configurations(ctx context.Context, in *configurationsQuery) (httpapi.List[Configuration], error) {
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return httpapi.List[Configuration]{}, err
	}
	return httpapi.Page(ctx, h.api, in.PageQuery, in.AgentID, func(limit int, cursor string) ([]agent.Configuration, string, error) {
		return h.agents.Configurations(ctx, client, in.AgentID, limit, cursor)
	}, configuration)
}

func (h handlers) configuration(ctx context.Context, in *versionQuery) (agent.Drafted, error) {
	const op = "agents.configuration"
	missing := fault.New(op, fault.NotFound, "configuration_not_found")
	if in.Version != "draft" {
		n, err := strconv.Atoi(in.Version)
		if err != nil || n < 1 || strconv.Itoa(n) != in.Version {
			return agent.Drafted{}, missing
		}
		client, err := h.upon(ctx, in.AgentID)
		if err != nil {
			return agent.Drafted{}, err
		}
		c, err := h.agents.Configuration(ctx, client, in.AgentID, n)
		return agent.Drafted{Configuration: c}, err
	}
	a, err := h.visible(ctx, in.AgentID)
	if err != nil {
		return agent.Drafted{}, err
	}
	if a.DraftVersion == 0 {
		return agent.Drafted{}, missing
	}
	c, err := h.agents.Configuration(ctx, own(ctx), in.AgentID, a.DraftVersion)
	return agent.Drafted{Configuration: c, Agent: a}, err
}

func (h handlers) putDraft(ctx context.Context, in *putDraft) (agent.Drafted, error) {
	seen, err := in.Seen()
	if err != nil {
		return agent.Drafted{}, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Drafted{}, err
	}
	return h.agents.PutDraft(ctx, client, in.AgentID, seen, in.Body.Texts, in.Body.Workflows)
}

func drafted(d agent.Drafted) httpapi.Out[Configuration] {
	out := httpapi.Out[Configuration]{Body: configuration(d.Configuration)}
	if d.Agent.Version > 0 {
		out.ETag = httpapi.ETag(d.Agent.Version)
	}
	return out
}

func configuration(c agent.Configuration) Configuration {
	out := Configuration{AgentID: c.AgentID, Version: c.Version, Published: c.Published, Texts: c.Texts, Workflows: c.Workflows,
		AuthorID: c.AuthorID, CreatedAt: c.CreatedAt}
	if c.Published {
		out.PublishedAt = &c.PublishedAt
	}
	return out
}
