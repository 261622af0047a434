package agent

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// fromTemplate returns the first draft that a template gives: the same agent in each of its languages.
func fromTemplate(t organization.Template) Configuration {
	c := Configuration{Texts: map[string]Text{}, Workflows: []Workflow{}}
	for language, from := range t.Texts {
		text := Text{Personality: from.Personality, Tone: from.Tone, Greeting: from.Greeting, Fallback: from.Fallback,
			Instructions: slices.Clone(from.Instructions), Cautions: slices.Clone(from.Cautions)}
		for _, topic := range from.Topics {
			text.Topics = append(text.Topics, topic.Title)
		}
		for _, rule := range from.Handoff {
			text.Handoff = append(text.Handoff, rule.When)
		}
		c.Texts[language] = text
	}
	return c
}

// Configuration returns one version of an agent's configuration. Errors: NotFound.
func (s *Service) Configuration(ctx context.Context, client tenant.ID, agent string, version int) (Configuration, error) {
	it, err := s.Table.Get(ctx, client, keys.Configuration(agent, version))
	if err != nil {
		return Configuration{}, notFound("agent.Configuration", "configuration_not_found", err)
	}
	return configurationOf(it)
}

// Configurations returns a page of an agent's versions, the newest first, and the cursor of the next. Errors: NotFound (of
// the agent).
func (s *Service) Configurations(ctx context.Context, client tenant.ID, agent string, limit int, cursor string,
) ([]Configuration, string, error) {
	return under(ctx, s, client, agent, store.Query{Prefix: keys.Configurations(agent), Limit: limit, Cursor: cursor,
		Descending: true}, configurationOf)
}

// Drafted is a draft with the version of its agent, which the next change must name.
type Drafted struct {
	Configuration Configuration
	Agent         Agent
}

// PutDraft replaces the draft of an agent that is at version seen, or makes the next version where the newest is published
// (invariant 5). Errors: Invalid, NotFound, PreconditionFailed, Conflict `too_many_versions`.
func (s *Service) PutDraft(ctx context.Context, client tenant.ID, agent string, seen int64, texts map[string]Text,
	workflows []Workflow,
) (Drafted, error) {
	const op = "agent.PutDraft"
	a, err := s.seen(ctx, client, op, agent, seen)
	if err != nil {
		return Drafted{}, err
	}
	last, err := s.Configuration(ctx, client, agent, a.LastVersion)
	if err != nil {
		return Drafted{}, err
	}
	next := last
	next.Texts, next.Workflows = texts, workflows
	if err := next.Validate(); err != nil {
		return Drafted{}, err
	}
	// INVARIANT 5: what was published stays as it is; a change to it is the next version.
	if last.Published {
		if a.LastVersion >= MaxVersions {
			return Drafted{}, fault.New(op, fault.Conflict, "too_many_versions")
		}
		next = Configuration{AgentID: agent, Version: last.Version + 1, Texts: texts, Workflows: workflows,
			AuthorID: tenant.CallFrom(ctx).Principal.User, CreatedAt: s.System.Now()}
	}
	row, err := next.item()
	if err != nil {
		return Drafted{}, store.Fault(op, err)
	}
	write := store.Update(row, last.Row)
	if last.Published {
		write = store.Create(row)
	}
	next.Row++
	a.DraftVersion, a.LastVersion = next.Version, next.Version
	a.Version, a.UpdatedAt = seen+1, s.System.Now()
	agentRow, err := a.item()
	if err != nil {
		return Drafted{}, store.Fault(op, err)
	}
	out := Drafted{next, a}
	err = s.commit(ctx, client, a, out, "configuration.drafted", events.ConfigurationDrafted{AgentID: agent,
		DraftVersion: next.Version, Fields: differing(last, next)}, store.Update(agentRow, seen), write)
	if err != nil {
		return Drafted{}, changed(op, err)
	}
	return out, nil
}

// differing names the parts in which two configurations differ, in byte order.
func differing(a, b Configuration) []string {
	var out []string
	languages := slices.Sorted(maps.Keys(b.Texts))
	for language := range a.Texts {
		if _, ok := b.Texts[language]; !ok {
			languages = append(languages, language)
		}
	}
	for _, language := range languages {
		if !same(a.Texts[language], b.Texts[language]) {
			out = append(out, "texts."+language)
		}
	}
	if !same(a.Workflows, b.Workflows) {
		out = append(out, "workflows")
	}
	slices.Sort(out)
	return out
}

func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Publish makes the draft the version that new conversations use. Where seen is not 0 the agent must be at that version.
// Errors: NotFound, PreconditionFailed (with a version seen), Conflict `nothing_to_publish`, Unavailable.
func (s *Service) Publish(ctx context.Context, client tenant.ID, agent string, seen int64) (Agent, error) {
	const op = "agent.Publish"
	return s.act(ctx, client, op, agent, seen, func(a Agent) (Agent, error) {
		if a.DraftVersion == 0 {
			return Agent{}, fault.New(op, fault.Conflict, "nothing_to_publish")
		}
		c, err := s.Configuration(ctx, client, agent, a.DraftVersion)
		if err != nil {
			return Agent{}, err
		}
		c.Published, c.PublishedAt = true, s.System.Now()
		row, err := c.item()
		if err != nil {
			return Agent{}, store.Fault(op, err)
		}
		previous := a.PublishedVersion
		a.Status, a.PublishedVersion, a.DraftVersion = Published, c.Version, 0
		return s.update(ctx, client, op, a, "agent.published", events.AgentPublished{PublishedVersion: c.Version,
			PreviousVersion: previous}, store.Update(row, c.Row))
	})
}

// Rollback makes an earlier published version the one that new conversations use. Where seen is not 0 the agent must be at
// that version. Errors: NotFound, PreconditionFailed (with a version seen), Conflict `not_published`, Unavailable.
func (s *Service) Rollback(ctx context.Context, client tenant.ID, agent string, seen int64, version int) (Agent, error) {
	const op = "agent.Rollback"
	return s.act(ctx, client, op, agent, seen, func(a Agent) (Agent, error) {
		c, err := s.Configuration(ctx, client, agent, version)
		if err != nil {
			return Agent{}, err
		}
		if !c.Published || version == a.PublishedVersion {
			return Agent{}, fault.New(op, fault.Conflict, "not_published")
		}
		previous := a.PublishedVersion
		a.PublishedVersion = version
		return s.update(ctx, client, op, a, "agent.rolled_back", events.AgentRolledBack{PublishedVersion: version,
			PreviousVersion: previous})
	})
}

// act changes the agent as it is at version seen. Where seen is 0 the caller named no version and cannot have a wrong one: what lost
// a race is done again upon the agent as it is then, and after ten tries the agent is busy (invariant 13).
func (s *Service) act(ctx context.Context, client tenant.ID, op, id string, seen int64, change func(Agent) (Agent, error),
) (Agent, error) {
	if seen != 0 {
		a, err := s.seen(ctx, client, op, id, seen)
		if err != nil {
			return Agent{}, err
		}
		return change(a)
	}
	for try := 1; ; try++ {
		a, err := s.Agent(ctx, client, id)
		if err != nil {
			return Agent{}, err
		}
		a, err = change(a)
		if !fault.Is(err, fault.PreconditionFailed) {
			return a, err
		}
		if !store.Again(ctx, try) {
			return Agent{}, fault.Wrap(op, fault.Unavailable, "busy", err)
		}
	}
}
