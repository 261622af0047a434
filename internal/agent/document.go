package agent

import (
	"context"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

type documentFields struct {
	ID          string // doc_…
	AgentID     string
	Name        string
	ContentType string // text/markdown or text/plain
	Bytes       int
	Passages    int
	Languages   []string
	Generation  string // which passages are the document's
	Chunks      int    // items that hold them
	CreatedAt   time.Time
}

// Document is a text that an agent knows.
type Document struct {
	documentFields
	Version int64
}

// Upload is a document as it comes in.
type Upload struct {
	Name        string
	ContentType string
	Content     []byte
}

func (u *Upload) validate(op string) error {
	if n := utf8.RuneCountInString(u.Name); n < 1 || n > 200 || strings.ContainsAny(u.Name, "/\\\x00\r\n") {
		return fault.BadField(op, "body.name", "must have 1 to 200 characters and no slash")
	}
	media, _, err := mime.ParseMediaType(u.ContentType)
	if err != nil || media != "text/markdown" && media != "text/plain" {
		return fault.BadField(op, "body.content_type", "must be text/markdown or text/plain")
	}
	u.ContentType = media
	if len(u.Content) > MaxDocument {
		return fault.New(op, fault.TooLarge, "document_too_large")
	}
	return nil
}

// AddDocument splits a document into passages and makes the agent know it. The text itself is kept as a file first; the
// passages, the document and the agent's new corpus mark are one commit. Errors: Invalid, NotFound (of the agent), TooLarge,
// Conflict `too_many_documents`.
func (s *Service) AddDocument(ctx context.Context, client tenant.ID, agent string, u Upload) (Document, error) {
	const op = "agent.AddDocument"
	if err := u.validate(op); err != nil {
		return Document{}, err
	}
	a, err := s.Agent(ctx, client, agent)
	if err != nil {
		return Document{}, err
	}
	if err := a.full(op, 1, len(u.Content)); err != nil { // before the file is kept, which nobody would delete
		return Document{}, err
	}
	d, passages, err := s.split(a, u)
	if err != nil {
		return Document{}, err
	}
	writes, err := chunks(d, passages)
	if err != nil {
		return Document{}, store.Fault(op, err)
	}
	d.Chunks = len(writes)
	row, err := d.item()
	if err != nil {
		return Document{}, store.Fault(op, err)
	}
	if err := s.Blobs.Put(ctx, client, blobName(d), u.Content); err != nil {
		return Document{}, fault.Wrap(op, fault.Unavailable, "unavailable", err)
	}
	writes = append(writes, store.Create(row))
	err = s.changeCorpus(ctx, client, op, a, d, 1, "document.added", events.DocumentAdded{AgentID: agent,
		ContentType: d.ContentType, Bytes: d.Bytes, Passages: d.Passages, Languages: d.Languages}, writes)
	return d, err
}

func (s *Service) split(a Agent, u Upload) (Document, []passageRecord, error) {
	sections, err := retrieval.Split(u.ContentType, u.Content)
	if err != nil {
		return Document{}, nil, err
	}
	d := Document{documentFields{ID: s.System.NewID("doc"), AgentID: a.ID, Name: u.Name, ContentType: u.ContentType,
		Bytes: len(u.Content), Passages: len(sections), Generation: s.System.NewULID(), CreatedAt: s.System.Now()}, 1}
	passages := make([]passageRecord, len(sections))
	for i, p := range sections {
		passages[i] = passageRecord{ID: fmt.Sprintf("%s.%d", d.ID, i+1), Heading: p.Heading, Path: p.Path, Text: p.Text,
			Language: p.Language}
		if p.Language != "" && !slices.Contains(d.Languages, p.Language) {
			d.Languages = append(d.Languages, p.Language)
		}
	}
	slices.Sort(d.Languages)
	return d, passages, nil
}

// changeCorpus commits writes together with the agent's new corpus mark and count of documents, reading the agent again
// where another change was first.
func (s *Service) changeCorpus(ctx context.Context, client tenant.ID, op string, a Agent, d Document, n int, kind string,
	change any, writes []store.Change,
) error {
	for try := 1; ; try++ {
		if err := a.full(op, n, d.Bytes); err != nil {
			return err
		}
		seen := a.Version
		a.Documents, a.Bytes = a.Documents+n, a.Bytes+n*d.Bytes
		a.Corpus, a.UpdatedAt = s.System.NewULID(), s.System.Now()
		row, err := a.item()
		if err != nil {
			return store.Fault(op, err)
		}
		e, err := audit.Happened(ctx, s.System, client, audit.Fact{Capability: capability, Type: kind,
			Target: audit.Target{Type: "document", ID: d.ID}, Change: change})
		if err != nil {
			return store.Fault(op, err)
		}
		idempotency.Answer(ctx, d)
		err = s.Table.Commit(ctx, client, audit.Of(e), append([]store.Change{store.Update(row, seen)}, writes...)...)
		i, lost := store.FailedOn(err)
		if !lost || i != 0 {
			return changed(op, err)
		}
		if !store.Again(ctx, try) {
			return store.Fault(op, err)
		}
		if a, err = s.Agent(ctx, client, a.ID); err != nil {
			return err
		}
	}
}

// Documents returns a page of an agent's documents and the cursor of the next. Errors: NotFound (of the agent).
func (s *Service) Documents(ctx context.Context, client tenant.ID, agent string, limit int, cursor string,
) ([]Document, string, error) {
	return under(ctx, s, client, agent, store.Query{Prefix: keys.Documents(agent), Limit: limit, Cursor: cursor}, documentOf)
}

// Document returns a document. Errors: NotFound.
func (s *Service) Document(ctx context.Context, client tenant.ID, agent, id string) (Document, error) {
	it, err := s.Table.Get(ctx, client, keys.Document(agent, id))
	if err != nil {
		return Document{}, notFound("agent.Document", "document_not_found", err)
	}
	return documentOf(it)
}

// DeleteDocument makes an agent forget a document that is at version seen. Errors: NotFound, PreconditionFailed.
func (s *Service) DeleteDocument(ctx context.Context, client tenant.ID, agent, id string, seen int64) error {
	const op = "agent.DeleteDocument"
	d, err := s.Document(ctx, client, agent, id)
	if err != nil {
		return err
	}
	if d.Version != seen {
		return fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	a, err := s.Agent(ctx, client, agent)
	if err != nil {
		return err
	}
	writes := []store.Change{store.Delete(keys.Document(agent, id), seen)}
	for n := range d.Chunks {
		writes = append(writes, store.Delete(keys.PassageChunk(agent, id, d.Generation, n), 1))
	}
	if err := s.changeCorpus(ctx, client, op, a, d, -1, "document.deleted", events.DocumentDeleted{AgentID: agent,
		Passages: d.Passages}, writes); err != nil {
		return err
	}
	if err := s.Blobs.Delete(ctx, client, blobName(d)); err != nil {
		return fault.Wrap(op, fault.Unavailable, "unavailable", err)
	}
	return nil
}

func blobName(d Document) string { return "documents/" + d.AgentID + "/" + d.ID }
