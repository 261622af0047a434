package agents

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/llm"
)

// Document is a document as the API shows it.
type Document struct {
	ID          string    `json:"id"`
	AgentID     string    `json:"agent_id"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Status      string    `json:"status" enum:"ready"`
	Bytes       int       `json:"bytes"`
	Passages    int       `json:"passages"`
	Languages   []string  `json:"languages"`
	CreatedAt   time.Time `json:"created_at"`
}

// Found is a passage that a search found.
type Found struct {
	DocumentID string  `json:"document_id"`
	PassageID  string  `json:"passage_id"`
	Heading    string  `json:"heading"`
	Text       string  `json:"text"`
	Language   string  `json:"language"`
	Score      float64 `json:"score" doc:"BM25; comparable within one answer"`
}

// Results are what a search found, the best first.
type Results struct {
	Items []Found `json:"items" nullable:"false"`
}

type addDocument struct {
	ByID
	Body struct {
		Name        string `json:"name" minLength:"1" maxLength:"200" example:"faq.md"`
		ContentType string `json:"content_type" maxLength:"200" example:"text/markdown" doc:"text/markdown or text/plain"`
		Content     string `json:"content" minLength:"1" doc:"At most 4 MiB of UTF-8"`
	}
}

// ByDocument names the document; exported for the input type that embeds it.
type ByDocument struct {
	ByID
	DocumentID string `path:"document_id" maxLength:"64"`
}

type removeDocument struct {
	ByDocument
	httpapi.Precondition
}

type documentsQuery struct {
	ByID
	httpapi.PageQuery
}

type searchQuery struct {
	ByID
	Q     string `query:"q" required:"true" minLength:"1" maxLength:"1000" doc:"The question, in Portuguese or English"`
	Limit int    `query:"limit" minimum:"1" maximum:"20" default:"5"`
}

// maxUpload is the largest request of add-document: a document's bytes, twice for JSON's escapes, within what a function takes.
const maxUpload = 5 << 20

func (h handlers) registerDocuments() {
	httpapi.Register(h.api, httpapi.Op{ID: "add-document", Expensive: true, Summary: "Teach an agent a document", Status: 201, MaxBody: maxUpload,
		Upload: true, Errors: []int{404, 409, 413, 422}}, h.addDocument, func(d agent.Document) httpapi.Out[Document] {
		out := shownDocument(d)
		out.Status, out.Location = 201, "/v1/agents/"+d.AgentID+"/documents/"+d.ID
		return out
	})
	httpapi.Register(h.api, httpapi.Op{ID: "list-documents", Summary: "List an agent's documents", Errors: []int{404}},
		h.documents, httpapi.Body[httpapi.List[Document]])
	httpapi.Register(h.api, httpapi.Op{ID: "get-document", Summary: "Read what is known of a document", Errors: []int{404}},
		h.document, shownDocument)
	httpapi.RegisterEmpty(h.api, httpapi.Op{ID: "delete-document", Summary: "Make an agent forget a document", Status: 204,
		Errors: []int{404, 412, 428}}, h.removeDocument)
	httpapi.Register(h.api, httpapi.Op{ID: "search-passages", Summary: "Search an agent's documents", Errors: []int{404}},
		h.search, httpapi.Body[Results])
}

func (h handlers) addDocument(ctx context.Context, in *addDocument) (agent.Document, error) {
	b := in.Body
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Document{}, err
	}
	return h.agents.AddDocument(ctx, client, in.AgentID, agent.Upload{Name: b.Name, ContentType: b.ContentType,
		Content: []byte(b.Content)})
}

func (h handlers) documents(ctx context.Context, in *documentsQuery) (httpapi.List[Document], error) {
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return httpapi.List[Document]{}, err
	}
	return httpapi.Page(ctx, h.api, in.PageQuery, in.AgentID, func(limit int, cursor string) ([]agent.Document, string, error) {
		return h.agents.Documents(ctx, client, in.AgentID, limit, cursor)
	}, document)
}

func (h handlers) document(ctx context.Context, in *ByDocument) (agent.Document, error) {
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return agent.Document{}, err
	}
	return h.agents.Document(ctx, client, in.AgentID, in.DocumentID)
}

func (h handlers) removeDocument(ctx context.Context, in *removeDocument) (any, error) {
	seen, err := in.Seen()
	if err != nil {
		return nil, err
	}
	client, err := h.upon(ctx, in.AgentID)
	if err != nil {
		return nil, err
	}
	return nil, h.agents.DeleteDocument(ctx, client, in.AgentID, in.DocumentID, seen)
}

func (h handlers) search(ctx context.Context, in *searchQuery) (Results, error) {
	a, err := h.visible(ctx, in.AgentID)
	if err != nil {
		return Results{}, err
	}
	passages, err := h.library.Search(ctx, own(ctx), a.ID, a.Corpus, in.Q, "", in.Limit)
	if err != nil {
		return Results{}, err
	}
	out := Results{Items: make([]Found, 0, len(passages))}
	for _, p := range passages {
		out.Items = append(out.Items, found(p))
	}
	return out, nil
}

func found(p llm.Passage) Found {
	return Found{p.DocumentID, p.PassageID, p.Heading, p.Text, p.Language, p.Score}
}

func document(d agent.Document) Document {
	languages := d.Languages
	if languages == nil {
		languages = []string{}
	}
	return Document{d.ID, d.AgentID, d.Name, d.ContentType, "ready", d.Bytes, d.Passages, languages, d.CreatedAt}
}

func shownDocument(d agent.Document) httpapi.Out[Document] {
	return httpapi.Out[Document]{ETag: httpapi.ETag(d.Version), Body: document(d)}
}
