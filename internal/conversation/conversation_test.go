package conversation_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

const client tenant.ID = "cli_blue"

// agents is one published agent, whose row is in the table, and what its published version is.
type agents struct {
	published int
	table     store.Table
}

func (a *agents) Agent(_ context.Context, c tenant.ID, id string) (agent.Agent, error) {
	if c != client || id != "agt_1" {
		return agent.Agent{}, fault.New("test", fault.NotFound, "agent_not_found")
	}
	return agent.Agent{ID: "agt_1", Name: "Sofia", PublishedVersion: a.published, Corpus: "c1"}, nil
}

func (a *agents) Converse(ctx context.Context, c tenant.ID, id string) (store.Change, agent.Agent, error) {
	got, err := a.Agent(ctx, c, id)
	if err != nil {
		return store.Change{}, agent.Agent{}, err
	}
	it, err := a.table.Get(ctx, c, keys.Agent(id))
	if err != nil {
		return store.Change{}, agent.Agent{}, fault.Wrap("test", fault.NotFound, "agent_not_found", err)
	}
	return store.Check(it.SK, it.Version), got, nil
}

func (a *agents) Live(_ context.Context, _ tenant.ID, _ string, version int) (agent.Configuration, error) {
	return agent.Configuration{AgentID: "agt_1", Version: version, Published: true, Texts: map[string]agent.Text{"en": {
		Personality: "version " + string(rune('0'+version)), Fallback: "No idea."}}}, nil
}

type library struct{}

func (library) Search(_ context.Context, _ tenant.ID, _, _, question, _ string, _ int) ([]llm.Passage, error) {
	return []llm.Passage{{DocumentID: "doc_1", PassageID: "doc_1.1", Heading: "H", Text: question}}, nil
}

// model answers by what it was told, or fails.
type model struct {
	mu   sync.Mutex
	seen []llm.Request
	fail error
	// usage is what each answer costs.
	usage llm.Usage
	// during runs while the model is thinking.
	during func()
}

func (m *model) Generate(_ context.Context, r llm.Request, _ func(string) error) (llm.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, r)
	if m.during != nil {
		m.during()
	}
	return llm.Response{Model: "test", Usage: m.usage, Text: "re: " + r.Turns[len(r.Turns)-1].Text, Language: "en", Answered: true,
		Citations: []llm.Citation{{DocumentID: "doc_1", PassageID: "doc_1.1", Heading: "H", Quote: "q"}}}, m.fail
}

// standard is every client's plan.
type standard struct{}

func (standard) Plan(context.Context, tenant.ID) (string, error) { return quota.Default, nil }

func budgets(t *testing.T, k *testkit.Kit) *quota.Budgets {
	t.Helper()
	book, err := quota.NewBook(standard{}, k.System)
	if err != nil {
		t.Fatal(err)
	}
	return &quota.Budgets{Table: k.Table, Book: book, System: k.System}
}

type bench struct {
	*testkit.Kit
	*conversation.Service
	model  *model
	agents *agents
	ctx    context.Context
}

