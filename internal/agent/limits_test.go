package agent_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// shortPages is a table whose pages end before the limit, as DynamoDB's do after 1 MB.
type shortPages struct{ store.Table }

func (s shortPages) Query(ctx context.Context, client tenant.ID, q store.Query) (store.Page, error) {
	q.Limit = min(q.Limit, 2)
	return s.Table.Query(ctx, client, q)
}

func TestDeletionTakesTheVersionsOfEveryPage(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	for range 4 {
		b.nextVersion(t, a.ID)
	}
	a, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	s := *b.agents
	s.Table = shortPages{b.Table}
	if err := s.Delete(b.as(t), client, a.ID, a.Version); err != nil {
		t.Fatal(err)
	}
	left, err := b.Table.Query(t.Context(), client, store.Query{Prefix: keys.Configurations(a.ID), Limit: 10})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d versions outlive their agent, %v", len(left.Items), err)
	}
}

func TestADocumentTooManyLeavesNoFile(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	add := func(i int) error {
		_, err := b.agents.AddDocument(b.as(t), client, a.ID, agent.Upload{Name: fmt.Sprint(i), ContentType: "text/plain", Content: []byte("Das 9 às 18.")})
		return err
	}
	for i := range agent.MaxDocuments {
		if err := add(i); err != nil {
			t.Fatal(err)
		}
	}
	want(t, add(agent.MaxDocuments), fault.Conflict, "too_many_documents", "one more")
	files, err := b.Blobs.List(t.Context(), client, "documents/", "")
	if err != nil || len(files) != agent.MaxDocuments {
		t.Errorf("%d files of %d documents, %v", len(files), agent.MaxDocuments, err)
	}
}

func TestDocumentsTogetherHaveALimit(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	content := []byte(strings.Repeat("A loja abre das nove às dezoito horas. ", agent.MaxDocument/41))
	add := func(i int) (agent.Document, error) {
		return b.agents.AddDocument(b.as(t), client, a.ID, agent.Upload{Name: fmt.Sprint(i), ContentType: "text/plain", Content: content})
	}
	fit := agent.MaxBytes / len(content)
	var last agent.Document
	for i := range fit {
		var err error
		if last, err = add(i); err != nil {
			t.Fatal(err)
		}
	}
	_, err := add(fit)
	want(t, err, fault.Conflict, "too_many_documents", "more bytes than a search should hold")
	if err := b.agents.DeleteDocument(b.as(t), client, a.ID, last.ID, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := add(fit); err != nil {
		t.Errorf("in the place of one that went: %v", err)
	}
}
