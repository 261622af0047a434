package events

// ConversationStarted is the change of conversation.started.
type ConversationStarted struct {
	AgentID              string `json:"agent_id"`
	ConfigurationVersion int    `json:"configuration_version"` // the published version it stays on (invariant 5)
}

// MessageReceived is the change of conversation.message_received: somebody asked.
type MessageReceived struct {
	AgentID    string `json:"agent_id"`
	MessageID  string `json:"message_id"`
	Sequence   int    `json:"sequence"`   // in its conversation, from 1
	Characters int    `json:"characters"` // Unicode code points of the text
}

// Replied is the change of conversation.replied: the agent answered, or said that it does not know.
type Replied struct {
	AgentID   string `json:"agent_id"`
	MessageID string `json:"message_id"`
	Sequence  int    `json:"sequence"` // in its conversation
	Answered  bool   `json:"answered"` // false: it said that it does not know
	Language  string `json:"language"` // pt-BR or en
	Citations int    `json:"citations"`
	Usage     Usage  `json:"usage"`
}

// Usage counts what a reply cost.
type Usage struct {
	Model        string `json:"model"`
	InputTokens  int    `json:"input_tokens"`
	OutputTokens int    `json:"output_tokens"`
}

// ConversationClosed is the change of conversation.closed.
type ConversationClosed struct {
	AgentID  string `json:"agent_id"`
	Messages int    `json:"messages"` // how many it had
}
