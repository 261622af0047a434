package conversation_test

import (
	"context"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/conversation"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/internal/testkit"
)

// standing requires what the client used.
func (b bench) standing(t *testing.T, what string, messages, tokens, reserved int) {
	t.Helper()
	plan, _ := quota.Find(quota.Default)
	s, err := b.Budget.(*quota.Budgets).Standing(b.ctx, client, plan)
	if err != nil {
		t.Fatal(err)
	}
	if s.Messages.Used != messages || s.Tokens.Used != tokens || s.Tokens.Reserved != reserved {
		t.Errorf("%s: %+v; want %d messages, %d tokens, %d reserved", what, s, messages, tokens, reserved)
	}
}

func TestATurnIsSettledWithWhatTheModelUsed(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.model.usage = llm.Usage{InputTokens: 120, OutputTokens: 30}
	b.model.during = func() { b.standing(t, "while the model thinks", 1, 0, 4000+10) }
	commits := 0
	b.Service.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: 1 << 20, First: func() { commits++ }}
	if _, err := b.Send(b.ctx, client, c, "vinte letras, aqui!!"); err != nil {
		t.Fatal(err)
	}
	b.standing(t, "afterwards", 1, 150, 0)
	if commits != 2 {
		t.Errorf("a turn that nobody overtakes took %d commits", commits)
	}
}

// Another turn of the same conversation, and so of the same row, is asked and answered while the model thinks.
func TestTurnsThatOvertakeEachOtherAreBothCounted(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.model.usage = llm.Usage{InputTokens: 100}
	other := *b.Service
	other.Model = &model{usage: llm.Usage{InputTokens: 7}}
	b.model.during = func() {
		c, err := b.Conversation(b.ctx, client, c.ID)
		if err == nil {
			_, err = other.Send(b.ctx, client, c, "hello")
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Send(b.ctx, client, c, "hello"); err != nil {
		t.Fatal(err)
	}
	b.standing(t, "both", 2, 107, 0)
}

func TestATurnWithoutAReplyStaysReservedAndThenCounts(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.model.fail = fault.New("test", fault.Unavailable, "model_unavailable")
	if _, err := b.Send(b.ctx, client, c, "hi"); err == nil {
		t.Fatal("a model that fails answered")
	}
	b.standing(t, "at first", 1, 0, 4001)
	b.Clock.Advance(15 * time.Minute)
	b.standing(t, "later", 1, 4001, 0)
}

// INVARIANT 12: a request that is repeated after it was cut off settles what it had reserved.
func TestARepeatedRequestSettlesWhatItReserved(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.Service.Table = idempotency.Table(b.Kit.Table)
	keeper := idempotency.NewKeeper(b.Kit.Table, b.Kit.System, []byte("0123456789abcdef0123456789abcdef"))
	send := func() error {
		p, kept, err := keeper.Begin(b.ctx, idempotency.Request{Partition: client, Key: "key", Content: []byte("body"), Call: tenant.CallFrom(b.ctx)})
		if err != nil || kept != nil {
			t.Fatal(kept, err)
		}
		p.RenderWith(func(any) (idempotency.Reply, error) { return idempotency.Reply{Status: 201}, nil })
		_, err = b.Send(idempotency.With(b.ctx, p), client, c, "hello")
		return err
	}
	b.model.fail = fault.New("test", fault.Unavailable, "model_unavailable")
	if send() == nil {
		t.Fatal("a model that fails answered")
	}
	b.standing(t, "cut off", 1, 0, 4002)
	b.model.fail, b.model.usage = nil, llm.Usage{OutputTokens: 42}
	b.Clock.Advance(2 * time.Minute) // past the request's lease
	if err := send(); err != nil {
		t.Fatal(err)
	}
	b.standing(t, "repeated", 1, 42, 0)
}

// spent is a budget that has nothing left.
type spent struct{ conversation.Budget }

func (spent) Reserve(context.Context, tenant.ID, string, string, int) (*quota.Reservation, store.Change, error) {
	return nil, store.Change{}, &fault.Error{Op: "test", Kind: fault.RateLimited, Code: "budget_exhausted"}
}

func TestOverItsBudgetAClientIsNotAnswered(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.Budget = spent{b.Budget}
	if _, err := b.Send(b.ctx, client, c, "hello"); code(err) != "budget_exhausted" {
		t.Errorf("%v", err)
	}
	messages, _, err := b.Messages(b.ctx, client, c.ID, 10, "")
	if err != nil || len(messages) != 0 || len(b.model.seen) != 0 {
		t.Errorf("%d messages stored, %v; the model was asked %d times", len(messages), err, len(b.model.seen))
	}
}

// A lost race upon the client's budget is no reason not to store the message.
func TestTurnsMeetOthersOnTheBudget(t *testing.T) {
	b := newBench(t)
	c := b.start(t)
	b.model.usage = llm.Usage{InputTokens: 5}
	times := 0
	b.Service.Table = &testkit.Overtaken{Table: b.Kit.Table, Times: 2, First: func() {
		times++
		budget := b.Budget.(*quota.Budgets)
		_, change, err := budget.Reserve(b.ctx, client, c.ID, "msg_other", 0)
		if err == nil {
			err = b.Kit.Table.Commit(b.ctx, client, testkit.Record(b.ctx, t, b.Kit.System, client), change)
		}
		if err != nil {
			t.Fatal(err)
		}
	}}
	if _, err := b.Send(b.ctx, client, c, "hello"); err != nil {
		t.Fatal(err)
	}
	if times != 2 {
		t.Errorf("overtaken %d times", times)
	}
	b.standing(t, "with the others", 3, 5, 0)
}
