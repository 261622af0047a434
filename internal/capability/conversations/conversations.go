// Package conversations serves the talk with agents. It is also where a person's own conversations are kept from the
// client's other standard users: each operation upon one conversation asks the decision point again, with its owner.
package conversations

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/tenant"
)

// Conversation is a conversation as the API shows it.
type Conversation struct {
	ID                   string              `json:"id"`
	AgentID              string              `json:"agent_id"`
	ConfigurationVersion int                 `json:"configuration_version" doc:"The published version that it stays on"`
	UserID               string              `json:"user_id"`
	Status               conversation.Status `json:"status" enum:"open,closed"`
	Messages             int                 `json:"messages"`
	CreatedAt            time.Time           `json:"created_at"`
	UpdatedAt            time.Time           `json:"updated_at"`
}

// Citation is a passage that a reply rests on.
type Citation struct {
	DocumentID string `json:"document_id"`
	PassageID  string `json:"passage_id"`
	Heading    string `json:"heading"`
	Quote      string `json:"quote"`
}

// Message is a message as the API shows it. Language, answered and citations are of replies.
type Message struct {
	ID        string      `json:"id"`
	Sequence  int         `json:"sequence"`
	Speaker   llm.Speaker `json:"speaker" enum:"user,assistant"`
	Text      string      `json:"text"`
	Language  string      `json:"language,omitempty"`
	Answered  *bool       `json:"answered,omitempty"`
	Citations []Citation  `json:"citations,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
}

// Turn is a message with its reply.
type Turn struct {
	Message Message `json:"message"`
	Reply   Message `json:"reply"`
}

// ByAgent names the agent; exported for the input types that embed it.
type ByAgent struct {
	AgentID string `path:"agent_id" maxLength:"64"`
}

type listQuery struct {
	ByAgent
	httpapi.PageQuery
}

type start struct {
	ByAgent
	Body struct{}
}

// ByID names what the operation is upon; exported for the input types that embed it.
type ByID struct {
	ConversationID string `path:"conversation_id" maxLength:"64"`
}

type messageQuery struct {
	ByID
	httpapi.PageQuery
}

type send struct {
	ByID
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"4000" example:"Vocês abrem no domingo?"`
	}
}

type handlers struct {
	api           *httpapi.API
	conversations *conversation.Service
}

// Register mounts the capability's operations on api.
func Register(api *httpapi.API, conversations *conversation.Service) {
	h := handlers{api, conversations}
	httpapi.Register(api, httpapi.Op{ID: "start-conversation", Summary: "Start a conversation with a published agent",
		Status: 201, Errors: []int{404, 409}}, h.start, func(c conversation.Conversation) httpapi.Out[Conversation] {
		out := shown(c)
		out.Status, out.Location = 201, "/v1/conversations/"+c.ID
		return out
	})
	httpapi.Register(api, httpapi.Op{ID: "list-conversations", Errors: []int{404},
		Summary: "List an agent's conversations, the newest first; a standard user sees its own"}, h.list,
		httpapi.Body[httpapi.List[Conversation]])
	httpapi.Register(api, httpapi.Op{ID: "get-conversation", Summary: "Read a conversation", Errors: []int{404}},
		func(ctx context.Context, in *ByID) (conversation.Conversation, error) {
			return h.visible(ctx, in.ConversationID)
		}, shown)
	httpapi.Register(api, httpapi.Op{ID: "send-message", Summary: "Say something and get the agent's reply", Status: 201,
		Errors: []int{404, 409, 422}}, h.send, func(t conversation.Turn) httpapi.Out[Turn] {
		return httpapi.Out[Turn]{Status: 201, Body: Turn{message(t.Message), message(t.Reply)}}
	})
	httpapi.Register(api, httpapi.Op{ID: "list-messages", Summary: "List a conversation's messages, the oldest first",
		Errors: []int{404}}, h.messages, httpapi.Body[httpapi.List[Message]])
	httpapi.Register(api, httpapi.Op{ID: "close-conversation", Summary: "End a conversation", Errors: []int{404}}, h.close, shown)
}

func own(ctx context.Context) tenant.ID { return tenant.CallFrom(ctx).Principal.Client }

// reading returns what reads the profile of r's agent, on which the answer depends for managers who are limited to profiles.
func (h handlers) reading(ctx context.Context, r access.Resource) func() (access.Resource, error) {
	return func() (access.Resource, error) {
		id := r.Agent
		if r.Type == "Agent" {
			id = r.ID
		}
		a, err := h.conversations.Agents.Agent(ctx, r.Client, id)
		r.Profile = a.ProfileID
		return r, err
	}
}

