package agent

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/name"
)

// Status is where an agent is in its life.
type Status string

// The statuses.
const (
	Draft     Status = "draft"     // never published
	Published Status = "published" // answers people
)

// Agent is an assistant of a client.
type Agent struct {
	ID               string // agt_…
	ProfileID        string
	AnalysisID       string // empty: generated without an analysis
	Name             string
	Template         string // the sector it was generated from
	TemplateVersion  int
	Status           Status
	DraftVersion     int    // 0: there is no draft
	PublishedVersion int    // 0: never published
	LastVersion      int    // the newest configuration version
	Corpus           string // changes whenever its documents do
	Documents        int
	Bytes            int  // of its documents together
	Conversed        bool // somebody has begun a conversation with it: it stays
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Version          int64
}

// Workflow is a named sequence of steps that the agent follows.
type Workflow struct {
	Name  string   `json:"name"`
	When  string   `json:"when"`
	Steps []string `json:"steps"`
}

// Text is a configuration's words in one language.
type Text struct {
	Personality  string   `json:"personality"`
	Tone         string   `json:"tone"`
	Greeting     string   `json:"greeting"`
	Fallback     string   `json:"fallback"` // said when it does not know
	Instructions []string `json:"instructions"`
	Topics       []string `json:"topics"`
	Handoff      []string `json:"handoff"`  // when a human takes over
	Cautions     []string `json:"cautions"` // what it must be careful of
}

// Configuration is one version of what an agent is.
type Configuration struct {
	AgentID     string
	Version     int // 1, 2, …
	Published   bool
	Texts       map[string]Text // by language
	Workflows   []Workflow
	AuthorID    string
	CreatedAt   time.Time
	PublishedAt time.Time // zero while it is a draft
	Row         int64     // the version of its row
}

// Limits.
const (
	MaxText      = 4000     // characters of one text of a configuration
	MaxList      = 40       // entries of one list of a configuration
	MaxVersions  = 90       // configuration versions of one agent, so that one commit can delete them all
	MaxDocuments = 200      // documents of one agent
	MaxBytes     = 32 << 20 // bytes of one agent's documents together, for a search holds them all in memory
	MaxDocument  = 4 << 20  // bytes of one document
	chunkBytes   = 240 << 10
)

// full returns the fault of an agent that cannot take n more documents of so many bytes together.
func (a Agent) full(op string, n, bytes int) error {
	if n > 0 && (a.Documents+n > MaxDocuments || a.Bytes+bytes > MaxBytes) {
		return fault.New(op, fault.Conflict, "too_many_documents")
	}
	return nil
}

func nameFault(op, s string) error {
	if !name.Valid(s) {
		return fault.BadField(op, "body.name", name.Problem)
	}
	return nil
}

// Validate returns an Invalid error with one field for each thing that is wrong.
func (c Configuration) Validate() error {
	var bad []fault.Field
	long := func(at, s string) {
		if utf8.RuneCountInString(s) > MaxText {
			bad = append(bad, fault.Field{Location: at, Message: fmt.Sprintf("must have at most %d characters", MaxText)})
		}
	}
	list := func(at string, items []string) {
		if len(items) > MaxList {
			bad = append(bad, fault.Field{Location: at, Message: fmt.Sprintf("must have at most %d entries", MaxList)})
			return
		}
		for i, s := range items {
			long(fmt.Sprintf("%s[%d]", at, i), s)
		}
	}
	if len(c.Texts) == 0 {
		bad = append(bad, fault.Field{Location: "body.texts", Message: "must have at least one language"})
	}
	for language, t := range c.Texts {
		at := "body.texts." + language
		if language != "pt-BR" && language != "en" {
			bad = append(bad, fault.Field{Location: at, Message: "must be pt-BR or en"})
		}
		long(at+".personality", t.Personality)
		long(at+".tone", t.Tone)
		long(at+".greeting", t.Greeting)
		long(at+".fallback", t.Fallback)
		list(at+".instructions", t.Instructions)
		list(at+".topics", t.Topics)
		list(at+".handoff", t.Handoff)
		list(at+".cautions", t.Cautions)
	}
	if len(c.Workflows) > MaxList {
		bad = append(bad, fault.Field{Location: "body.workflows", Message: fmt.Sprintf("must have at most %d entries", MaxList)})
	}
	for i, w := range c.Workflows {
		at := fmt.Sprintf("body.workflows[%d]", i)
		long(at+".name", w.Name)
		long(at+".when", w.When)
		list(at+".steps", w.Steps)
	}
	if len(bad) > 0 {
		return &fault.Error{Op: "agent.Configuration.Validate", Kind: fault.Invalid, Code: "validation_failed", Fields: bad}
	}
	return nil
}
