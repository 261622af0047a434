package conversation

import (
	"time"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
)

type conversationRecord struct {
	ID            string    `json:"id"`
	AgentID       string    `json:"agent_id"`
	Configuration int       `json:"configuration"`
	UserID        string    `json:"user_id"`
	Status        Status    `json:"status"`
	Messages      int       `json:"messages"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// item keeps the whole conversation in the summary: it is small, and both lists show it all.
func (c Conversation) item() (store.Item, error) {
	it, err := store.Row(keys.Conversation(c.ID), 1, conversationRecord{c.ID, c.AgentID, c.Configuration, c.UserID, c.Status,
		c.Messages, c.CreatedAt, c.UpdatedAt}, nil)
	it.ParentSK = keys.AgentConversation(c.AgentID, c.CreatedAt, c.ID)
	it.ActorSK = keys.UserConversation(c.UserID, c.CreatedAt, c.ID)
	return it, err
}

func conversationOf(it store.Item) (Conversation, error) {
	var r conversationRecord
	if err := it.Read(&r, nil); err != nil {
		return Conversation{}, err
	}
	return Conversation{r.ID, r.AgentID, r.Configuration, r.UserID, r.Status, r.Messages, r.CreatedAt, r.UpdatedAt,
		it.Version}, nil
}

type messageRecord struct {
	ID        string           `json:"id"`
	Sequence  int              `json:"sequence"`
	Speaker   llm.Speaker      `json:"speaker"`
	Text      string           `json:"text"`
	Language  string           `json:"language,omitempty"`
	Answered  bool             `json:"answered,omitempty"`
	Citations []citationRecord `json:"citations,omitempty"`
	Input     int              `json:"input_tokens,omitempty"`
	Output    int              `json:"output_tokens,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
}

type citationRecord struct {
	DocumentID string `json:"document_id"`
	PassageID  string `json:"passage_id"`
	Heading    string `json:"heading"`
	Quote      string `json:"quote"`
}

func (m Message) item(conversation string) (store.Item, error) {
	r := messageRecord{m.ID, m.Sequence, m.Speaker, m.Text, m.Language, m.Answered, nil, m.Usage.InputTokens,
		m.Usage.OutputTokens, m.CreatedAt}
	for _, c := range m.Citations {
		r.Citations = append(r.Citations, citationRecord(c))
	}
	return store.Row(keys.Message(conversation, m.Sequence), 1, nil, r)
}

func messageOf(it store.Item) (Message, error) {
	var r messageRecord
	if err := it.Read(nil, &r); err != nil {
		return Message{}, err
	}
	m := Message{r.ID, r.Sequence, r.Speaker, r.Text, r.Language, r.Answered, nil, llm.Usage{InputTokens: r.Input,
		OutputTokens: r.Output}, r.CreatedAt}
	for _, c := range r.Citations {
		m.Citations = append(m.Citations, llm.Citation(c))
	}
	return m, nil
}
