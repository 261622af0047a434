package conversation

import (
	"context"
	"errors"
	"slices"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const capability = "conversations"

// Agents is what a conversation needs of the agents.
type Agents interface {
	// Agent returns an agent. Errors: NotFound.
	Agent(ctx context.Context, client tenant.ID, id string) (agent.Agent, error)
	// Converse returns the agent, and the change that keeps it from being deleted, for the commit of a conversation. Errors: NotFound.
	Converse(ctx context.Context, client tenant.ID, id string) (store.Change, agent.Agent, error)
	// Live returns a published version, possibly from a cache, for it never changes. Errors: NotFound.
	Live(ctx context.Context, client tenant.ID, agent string, version int) (agent.Configuration, error)
}

// Library finds the passages of an agent's documents.
type Library interface {
	// Search returns at most limit passages, the best first, of the documents that the agent has at its corpus mark.
	Search(ctx context.Context, client tenant.ID, agent, corpus, question, language string, limit int) ([]llm.Passage, error)
}

// Budget counts what a client's turns cost.
type Budget interface {
	// Reserve returns the change that counts a message and reserves the turn's tokens, for the commit of the question. It is called again
	// where that loses its race. Errors: RateLimited `budget_exhausted`, Unavailable.
	Reserve(ctx context.Context, client tenant.ID, place, turn string, tokens int) (*quota.Reservation, store.Change, error)
	// Settle returns the change that counts the tokens used instead, for the commit of the reply. It is called again where that loses
	// its race. Errors: Unavailable.
	Settle(ctx context.Context, client tenant.ID, r *quota.Reservation, used int) (store.Change, error)
}

// Service keeps conversations. It may be used concurrently.
type Service struct {
	Table   store.Table
	Agents  Agents
	Library Library
	Model   llm.Model
	Budget  Budget
	System  system.System
}

// Start opens a conversation of the call's principal with a published agent. Errors: NotFound (of the agent), Conflict
// `agent_not_published`, Unavailable.
func (s *Service) Start(ctx context.Context, client tenant.ID, agentID string) (Conversation, error) {
	const op = "conversation.Start"
	for try := 1; ; try++ {
		c, err := s.start(ctx, client, agentID)
		if i, lost := store.FailedOn(err); lost && i == 0 && store.Again(ctx, try) {
			continue // the agent moved between our read and our commit, or is gone
		}
		return c, store.Fault(op, err)
	}
}

func (s *Service) start(ctx context.Context, client tenant.ID, agentID string) (Conversation, error) {
	keep, a, err := s.Agents.Converse(ctx, client, agentID)
	if err != nil {
		return Conversation{}, err
	}
	if a.PublishedVersion == 0 {
		return Conversation{}, fault.New("conversation.start", fault.Conflict, "agent_not_published")
	}
	now := s.System.Now()
	c := Conversation{ID: s.System.NewID("cnv"), AgentID: a.ID, Configuration: a.PublishedVersion,
		UserID: tenant.CallFrom(ctx).Principal.User, Status: Open, CreatedAt: now, UpdatedAt: now, Version: 1}
	row, err := c.item()
	if err != nil {
		return Conversation{}, err
	}
	idempotency.Answer(ctx, c)
	return c, s.commit(ctx, client, c, audit.Fact{Type: "conversation.started", Change: events.ConversationStarted{AgentID: a.ID,
		ConfigurationVersion: c.Configuration}}, keep, store.Create(row))
}

// Conversation returns a conversation. Errors: NotFound.
func (s *Service) Conversation(ctx context.Context, client tenant.ID, id string) (Conversation, error) {
	it, err := s.Table.Get(ctx, client, keys.Conversation(id))
	if errors.Is(err, store.ErrNotFound) {
		return Conversation{}, fault.Wrap("conversation.Conversation", fault.NotFound, "conversation_not_found", err)
	}
	if err != nil {
		return Conversation{}, store.Fault("conversation.Conversation", err)
	}
	return conversationOf(it)
}

// OfAgent returns a page of an agent's conversations, the newest first, and the cursor of the next. Errors: NotFound (of
// the agent).
func (s *Service) OfAgent(ctx context.Context, client tenant.ID, agentID string, limit int, cursor string,
) ([]Conversation, string, error) {
	return s.list(ctx, client, store.Query{Index: store.ByParent, Prefix: keys.AgentConversations(agentID), Limit: limit,
		Cursor: cursor, Descending: true}, agentID)
}

// OfUser is OfAgent for the conversations of one user alone. A page can be shorter than the limit before the end: the
// user's conversations with other agents were read and left out.
func (s *Service) OfUser(ctx context.Context, client tenant.ID, agentID, user string, limit int, cursor string,
) ([]Conversation, string, error) {
	return s.list(ctx, client, store.Query{Index: store.ByActor, Prefix: keys.UserConversations(user), Limit: limit,
		Cursor: cursor, Descending: true}, agentID)
}

// list returns the agent's conversations of a page. One that has any cannot be deleted, so that only where there is none the agent
// itself is asked for: a list costs one query.
func (s *Service) list(ctx context.Context, client tenant.ID, q store.Query, agentID string) ([]Conversation, string, error) {
	all, next, err := store.List(ctx, "conversation.list", s.Table, client, q, conversationOf)
	if err != nil {
		return nil, "", err
	}
	out := slices.DeleteFunc(all, func(c Conversation) bool { return c.AgentID != agentID })
	if len(out) == 0 {
		if _, err := s.Agents.Agent(ctx, client, agentID); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// Messages returns a page of a conversation's messages, the oldest first, and the cursor of the next.
func (s *Service) Messages(ctx context.Context, client tenant.ID, id string, limit int, cursor string,
) ([]Message, string, error) {
	return store.List(ctx, "conversation.Messages", s.Table, client, store.Query{Prefix: keys.Messages(id), Limit: limit,
		Cursor: cursor}, messageOf)
}

// Close ends a conversation; one that is closed stays so. Errors: NotFound, Unavailable.
func (s *Service) Close(ctx context.Context, client tenant.ID, c Conversation) (Conversation, error) {
	const op = "conversation.Close"
	for try := 1; ; try++ {
		if c.Status == Closed {
			return c, nil
		}
		seen := c.Version
		c.Status, c.UpdatedAt, c.Version = Closed, s.System.Now(), seen+1
		row, err := c.item()
		if err != nil {
			return Conversation{}, store.Fault(op, err)
		}
		idempotency.Answer(ctx, c)
		err = s.commit(ctx, client, c, audit.Fact{Type: "conversation.closed", Change: events.ConversationClosed{
			AgentID: c.AgentID, Messages: c.Messages}}, store.Update(row, seen))
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return c, busy(op, err)
		}
		if c, err = s.Conversation(ctx, client, c.ID); err != nil {
			return Conversation{}, err
		}
	}
}

func (s *Service) commit(ctx context.Context, client tenant.ID, c Conversation, f audit.Fact, changes ...store.Change) error {
	f.Capability, f.Target = capability, audit.Target{Type: "conversation", ID: c.ID}
	e, err := audit.Happened(ctx, s.System, client, f)
	if err != nil {
		return err
	}
	return s.Table.Commit(ctx, client, audit.Of(e), changes...)
}

// busy is the fault of a commit that lost its race each time it was tried.
func busy(op string, err error) error {
	if _, failed := store.FailedOn(err); failed {
		return fault.Wrap(op, fault.Unavailable, "busy", err)
	}
	return store.Fault(op, err)
}
