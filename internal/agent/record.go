package agent

import (
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
)

type agentRecord struct {
	ID               string    `json:"id"`
	ProfileID        string    `json:"profile_id"`
	AnalysisID       string    `json:"analysis_id,omitempty"`
	Name             string    `json:"name"`
	Template         string    `json:"template"`
	TemplateVersion  int       `json:"template_version"`
	Status           Status    `json:"status"`
	DraftVersion     int       `json:"draft_version"`
	PublishedVersion int       `json:"published_version"`
	LastVersion      int       `json:"last_version"`
	Corpus           string    `json:"corpus,omitempty"`
	Documents        int       `json:"documents"`
	Bytes            int       `json:"bytes,omitempty"`
	Conversed        bool      `json:"conversed,omitempty"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

// item keeps the whole agent in the summary: it is small, and the list of a profile's agents shows it all.
func (a Agent) item() (store.Item, error) {
	it, err := store.Row(keys.Agent(a.ID), 1, agentRecord{a.ID, a.ProfileID, a.AnalysisID, a.Name, a.Template, a.TemplateVersion,
		a.Status, a.DraftVersion, a.PublishedVersion, a.LastVersion, a.Corpus, a.Documents, a.Bytes, a.Conversed, a.CreatedAt, a.UpdatedAt}, nil)
	it.ParentSK = keys.ProfileAgent(a.ProfileID, a.CreatedAt, a.ID)
	return it, err
}

func agentOf(it store.Item) (Agent, error) {
	var r agentRecord
	if err := it.Read(&r, nil); err != nil {
		return Agent{}, err
	}
	return Agent{r.ID, r.ProfileID, r.AnalysisID, r.Name, r.Template, r.TemplateVersion, r.Status, r.DraftVersion,
		r.PublishedVersion, r.LastVersion, r.Corpus, r.Documents, r.Bytes, r.Conversed, r.CreatedAt, r.UpdatedAt, it.Version}, nil
}

type configurationSummary struct {
	AgentID     string    `json:"agent_id"`
	Version     int       `json:"version"`
	Published   bool      `json:"published"`
	AuthorID    string    `json:"author_id"`
	CreatedAt   time.Time `json:"created_at"`
	PublishedAt time.Time `json:"published_at,omitzero"`
}

type configurationData struct {
	Texts     map[string]Text `json:"texts"`
	Workflows []Workflow      `json:"workflows"`
}

func (c Configuration) item() (store.Item, error) {
	it, err := store.Row(keys.Configuration(c.AgentID, c.Version), 1,
		configurationSummary{c.AgentID, c.Version, c.Published, c.AuthorID, c.CreatedAt, c.PublishedAt},
		configurationData{c.Texts, c.Workflows})
	it.ActorSK = keys.AuthorConfiguration(c.AuthorID, c.CreatedAt, c.AgentID)
	return it, err
}

func configurationOf(it store.Item) (Configuration, error) {
	var s configurationSummary
	var d configurationData
	if err := it.Read(&s, &d); err != nil {
		return Configuration{}, err
	}
	return Configuration{s.AgentID, s.Version, s.Published, d.Texts, d.Workflows, s.AuthorID, s.CreatedAt, s.PublishedAt,
		it.Version}, nil
}

type documentRecord struct {
	ID          string    `json:"id"`
	AgentID     string    `json:"agent_id"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Bytes       int       `json:"bytes"`
	Passages    int       `json:"passages"`
	Languages   []string  `json:"languages"`
	Generation  string    `json:"generation"`
	Chunks      int       `json:"chunks"`
	CreatedAt   time.Time `json:"created_at"`
}

func (d Document) item() (store.Item, error) {
	return store.Row(keys.Document(d.AgentID, d.ID), 1, nil, documentRecord(d.documentFields))
}

func documentOf(it store.Item) (Document, error) {
	var r documentRecord
	if err := it.Read(nil, &r); err != nil {
		return Document{}, err
	}
	return Document{documentFields(r), it.Version}, nil
}

type passageRecord struct {
	ID       string   `json:"id"`
	Heading  string   `json:"heading"`
	Path     []string `json:"path,omitempty"`
	Text     string   `json:"text"`
	Language string   `json:"language"`
}

// chunkRecord is a chunk of passages: their JSON array, gzipped, for a written kilobyte costs as much as its text would.
type chunkRecord struct {
	Gzip []byte `json:"gzip"`
}
