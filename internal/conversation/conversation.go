package conversation

import (
	"time"

	"github.com/nowgo/agents/internal/llm"
)

// Status is whether a conversation takes messages.
type Status string

// The statuses.
const (
	Open   Status = "open"
	Closed Status = "closed"
)

// Conversation is one talk of one person with one agent.
type Conversation struct {
	ID            string // cnv_…
	AgentID       string
	Configuration int // the published version it started with, and stays on
	UserID        string
	Status        Status
	Messages      int // how many there are; the sequence of the last
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Version       int64
}

// Message is one message of a conversation.
type Message struct {
	ID        string // msg_…
	Sequence  int    // from 1
	Speaker   llm.Speaker
	Text      string
	Language  string // pt-BR or en; empty for a person's message
	Answered  bool   // of a reply: false where the agent said that it does not know
	Citations []llm.Citation
	Usage     llm.Usage
	CreatedAt time.Time
}

// Turn is a question with its reply.
type Turn struct {
	Message Message
	Reply   Message
}

// Limits.
const (
	MaxText  = 4000 // characters of a person's message
	history  = 10   // messages that the model is shown
	passages = 5    // passages that the model is shown
)
