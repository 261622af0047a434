// Package llm is the port to language models. The built-in model (llm/builtin) answers only from retrieved passages,
// extractively, and says when it does not know; adapters to others come beside it.
package llm

import "context"

// Speaker is who said a turn.
type Speaker string

// The speakers.
const (
	User      Speaker = "user"
	Assistant Speaker = "assistant"
	ToolReply Speaker = "tool"
)

// Turn is one message of the dialogue so far.
type Turn struct {
	Speaker  Speaker
	Text     string
	ToolCall string // with ToolReply: the id of the call it answers
}

// Passage is retrieved text that an answer may rest on.
type Passage struct {
	DocumentID string
	PassageID  string
	Heading    string
	Text       string
	Language   string  // pt-BR or en
	Score      float64 // of the search; comparable within one request
	Coverage   float64 // 0 to 1: how much of what was asked the passage speaks of; comparable between requests
}

// Tool is a function that the model may ask to be called. Schema is a JSON Schema of its arguments.
type Tool struct {
	Name        string
	Description string
	Schema      []byte
}

// ToolCall is the model's wish to have a tool called.
type ToolCall struct {
	ID        string
	Tool      string
	Arguments []byte // JSON
}

// Request is what a model is asked.
type Request struct {
	Model     string // empty: the adapter's default
	System    string // instructions: personality, tone, cautions
	Turns     []Turn // the last one is the question
	Passages  []Passage
	Tools     []Tool
	Language  string   // pt-BR or en: the language to answer in; empty: that of the question
	Languages []string // the languages that the client speaks
	// Fallback is what to say, by language, where the passages do not hold the answer; without one the adapter has its own.
	Fallback  map[string]string
	MaxTokens int // 0: the adapter's default
}

// Citation is a passage that an answer rests on, with the words taken from it.
type Citation struct {
	DocumentID string
	PassageID  string
	Heading    string
	Quote      string
}

// Usage counts what a request cost.
type Usage struct {
	InputTokens  int
	OutputTokens int
}

// Response is a model's complete answer.
type Response struct {
	Model     string // which model answered
	Text      string
	Language  string // pt-BR or en
	Answered  bool   // false: the model said that it does not know
	Citations []Citation
	ToolCalls []ToolCall
	Usage     Usage
	Stop      string // end, tool_calls, max_tokens or refused
}

// Model answers requests. Implementations may be used concurrently.
type Model interface {
	// Generate answers req. Where emit is not nil it gets the text in pieces as they come; joined they are Response.Text. An
	// error of emit ends the answer and is returned. Other errors: fault kinds Invalid, RateLimited, Unavailable.
	Generate(ctx context.Context, req Request, emit func(text string) error) (Response, error)
}