// visible returns the conversation if the policies let the principal do the call's operation upon it; one that they
// don't is as absent as one that does not exist.
func (h handlers) visible(ctx context.Context, id string) (conversation.Conversation, error) {
	c, err := h.conversations.Conversation(ctx, own(ctx), id)
	if err == nil {
		r := access.Resource{Type: "Conversation", ID: c.ID, Client: own(ctx), Owner: c.UserID, Agent: c.AgentID}
		err = h.api.Reach(ctx, r, h.reading(ctx, r), fault.New("conversations.visible", fault.NotFound, "conversation_not_found"))
	}
	if err != nil {
		return conversation.Conversation{}, err
	}
	return c, nil
}

// errAbsent is the answer about an agent that does not exist, and about one that the policies keep from the principal.
var errAbsent = fault.New("conversations.upon", fault.NotFound, "agent_not_found")

func (h handlers) start(ctx context.Context, in *start) (conversation.Conversation, error) {
	r := access.Resource{Type: "Agent", ID: in.AgentID, Client: own(ctx)}
	if err := h.api.Reach(ctx, r, h.reading(ctx, r), errAbsent); err != nil {
		return conversation.Conversation{}, err
	}
	return h.conversations.Start(ctx, own(ctx), in.AgentID)
}

// list shows everybody's conversations with the agent, or the principal's own where the policies leave no more.
func (h handlers) list(ctx context.Context, in *listQuery) (httpapi.List[Conversation], error) {
	p := tenant.CallFrom(ctx).Principal
	talks := access.Resource{Type: "Conversation", Client: p.Client, Agent: in.AgentID}
	everybody, err := h.api.Decide(ctx, talks, h.reading(ctx, talks))
	if err == nil && !everybody.Allow {
		talks.Owner = p.User
		err = h.api.Reach(ctx, talks, h.reading(ctx, talks), errAbsent)
	}
	if err != nil {
		return httpapi.List[Conversation]{}, err
	}
	return httpapi.Page(ctx, h.api, in.PageQuery, in.AgentID, func(limit int, cursor string) ([]conversation.Conversation, string, error) {
		if everybody.Allow {
			return h.conversations.OfAgent(ctx, p.Client, in.AgentID, limit, cursor)
		}
		return h.conversations.OfUser(ctx, p.Client, in.AgentID, p.User, limit, cursor)
	}, view)
}

func (h handlers) send(ctx context.Context, in *send) (conversation.Turn, error) {
	c, err := h.visible(ctx, in.ConversationID)
	if err != nil {
		return conversation.Turn{}, err
	}
	return h.conversations.Send(ctx, own(ctx), c, in.Body.Text)
}

func (h handlers) messages(ctx context.Context, in *messageQuery) (httpapi.List[Message], error) {
	if _, err := h.visible(ctx, in.ConversationID); err != nil {
		return httpapi.List[Message]{}, err
	}
	return httpapi.Page(ctx, h.api, in.PageQuery, in.ConversationID, func(limit int, cursor string) ([]conversation.Message, string, error) {
		return h.conversations.Messages(ctx, own(ctx), in.ConversationID, limit, cursor)
	}, message)
}

func (h handlers) close(ctx context.Context, in *ByID) (conversation.Conversation, error) {
	c, err := h.visible(ctx, in.ConversationID)
	if err != nil {
		return conversation.Conversation{}, err
	}
	return h.conversations.Close(ctx, own(ctx), c)
}

func view(c conversation.Conversation) Conversation {
	return Conversation{c.ID, c.AgentID, c.Configuration, c.UserID, c.Status, c.Messages, c.CreatedAt, c.UpdatedAt}
}

func shown(c conversation.Conversation) httpapi.Out[Conversation] {
	return httpapi.Out[Conversation]{ETag: httpapi.ETag(c.Version), Body: view(c)}
}

func message(m conversation.Message) Message {
	out := Message{ID: m.ID, Sequence: m.Sequence, Speaker: m.Speaker, Text: m.Text, Language: m.Language,
		CreatedAt: m.CreatedAt}
	if m.Speaker == llm.Assistant {
		answered := m.Answered
		out.Answered = &answered
		out.Citations = []Citation{}
		for _, c := range m.Citations {
			out.Citations = append(out.Citations, Citation(c))
		}
	}
	return out
}
