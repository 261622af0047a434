package events

// ClientCreated is the change of client.created.
type ClientCreated struct {
	Slug      string   `json:"slug"`
	Languages []string `json:"languages"` // BCP 47: pt-BR, en; at least one
}

// ClientSuspended is the change of client.suspended. The reason that was given is text, and so in the private part.
type ClientSuspended struct {
	Version int64 `json:"version"` // of the client's item after the suspension
}

// ClientResumed is the change of client.resumed.
type ClientResumed struct {
	Version int64 `json:"version"` // of the client's item after resuming
}
