package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/organization"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_blue"

type bench struct {
	*testkit.Kit
	agents   *agent.Service
	profiles *organization.Service
	profile  string
}

func newBench(t *testing.T) bench {
	t.Helper()
	k := testkit.New(t)
	b := bench{Kit: k, profiles: &organization.Service{Table: k.Table, System: k.System}}
	b.agents = &agent.Service{Table: k.Table, Profiles: b.profiles, Blobs: k.Blobs, Cache: memory.New(k.System, 1<<20, 100), System: k.System}
	p, err := b.profiles.CreateProfile(b.as(t), client, organization.Profile{Name: "Loja", Industry: "retail",
		Size: organization.Size{Employees: 3}})
	if err != nil {
		t.Fatal(err)
	}
	b.profile = p.ID
	return b
}

func (b bench) as(t *testing.T) context.Context {
	return testkit.As(t.Context(), client, "usr_1", tenant.AgentManager, "test")
}

func (b bench) generate(t *testing.T) agent.Agent {
	t.Helper()
	a, err := b.agents.Generate(b.as(t), client, agent.Generation{ProfileID: b.profile, Template: "retail", Name: "Sofia"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func want(t *testing.T, err error, kind fault.Kind, code, what string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || code != "" && f.Code != code {
		t.Errorf("%s: %v, not %s of kind %d", what, err, code, kind)
	}
}

func TestGenerateTakesItsTextsFromTheTemplate(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	c, err := b.agents.Configuration(b.as(t), client, a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	template, _ := organization.FindTemplate("retail")
	for _, language := range []string{"pt-BR", "en"} {
		if got := c.Texts[language]; got.Personality != template.Texts[language].Personality || len(got.Topics) == 0 || len(got.Cautions) == 0 {
			t.Errorf("%s: %+v", language, got)
		}
	}
	p, err := b.profiles.Profile(b.as(t), client, b.profile)
	if err != nil || p.Agents != 1 {
		t.Errorf("the profile counts %d agents, %v", p.Agents, err)
	}
	_, err = b.agents.Generate(b.as(t), client, agent.Generation{ProfileID: b.profile, Template: "piracy", Name: "X"})
	want(t, err, fault.Invalid, "validation_failed", "an unknown template")
	_, err = b.agents.Generate(b.as(t), client, agent.Generation{ProfileID: "pro_none", Template: "retail", Name: "X"})
	want(t, err, fault.NotFound, "profile_not_found", "an unknown profile")
	_, err = b.agents.Generate(testkit.As(t.Context(), "cli_green", "usr_2", tenant.AgentManager, "test"), "cli_green",
		agent.Generation{ProfileID: b.profile, Template: "retail", Name: "X"})
	want(t, err, fault.NotFound, "profile_not_found", "another client's profile")
}

// INVARIANT 5: published is immutable.
func TestPublishedVersionNeverChanges(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	a, err := b.agents.Publish(b.as(t), client, a.ID, 0)
	if err != nil || a.PublishedVersion != 1 || a.DraftVersion != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	before, err := b.agents.Configuration(b.as(t), client, a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]agent.Text{"en": {Personality: "Grumpy"}}
	d, err := b.agents.PutDraft(b.as(t), client, a.ID, a.Version, texts, nil)
	if err != nil || d.Configuration.Version != 2 || d.Configuration.Published {
		t.Fatalf("%+v, %v", d, err)
	}
	again, err := b.agents.PutDraft(b.as(t), client, a.ID, d.Agent.Version, map[string]agent.Text{"en": {Personality: "Kind"}}, nil)
	if err != nil || again.Configuration.Version != 2 {
		t.Fatalf("a second edit of the draft: %+v, %v", again.Configuration, err)
	}
	after, err := b.agents.Configuration(b.as(t), client, a.ID, 1)
	if err != nil || after.Row != before.Row || after.Texts["pt-BR"].Personality != before.Texts["pt-BR"].Personality {
		t.Errorf("version 1 was written again: row %d after %d, %v", after.Row, before.Row, err)
	}
	_, err = b.agents.PutDraft(b.as(t), client, a.ID, a.Version, texts, nil)
	want(t, err, fault.PreconditionFailed, "version_mismatch", "a draft over a newer one (invariant 13)")
	if a, err = b.agents.Publish(b.as(t), client, a.ID, 0); err != nil || a.PublishedVersion != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	_, err = b.agents.Publish(b.as(t), client, a.ID, 0)
	want(t, err, fault.Conflict, "nothing_to_publish", "publishing twice")
	if a, err = b.agents.Rollback(b.as(t), client, a.ID, 0, 1); err != nil || a.PublishedVersion != 1 {
		t.Errorf("rollback: %+v, %v", a, err)
	}
	live, err := b.agents.Live(b.as(t), client, a.ID, 1)
	if err != nil || live.Texts["pt-BR"].Personality != before.Texts["pt-BR"].Personality {
		t.Errorf("live: %v", err)
	}
}

func TestRollbackIsToPublishedVersionsAlone(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	_, err := b.agents.Rollback(b.as(t), client, a.ID, 0, 1)
	want(t, err, fault.Conflict, "not_published", "going back to a draft")
	_, err = b.agents.Rollback(b.as(t), client, a.ID, 0, 7)
	want(t, err, fault.NotFound, "configuration_not_found", "going back to nothing")
	_, err = b.agents.Live(b.as(t), client, a.ID, 1)
	want(t, err, fault.NotFound, "configuration_not_found", "a draft is not live")
}

const faq = "# Loja\n\n## Abrem no domingo?\n\nSim, das 13h às 19h.\n\n## Onde fica?\n\nNa Rua XV.\n"

func TestDocumentsComeAndGoWhole(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	d, err := b.agents.AddDocument(b.as(t), client, a.ID, agent.Upload{Name: "faq.md", ContentType: "text/markdown", Content: []byte(faq)})
	if err != nil || d.Passages < 2 || d.Languages[0] != "pt-BR" {
		t.Fatalf("%+v, %v", d, err)
	}
	passages, err := b.agents.Passages(b.as(t), client, a.ID)
	if err != nil || len(passages) != d.Passages || passages[0].DocumentID != d.ID {
		t.Fatalf("%d passages, %v", len(passages), err)
	}
	if kept, err := b.Blobs.Get(t.Context(), client, "documents/"+a.ID+"/"+d.ID); err != nil || string(kept) != faq {
		t.Errorf("the file: %q, %v", kept, err)
	}
	now, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil || now.Documents != 1 || now.Corpus == "" {
		t.Errorf("the agent has %d documents at %q, %v", now.Documents, now.Corpus, err)
	}
	want(t, b.agents.Delete(b.as(t), client, a.ID, now.Version), fault.Conflict, "agent_in_use", "deleting an agent with a document")
	want(t, b.agents.DeleteDocument(b.as(t), client, a.ID, d.ID, 2), fault.PreconditionFailed, "", "a stale deletion")
	if err := b.agents.DeleteDocument(b.as(t), client, a.ID, d.ID, 1); err != nil {
		t.Fatal(err)
	}
	if passages, err = b.agents.Passages(b.as(t), client, a.ID); err != nil || len(passages) != 0 {
		t.Errorf("%d passages are left, %v", len(passages), err)
	}
	left, err := b.Table.Query(t.Context(), client, store.Query{Prefix: "passage#", Limit: 10})
	if err != nil || len(left.Items) != 0 {
		t.Errorf("%d rows of passages are left, %v", len(left.Items), err)
	}
	if _, err := b.Blobs.Get(t.Context(), client, "documents/"+a.ID+"/"+d.ID); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the file is still there: %v", err)
	}
	later, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil || later.Corpus == now.Corpus {
		t.Errorf("the corpus mark did not move, %v", err)
	}
	if err := b.agents.Delete(b.as(t), client, a.ID, later.Version); err != nil {
		t.Error(err)
	}
	rest, err := b.Table.Query(t.Context(), client, store.Query{Prefix: keys.Configurations(a.ID), Limit: 5})
	if err != nil || len(rest.Items) != 0 {
		t.Errorf("%d versions outlive their agent, %v", len(rest.Items), err)
	}
}

func TestUploadsAreRefused(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	for what, c := range map[string]struct {
		agent.Upload
		kind fault.Kind
		code string
	}{
		"a PDF":         {agent.Upload{Name: "x.pdf", ContentType: "application/pdf", Content: []byte("x")}, fault.Invalid, "validation_failed"},
		"no name":       {agent.Upload{ContentType: "text/plain", Content: []byte("x")}, fault.Invalid, "validation_failed"},
		"a path":        {agent.Upload{Name: "../x", ContentType: "text/plain", Content: []byte("x")}, fault.Invalid, "validation_failed"},
		"not UTF-8":     {agent.Upload{Name: "x", ContentType: "text/plain", Content: []byte("\xff\xfe")}, fault.Invalid, "document_not_utf8"},
		"nothing in it": {agent.Upload{Name: "x", ContentType: "text/plain", Content: []byte(" \n ")}, fault.Invalid, "document_empty"},
		"too large": {agent.Upload{Name: "x", ContentType: "text/plain", Content: []byte(strings.Repeat("a b\n", agent.MaxDocument/4+1))},
			fault.TooLarge, "document_too_large"},
	} {
		_, err := b.agents.AddDocument(b.as(t), client, a.ID, c.Upload)
		want(t, err, c.kind, c.code, what)
	}
}

func TestLargestDocumentIsOneCommit(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	var text strings.Builder
	for i := 0; text.Len() < 3<<20; i++ {
		text.WriteString("## Pergunta\n\n" + strings.Repeat("A resposta é longa e tem muitas palavras. ", 20) + "\n\n")
	}
	d, err := b.agents.AddDocument(b.as(t), client, a.ID, agent.Upload{Name: "x.md", ContentType: "text/markdown", Content: []byte(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	passages, err := b.agents.Passages(b.as(t), client, a.ID)
	if err != nil || len(passages) != d.Passages || d.Chunks < 10 {
		t.Errorf("%d of %d passages in %d chunks, %v", len(passages), d.Passages, d.Chunks, err)
	}
}
