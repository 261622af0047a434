package agent

import (
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const capability = "agents"

// Profiles is what an agent needs of the organization.
type Profiles interface {
	// CountAgents returns the change that adds n to the profile's count of agents, and the profile. Errors: NotFound.
	CountAgents(ctx context.Context, client tenant.ID, profile string, n int) (store.Change, organization.Profile, error)
}

// Service keeps agents, configurations and documents. It may be used concurrently.
type Service struct {
	Table    store.Table
	Profiles Profiles
	Blobs    blob.Store
	Cache    cache.Cache
	System   system.System
}

// Generation is what an agent is generated from.
type Generation struct {
	ProfileID  string
	Template   string // a sector
	Name       string
	AnalysisID string // optional
}

// Generate makes an agent and its first draft from a profile and a sector template. Errors: Invalid, NotFound (of the
// profile).
func (s *Service) Generate(ctx context.Context, client tenant.ID, in Generation) (Agent, error) {
	const op = "agent.Generate"
	if err := nameFault(op, in.Name); err != nil {
		return Agent{}, err
	}
	template, ok := organization.FindTemplate(in.Template)
	if !ok {
		return Agent{}, fault.BadField(op, "body.template", "must be a sector of the templates")
	}
	if in.AnalysisID != "" {
		return Agent{}, fault.New(op, fault.NotFound, "analysis_not_found")
	}
	for try := 1; ; try++ {
		a, err := s.generate(ctx, client, op, in, template)
		if _, lost := store.FailedOn(err); lost && store.Again(ctx, try) {
			continue // the profile moved between our read and our commit
		}
		return a, store.Fault(op, err)
	}
}

func (s *Service) generate(ctx context.Context, client tenant.ID, op string, in Generation, template organization.Template,
) (Agent, error) {
	count, profile, err := s.Profiles.CountAgents(ctx, client, in.ProfileID, 1)
	if err != nil {
		return Agent{}, err
	}
	now := s.System.Now()
	a := Agent{ID: s.System.NewID("agt"), ProfileID: profile.ID, AnalysisID: in.AnalysisID, Name: in.Name,
		Template: template.Sector, TemplateVersion: template.Version, Status: Draft, DraftVersion: 1, LastVersion: 1,
		CreatedAt: now, UpdatedAt: now, Version: 1}
	c := fromTemplate(template)
	c.AgentID, c.Version, c.CreatedAt, c.AuthorID = a.ID, 1, now, tenant.CallFrom(ctx).Principal.User
	row, err := a.item()
	if err != nil {
		return Agent{}, store.Fault(op, err)
	}
	draft, err := c.item()
	if err != nil {
		return Agent{}, store.Fault(op, err)
	}
	return a, s.commit(ctx, client, a, a, "agent.generated", events.AgentGenerated{ProfileID: profile.ID,
		Template: a.Template, TemplateVersion: a.TemplateVersion, DraftVersion: 1},
		count, store.Create(row), store.Create(draft))
}

// Agent returns an agent. Errors: NotFound.
func (s *Service) Agent(ctx context.Context, client tenant.ID, id string) (Agent, error) {
	it, err := s.Table.Get(ctx, client, keys.Agent(id))
	if err != nil {
		return Agent{}, notFound("agent.Agent", "agent_not_found", err)
	}
	return agentOf(it)
}

// Agents returns a page of the client's agents, or of one profile's where profile is not empty, and the cursor of the next.
func (s *Service) Agents(ctx context.Context, client tenant.ID, profile string, limit int, cursor string,
) ([]Agent, string, error) {
	q := store.Query{Prefix: keys.AgentPrefix, Limit: limit, Cursor: cursor}
	if profile != "" {
		q.Index, q.Prefix = store.ByParent, keys.ProfileAgents(profile)
	}
	return store.List(ctx, "agent.Agents", s.Table, client, q, agentOf)
}

// Rename changes an agent's name. Errors: Invalid, NotFound, PreconditionFailed.
func (s *Service) Rename(ctx context.Context, client tenant.ID, id string, seen int64, name string) (Agent, error) {
	const op = "agent.Rename"
	if err := nameFault(op, name); err != nil {
		return Agent{}, err
	}
	a, err := s.seen(ctx, client, op, id, seen)
	if err != nil {
		return Agent{}, err
	}
	a.Name = name
	return s.update(ctx, client, op, a, "agent.updated", events.Updated{Fields: []string{"name"}, Version: seen + 1})
}

// Converse returns the change that goes along with a new conversation, and the agent: it requires the agent, and with its first
// conversation marks it, so that no deletion passes between. Errors: NotFound.
func (s *Service) Converse(ctx context.Context, client tenant.ID, id string) (store.Change, Agent, error) {
	a, err := s.Agent(ctx, client, id)
	if err != nil {
		return store.Change{}, Agent{}, err
	}
	if a.Conversed {
		return store.Check(keys.Agent(id), 0), a, nil
	}
	seen := a.Version
	a.Conversed, a.Version = true, seen+1
	row, err := a.item()
	return store.Update(row, seen), a, store.Fault("agent.Converse", err)
}

// Delete removes an agent that is at version seen and has neither documents nor conversations. Errors: NotFound,
// PreconditionFailed, Conflict `agent_in_use`.
func (s *Service) Delete(ctx context.Context, client tenant.ID, id string, seen int64) error {
	const op = "agent.Delete"
	a, err := s.seen(ctx, client, op, id, seen)
	if err != nil {
		return err
	}
	if a.Documents > 0 || a.Conversed {
		return fault.New(op, fault.Conflict, "agent_in_use")
	}
	var versions []store.Change
	if err := each(ctx, s.Table, client, keys.Configurations(id), func(it store.Item) error {
		versions = append(versions, store.Delete(it.SK, it.Version))
		return nil
	}); err != nil {
		return store.Fault(op, err)
	}
	for try := 1; ; try++ {
		count, _, err := s.Profiles.CountAgents(ctx, client, a.ProfileID, -1)
		if err != nil {
			return err
		}
		err = s.commit(ctx, client, a, a, "agent.deleted", events.AgentDeleted{Version: seen},
			append([]store.Change{store.Delete(keys.Agent(id), seen), count}, versions...)...)
		i, lost := store.FailedOn(err)
		if !lost || i != 1 { // the profile's count is not what the caller saw a version of
			return changed(op, err)
		}
		if !store.Again(ctx, try) {
			return store.Fault(op, err)
		}
	}
}

// seen returns the agent if it is at version seen.
func (s *Service) seen(ctx context.Context, client tenant.ID, op, id string, seen int64) (Agent, error) {
	a, err := s.Agent(ctx, client, id)
	if err != nil {
		return Agent{}, err
	}
	if a.Version != seen {
		return Agent{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	return a, nil
}

// update commits an agent that was read at a.Version, with the changes that go along, and returns it at its new version.
func (s *Service) update(ctx context.Context, client tenant.ID, op string, a Agent, kind string, change any,
	along ...store.Change,
) (Agent, error) {
	seen := a.Version
	a.Version, a.UpdatedAt = seen+1, s.System.Now()
	row, err := a.item()
	if err != nil {
		return Agent{}, store.Fault(op, err)
	}
	err = s.commit(ctx, client, a, a, kind, change, append([]store.Change{store.Update(row, seen)}, along...)...)
	if err != nil {
		return Agent{}, changed(op, err)
	}
	return a, nil
}

// commit writes the changes with their event upon the agent, and gives answer to whoever repeats the request.
func (s *Service) commit(ctx context.Context, client tenant.ID, a Agent, answer any, kind string, change any,
	changes ...store.Change,
) error {
	e, err := audit.Happened(ctx, s.System, client, audit.Fact{Capability: capability, Type: kind,
		Target: audit.Target{Type: "agent", ID: a.ID}, Change: change})
	if err != nil {
		return err
	}
	idempotency.Answer(ctx, answer)
	return s.Table.Commit(ctx, client, audit.Of(e), changes...)
}

// changed is the fault of an update whose condition did not hold: somebody else was first.
func changed(op string, err error) error {
	if _, failed := store.FailedOn(err); failed {
		return fault.Wrap(op, fault.PreconditionFailed, "version_mismatch", err)
	}
	return store.Fault(op, err)
}

func notFound(op, code string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fault.Wrap(op, fault.NotFound, code, err)
	}
	return store.Fault(op, err)
}

// under is store.List for what hangs on an agent. What does keeps its agent from being deleted, so that only where there is nothing the
// agent itself is asked for: a list costs one query. Errors: NotFound.
func under[T any](ctx context.Context, s *Service, client tenant.ID, agent string, q store.Query, decode func(store.Item) (T, error),
) ([]T, string, error) {
	out, next, err := store.List(ctx, "agent.under", s.Table, client, q, decode)
	if err != nil || len(out) > 0 {
		return out, next, err
	}
	if _, err := s.Agent(ctx, client, agent); err != nil {
		return nil, "", err
	}
	return out, next, nil
}
