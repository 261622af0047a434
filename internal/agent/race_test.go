package agent_test

import (
	"testing"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/testkit"
)

const always = 1 << 20

// renamed returns a service whose commits are overtaken, so many times, by renamings of the agent.
func (b bench) renamed(t *testing.T, id string, times int) *agent.Service {
	s := *b.agents
	s.Table = &testkit.Overtaken{Table: b.Table, Times: times, First: func() {
		a, err := b.agents.Agent(b.as(t), client, id)
		if err == nil {
			_, err = b.agents.Rename(b.as(t), client, id, a.Version, a.Name+"x")
		}
		if err != nil {
			t.Fatal(err)
		}
	}}
	return &s
}

// INVARIANT 13: who names no version is never told of a wrong one: the change is made again, and then it is a 503.
func TestChangesWithoutAVersionAreTriedAgain(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	for _, c := range []struct {
		name string
		do   func(s *agent.Service, id string) error
	}{
		{"publish", func(s *agent.Service, id string) error { _, err := s.Publish(b.as(t), client, id, 0); return err }},
		{"rollback", func(s *agent.Service, id string) error { _, err := s.Rollback(b.as(t), client, id, 0, 1); return err }},
		{"add a document", func(s *agent.Service, id string) error {
			_, err := s.AddDocument(b.as(t), client, id, agent.Upload{Name: "a.md", ContentType: "text/markdown", Content: []byte("# A\n\nb")})
			return err
		}},
	} {
		if c.name == "rollback" {
			b.nextVersion(t, a.ID)
		}
		want(t, c.do(b.renamed(t, a.ID, always), a.ID), fault.Unavailable, "busy", c.name+", always overtaken")
		if err := c.do(b.renamed(t, a.ID, 2), a.ID); err != nil {
			t.Errorf("%s, overtaken twice: %v", c.name, err)
		}
	}
	now, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.renamed(t, a.ID, 1).Publish(b.as(t), client, a.ID, now.Version)
	want(t, err, fault.Conflict, "nothing_to_publish", "a version that was right when it was read")
	b.draft(t, a.ID)
	now, _ = b.agents.Agent(b.as(t), client, a.ID)
	_, err = b.renamed(t, a.ID, 1).Publish(b.as(t), client, a.ID, now.Version)
	want(t, err, fault.PreconditionFailed, "version_mismatch", "a version that is stale by the commit")
}

