package events

// AgentGenerated is the change of agent.generated.
type AgentGenerated struct {
	ProfileID       string `json:"profile_id"`
	AnalysisID      string `json:"analysis_id,omitempty"`
	Template        string `json:"template"` // the sector: retail, …
	TemplateVersion int    `json:"template_version"`
	DraftVersion    int    `json:"draft_version"` // of the configuration, from 1
}

// AgentDeleted is the change of agent.deleted.
type AgentDeleted struct {
	Version int64 `json:"version"` // of the item that was deleted
}

// ConfigurationDrafted is the change of configuration.drafted.
type ConfigurationDrafted struct {
	AgentID      string   `json:"agent_id"`
	DraftVersion int      `json:"draft_version"`
	Fields       []string `json:"fields,omitempty"` // JSON names of what differs from the draft before, in byte order
}

// AgentPublished is the change of agent.published.
type AgentPublished struct {
	PublishedVersion int `json:"published_version"`
	PreviousVersion  int `json:"previous_version,omitempty"` // what was live before; 0: nothing
}

// AgentRolledBack is the change of agent.rolled_back.
type AgentRolledBack struct {
	PublishedVersion int `json:"published_version"` // the version that is live again
	PreviousVersion  int `json:"previous_version"`  // the version that was live until then
}

// DocumentAdded is the change of document.added.
type DocumentAdded struct {
	AgentID     string   `json:"agent_id"`
	ContentType string   `json:"content_type"` // a media type without parameters
	Bytes       int      `json:"bytes"`
	Passages    int      `json:"passages"`
	Languages   []string `json:"languages,omitempty"` // found in its passages: pt-BR, en
}

// DocumentDeleted is the change of document.deleted.
type DocumentDeleted struct {
	AgentID  string `json:"agent_id"`
	Passages int    `json:"passages"` // how many went with it
}