func newBench(t *testing.T) bench {
	k := testkit.New(t)
	b := bench{Kit: k, model: &model{}, agents: &agents{1, k.Table},
		ctx: testkit.As(t.Context(), client, "usr_1", tenant.StandardUser, "send-message")}
	// The agent's own row must be there when a conversation starts.
	row, err := store.Row(keys.Agent("agt_1"), 1, struct{}{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Table.Commit(b.ctx, client, testkit.Record(b.ctx, t, k.System, client), store.Create(row)); err != nil {
		t.Fatal(err)
	}
	b.Service = &conversation.Service{Table: k.Table, Agents: b.agents, Library: library{}, Model: b.model, System: k.System,
		Budget: budgets(t, k)}
	return b
}

func (b bench) start(t *testing.T) conversation.Conversation {
	t.Helper()
	c, err := b.Start(b.ctx, client, "agt_1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func code(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// INVARIANT 5: a conversation stays on the version it started with.
func TestConversationStaysOnItsVersion(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.agents.published = 2
	if _, err := b.Send(b.ctx, client, c, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := b.model.seen[0].System; got == "" || !contains(got, "version 1") {
		t.Errorf("the model was told %q", got)
	}
	if got := b.model.seen[0].Fallback["en"]; got != "No idea." {
		t.Errorf("the fallback is %q", got)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func TestTheModelIsShownTheTalkSoFar(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	for _, text := range []string{"one", "two"} {
		if _, err := b.Send(b.ctx, client, c, text); err != nil {
			t.Fatal(err)
		}
		var err error
		if c, err = b.Conversation(b.ctx, client, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	turns := b.model.seen[1].Turns
	if len(turns) != 3 || turns[0].Text != "one" || turns[1].Speaker != llm.Assistant || turns[2].Text != "two" {
		t.Errorf("turns: %+v", turns)
	}
	messages, next, err := b.Messages(b.ctx, client, c.ID, 10, "")
	if err != nil || next != "" || len(messages) != 4 || messages[3].Text != "re: two" || messages[3].Sequence != 4 ||
		len(messages[3].Citations) != 1 {
		t.Errorf("messages: %+v, %v", messages, err)
	}
}

// The question is stored before the model is asked.
func TestQuestionOutlivesAModelThatFails(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.model.fail = fault.New("test", fault.Unavailable, "model_unavailable")
	if _, err := b.Send(b.ctx, client, c, "hello"); code(err) != "model_unavailable" {
		t.Errorf("err: %v", err)
	}
	messages, _, err := b.Messages(b.ctx, client, c.ID, 10, "")
	if err != nil || len(messages) != 1 || messages[0].Text != "hello" {
		t.Errorf("messages: %+v, %v", messages, err)
	}
}

func TestMessagesSentAtOnceAllFindTheirPlace(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	var wg sync.WaitGroup
	failed := make(chan error, 10)
	for range 10 {
		wg.Go(func() {
			if _, err := b.Send(b.ctx, client, c, "hello"); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	messages, _, err := b.Messages(b.ctx, client, c.ID, 100, "")
	if err != nil || len(messages) != 20 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
	for i, m := range messages {
		if m.Sequence != i+1 {
			t.Errorf("message %d has sequence %d", i, m.Sequence)
		}
	}
}

func TestClosedTakesNoMessage(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	stale := c
	c, err := b.Close(b.ctx, client, c)
	if err != nil || c.Status != conversation.Closed {
		t.Fatal(err)
	}
	if again, err := b.Close(b.ctx, client, c); err != nil || again.Version != c.Version {
		t.Errorf("closing twice: %+v, %v", again, err)
	}
	if _, err := b.Send(b.ctx, client, stale, "hello"); code(err) != "conversation_closed" {
		t.Errorf("a message to a closed conversation, by one who saw it open: %v", err)
	}
	if _, err := b.Send(b.ctx, client, c, " "); code(err) != "validation_failed" {
		t.Errorf("an empty message: %v", err)
	}
}

// meanwhile returns a service of which each of the first commits finds that somebody else was faster.
func (b bench) meanwhile(times int, first func()) *conversation.Service {
	s := *b.Service
	s.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: times, First: first}
	return &s
}

func TestAMessageIsNotStoredOnceTheConversationIsClosed(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	shut := func() {
		now, err := b.Conversation(b.ctx, client, c.ID)
		if err == nil {
			_, err = b.Close(b.ctx, client, now)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.meanwhile(1, shut).Send(b.ctx, client, c, "hello"); code(err) != "conversation_closed" {
		t.Errorf("closed before the question was stored: %v", err)
	}
	now, err := b.Conversation(b.ctx, client, c.ID)
	if err != nil || now.Status != conversation.Closed || now.Messages != 0 {
		t.Errorf("%+v, %v", now, err)
	}
	if left, _, err := b.Messages(b.ctx, client, c.ID, 10, ""); err != nil || len(left) != 0 {
		t.Errorf("%d messages, %v", len(left), err)
	}
}

func TestClosingKeepsWhatWasSaidMeanwhile(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	said := func() {
		if _, err := b.Send(b.ctx, client, c, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.meanwhile(1, said).Close(b.ctx, client, c)
	if err != nil || got.Status != conversation.Closed || got.Messages != 2 || got.Version != c.Version+3 {
		t.Errorf("%+v, %v", got, err)
	}
	now, err := b.Conversation(b.ctx, client, c.ID)
	if err != nil || now.Status != conversation.Closed || now.Messages != 2 {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestStartNeedsAPublishedAgentOfTheClient(t *testing.T) {
	b := newBench(t)
	b.agents.published = 0
	if _, err := b.Start(b.ctx, client, "agt_1"); code(err) != "agent_not_published" {
		t.Errorf("a draft: %v", err)
	}
	if _, err := b.Start(b.ctx, "cli_green", "agt_1"); code(err) != "agent_not_found" {
		t.Errorf("another client's: %v", err)
	}
}

func TestStartMeetsOthersOnTheAgent(t *testing.T) {
	b := newBench(t)
	change := func(of func(store.Item) store.Change) func() {
		return func() {
			it, err := b.Kit.Table.Get(b.ctx, client, keys.Agent("agt_1"))
			if err == nil {
				err = b.Kit.Table.Commit(b.ctx, client, testkit.Record(b.ctx, t, b.Kit.System, client), of(it))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	b.Service.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: 2, First: change(func(it store.Item) store.Change {
		return store.Update(it, it.Version)
	})}
	if _, err := b.Start(b.ctx, client, "agt_1"); err != nil {
		t.Errorf("the agent changed twice meanwhile: %v", err)
	}
	b.Service.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: 1, First: change(func(it store.Item) store.Change {
		return store.Delete(it.SK, it.Version)
	})}
	if _, err := b.Start(b.ctx, client, "agt_1"); code(err) != "agent_not_found" {
		t.Errorf("the agent was deleted meanwhile: %v", err)
	}
	if left, _, err := b.OfUser(b.ctx, client, "agt_1", "usr_1", 10, ""); err != nil || len(left) != 1 {
		t.Errorf("%d conversations, %v", len(left), err)
	}
}

func TestListsAreByAgentAndByUser(t *testing.T) {
	b := newBench(t)
	mine := b.start(t)
	b.Clock.Advance(1)
	other := testkit.As(t.Context(), client, "usr_2", tenant.StandardUser, "start-conversation")
	theirs, err := b.Start(other, client, "agt_1")
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := b.OfAgent(b.ctx, client, "agt_1", 10, "")
	if err != nil || len(all) != 2 || all[0].Messages != 0 {
		t.Errorf("of the agent: %+v, %v", all, err)
	}
	own, _, err := b.OfUser(b.ctx, client, "agt_1", "usr_1", 10, "")
	if err != nil || len(own) != 1 || own[0].ID != mine.ID || own[0].ID == theirs.ID {
		t.Errorf("of the user: %+v, %v", own, err)
	}
}

// INVARIANT 2: each commit of a turn has its event, with the agent as the actor of the reply, and no word of the talk in it.
func TestTurnIsOnRecord(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	if _, err := b.Send(b.ctx, client, c, "the secret word is xyzzy"); err != nil {
		t.Fatal(err)
	}
	page, err := b.Kit.Table.Query(b.ctx, client, store.Query{Index: store.ByParent, Prefix: keys.EventTargets("conversation", c.ID), Limit: 10})
	if err != nil || len(page.Items) != 3 {
		t.Fatalf("%d events, %v", len(page.Items), err)
	}
	for i, want := range []struct{ kind, actor string }{{"conversation.started", "user"}, {"conversation.message_received", "user"},
		{"conversation.replied", "agent"}} {
		e, err := store.ItemEvent(client, page.Items[i])
		if err != nil || e.Body.Type != want.kind || e.Body.Actor.Type != want.actor {
			t.Errorf("event %d: %+v, %v", i, e.Body, err)
		}
		if contains(string(page.Items[i].Summary), "xyzzy") {
			t.Errorf("event %d holds the message", i)
		}
	}
	if _, err := (audit.Record{}).Events(); !errors.Is(err, audit.ErrEmpty) {
		t.Error("an empty record is taken")
	}
}