// draft begins the agent's next version.
func (b bench) draft(t *testing.T, id string) {
	t.Helper()
	a, err := b.agents.Agent(b.as(t), client, id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.agents.Configuration(b.as(t), client, id, a.LastVersion)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.agents.PutDraft(b.as(t), client, id, a.Version, c.Texts, c.Workflows); err != nil {
		t.Fatal(err)
	}
}

// nextVersion drafts and publishes another version.
func (b bench) nextVersion(t *testing.T, id string) {
	t.Helper()
	b.draft(t, id)
	if _, err := b.agents.Publish(b.as(t), client, id, 0); err != nil {
		t.Fatal(err)
	}
}

// The profile's count of agents is what generating and deleting meet on.
func TestTheProfileIsBusy(t *testing.T) {
	b := newBench(t)
	s := *b.agents
	s.Table = &testkit.Overtaken{Table: b.Table, Times: always, First: func() { b.generate(t) }}
	_, err := s.Generate(b.as(t), client, agent.Generation{ProfileID: b.profile, Template: "retail", Name: "X"})
	want(t, err, fault.Unavailable, "busy", "generate")
	a := b.generate(t)
	want(t, s.Delete(b.as(t), client, a.ID, a.Version), fault.Unavailable, "busy", "delete")
	s.Table = &testkit.Overtaken{Table: b.Table, Times: 2, First: func() { b.generate(t) }}
	if err := s.Delete(b.as(t), client, a.ID, a.Version); err != nil {
		t.Errorf("overtaken twice: %v", err)
	}
}

// An id that no key can hold is an id that nobody has.
func TestImpossibleProfile(t *testing.T) {
	b := newBench(t)
	for _, id := range []string{"", "x\x00", "\xff", "a#b"} {
		_, err := b.agents.Generate(b.as(t), client, agent.Generation{ProfileID: id, Template: "retail", Name: "X"})
		want(t, err, fault.NotFound, "profile_not_found", "profile "+id)
	}
}

// converse begins a conversation, as far as the agent is concerned.
func (b bench) converse(t *testing.T, id string) {
	t.Helper()
	keep, _, err := b.agents.Converse(b.as(t), client, id)
	if err == nil {
		err = b.Table.Commit(b.as(t), client, testkit.Record(b.as(t), t, b.System, client), keep)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnAgentThatConversedStays(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	s := *b.agents
	s.Table = &testkit.Overtaken{Table: b.Table, Times: 1, First: func() { b.converse(t, a.ID) }}
	want(t, s.Delete(b.as(t), client, a.ID, a.Version), fault.PreconditionFailed, "version_mismatch", "a conversation begun meanwhile")
	b.converse(t, a.ID)
	now, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil || now.Version != a.Version+1 {
		t.Fatalf("only the first conversation moves the agent: version %d after %d, %v", now.Version, a.Version, err)
	}
	want(t, b.agents.Delete(b.as(t), client, a.ID, now.Version), fault.Conflict, "agent_in_use", "an agent that conversed")
	_, _, err = b.agents.Converse(b.as(t), client, "agt_none")
	want(t, err, fault.NotFound, "agent_not_found", "an unknown agent")
}

// INVARIANT 13: what was stale by the commit is refused, and what was faster stays.
func TestAStaleDraftUndoesNothing(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	texts := map[string]agent.Text{"en": {Personality: "Grumpy"}}
	_, err := b.renamed(t, a.ID, 1).PutDraft(b.as(t), client, a.ID, a.Version, texts, nil)
	want(t, err, fault.PreconditionFailed, "version_mismatch", "a draft of an agent that was renamed meanwhile")
	s := *b.agents
	s.Table = &testkit.Overtaken{Table: b.Table, Times: 1, First: func() { b.draft(t, a.ID) }}
	_, err = s.PutDraft(b.as(t), client, a.ID, a.Version+1, texts, nil)
	want(t, err, fault.PreconditionFailed, "version_mismatch", "a draft over one that was faster")
	now, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil || now.Name != a.Name+"x" || now.Version != a.Version+2 {
		t.Errorf("the agent: %+v, %v", now, err)
	}
	c, err := b.agents.Configuration(b.as(t), client, a.ID, 1)
	if err != nil || c.Texts["en"].Personality == "Grumpy" {
		t.Errorf("the draft: %+v, %v", c.Texts["en"], err)
	}
}

func TestADocumentIsDeletedOnce(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	up := agent.Upload{Name: "a.md", ContentType: "text/markdown", Content: []byte(faq)}
	d, err := b.agents.AddDocument(b.as(t), client, a.ID, up)
	if err == nil {
		_, err = b.agents.AddDocument(b.as(t), client, a.ID, up)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := *b.agents
	s.Table = &testkit.Overtaken{Table: b.Table, Times: 1, First: func() {
		if err := b.agents.DeleteDocument(b.as(t), client, a.ID, d.ID, d.Version); err != nil {
			t.Fatal(err)
		}
	}}
	want(t, s.DeleteDocument(b.as(t), client, a.ID, d.ID, d.Version), fault.PreconditionFailed, "version_mismatch", "deleted meanwhile")
	now, err := b.agents.Agent(b.as(t), client, a.ID)
	if err != nil || now.Documents != 1 || now.Bytes != len(faq) {
		t.Errorf("the agent counts %d documents of %d bytes, %v", now.Documents, now.Bytes, err)
	}
}

// The change that goes along with a conversation fails where the agent has changed, and where it is gone as an erased client's is.
func TestNoConversationWithAnAgentThatIsNotThere(t *testing.T) {
	b := newBench(t)
	a := b.generate(t)
	commit := func(c store.Change) error {
		return b.Table.Commit(b.as(t), client, testkit.Record(b.as(t), t, b.System, client), c)
	}
	lost := func(what string, c store.Change) {
		t.Helper()
		err := commit(c)
		if _, lost := store.FailedOn(err); !lost {
			t.Errorf("%s: %v", what, err)
		}
	}
	first, _, err := b.agents.Converse(b.as(t), client, a.ID)
	if err == nil {
		_, err = b.agents.Rename(b.as(t), client, a.ID, a.Version, "Clara")
	}
	if err != nil {
		t.Fatal(err)
	}
	lost("renamed meanwhile", first)
	b.converse(t, a.ID)
	later, now, err := b.agents.Converse(b.as(t), client, a.ID)
	if err == nil {
		err = commit(later)
	}
	if err != nil || now.Name != "Clara" {
		t.Fatalf("%+v, %v", now, err)
	}
	if err := commit(store.Delete(keys.Agent(a.ID), now.Version)); err != nil {
		t.Fatal(err)
	}
	lost("gone meanwhile", later)
}
