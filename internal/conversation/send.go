package conversation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/agent"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// turnTokens is what a turn is expected to cost beside the words of its question: instructions, passages, the talk so far, the reply. A
// turn may cost more; it is settled with what it did.
const turnTokens = 4000

// Send stores a person's message, asks the model, and stores its reply. Errors: Invalid, Conflict `conversation_closed`, RateLimited
// `budget_exhausted`, Unavailable (the message is stored then, without a reply, and its tokens stay reserved).
func (s *Service) Send(ctx context.Context, client tenant.ID, c Conversation, text string) (Turn, error) {
	const op = "conversation.Send"
	if n := utf8.RuneCountInString(strings.TrimSpace(text)); n < 1 || n > MaxText {
		return Turn{}, fault.BadField(op, "body.text", fmt.Sprintf("must have 1 to %d characters", MaxText))
	}
	c, question, reserved, err := s.ask(ctx, client, c, text)
	if err != nil {
		return Turn{}, err
	}
	answer, err := s.answer(ctx, client, c, question)
	if err != nil {
		return Turn{}, err
	}
	return s.reply(ctx, client, c, question, answer, reserved)
}

// ask stores the question and reserves what its turn may cost, or finds the one that this very request stored before it was cut off.
func (s *Service) ask(ctx context.Context, client tenant.ID, c Conversation, text string) (Conversation, Message, *quota.Reservation, error) {
	if note, ok := idempotency.Progress(ctx); ok {
		question, reserved, err := s.asked(ctx, client, c, note)
		return c, question, reserved, err
	}
	question := Message{ID: s.System.NewID("msg"), Speaker: llm.User, Text: text, CreatedAt: s.System.Now()}
	var reserved *quota.Reservation
	reserve := func() (change store.Change, err error) {
		reserved, change, err = s.Budget.Reserve(ctx, client, c.ID, question.ID, turnTokens+utf8.RuneCountInString(text)/2)
		return change, err
	}
	c, question, err := s.append(ctx, client, c, question, reserve, func(m Message) audit.Fact {
		idempotency.Note(ctx, strconv.Itoa(m.Sequence)+" "+reserved.Note())
		return audit.Fact{Type: "conversation.message_received", Change: events.MessageReceived{AgentID: c.AgentID,
			MessageID: m.ID, Sequence: m.Sequence, Characters: utf8.RuneCountInString(m.Text)}}
	})
	return c, question, reserved, err
}

// asked returns the question that the note tells of, and what was reserved for its turn.
func (s *Service) asked(ctx context.Context, client tenant.ID, c Conversation, note string) (Message, *quota.Reservation, error) {
	const op = "conversation.asked"
	place, kept, _ := strings.Cut(note, " ")
	sequence, err := strconv.Atoi(place)
	if err != nil {
		return Message{}, nil, fault.Wrap(op, fault.Internal, "internal", err)
	}
	it, err := s.Table.Get(ctx, client, keys.Message(c.ID, sequence))
	if err != nil {
		return Message{}, nil, store.Fault(op, err)
	}
	question, err := messageOf(it)
	if err != nil {
		return Message{}, nil, err
	}
	reserved, err := quota.Resume(question.ID, kept)
	return question, reserved, err
}

// answer asks the model, showing it the talk so far and the passages found.
func (s *Service) answer(ctx context.Context, client tenant.ID, c Conversation, question Message) (llm.Response, error) {
	a, err := s.Agents.Agent(ctx, client, c.AgentID)
	if err != nil {
		return llm.Response{}, err
	}
	live, err := s.Agents.Live(ctx, client, c.AgentID, c.Configuration)
	if err != nil {
		return llm.Response{}, err
	}
	page, err := s.Table.Query(ctx, client, store.Query{Prefix: keys.Messages(c.ID), Limit: history, Descending: true})
	if err != nil {
		return llm.Response{}, store.Fault("conversation.answer", err)
	}
	turns := make([]llm.Turn, 0, len(page.Items)+1)
	for i := len(page.Items) - 1; i >= 0; i-- {
		m, err := messageOf(page.Items[i])
		if err != nil {
			return llm.Response{}, err
		}
		if m.Sequence < question.Sequence {
			turns = append(turns, llm.Turn{Speaker: m.Speaker, Text: m.Text})
		}
	}
	turns = append(turns, llm.Turn{Speaker: llm.User, Text: question.Text})
	found, err := s.Library.Search(ctx, client, c.AgentID, a.Corpus, question.Text, "", passages)
	if err != nil {
		return llm.Response{}, err
	}
	return s.Model.Generate(ctx, llm.Request{System: instructions(a, live), Turns: turns, Passages: found,
		Languages: live.Languages(), Fallback: live.Fallbacks()}, nil)
}

// instructions is what the model is told of who it is: the configuration's words in its languages.
func instructions(a agent.Agent, c agent.Configuration) string {
	var b strings.Builder
	for _, language := range c.Languages() {
		t := c.Texts[language]
		fmt.Fprintf(&b, "[%s] %s. %s %s\n", language, a.Name, t.Personality, t.Tone)
		for _, list := range [][]string{t.Instructions, t.Cautions, t.Handoff} {
			for _, line := range list {
				b.WriteString("- " + line + "\n")
			}
		}
	}
	return b.String()
}

// reply stores the answer and settles what the turn cost.
func (s *Service) reply(ctx context.Context, client tenant.ID, c Conversation, question Message, r llm.Response,
	reserved *quota.Reservation,
) (Turn, error) {
	m := Message{ID: s.System.NewID("msg"), Speaker: llm.Assistant, Text: r.Text, Language: r.Language, Answered: r.Answered,
		Citations: r.Citations, Usage: r.Usage, CreatedAt: s.System.Now()}
	settle := func() (store.Change, error) {
		return s.Budget.Settle(ctx, client, reserved, r.Usage.InputTokens+r.Usage.OutputTokens)
	}
	_, m, err := s.append(ctx, client, c, m, settle, func(m Message) audit.Fact {
		idempotency.Answer(ctx, Turn{question, m})
		return audit.Fact{Type: "conversation.replied", Actor: audit.Actor{Type: "agent", ID: c.AgentID},
			Change: events.Replied{AgentID: c.AgentID, MessageID: m.ID, Sequence: m.Sequence, Answered: m.Answered,
				Language: m.Language, Citations: len(m.Citations), Usage: events.Usage{Model: r.Model,
					InputTokens: m.Usage.InputTokens, OutputTokens: m.Usage.OutputTokens}}}
	})
	if err != nil {
		return Turn{}, err
	}
	return Turn{question, m}, nil
}

// append adds a message under the conversation's next sequence, with the change of the client's budget, trying again where another message
// took it or another turn was counted.
func (s *Service) append(ctx context.Context, client tenant.ID, c Conversation, m Message, count func() (store.Change, error),
	fact func(Message) audit.Fact,
) (Conversation, Message, error) {
	const op = "conversation.append"
	for try := 1; ; try++ {
		if c.Status != Open {
			return c, m, fault.New(op, fault.Conflict, "conversation_closed")
		}
		counted, err := count()
		if err != nil {
			return c, m, err
		}
		seen := c.Version
		c.Messages, c.UpdatedAt, c.Version = c.Messages+1, m.CreatedAt, seen+1
		m.Sequence = c.Messages
		head, err := c.item()
		if err != nil {
			return c, m, store.Fault(op, err)
		}
		row, err := m.item(c.ID)
		if err != nil {
			return c, m, store.Fault(op, err)
		}
		err = s.commit(ctx, client, c, fact(m), store.Update(head, seen), store.Create(row), counted)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return c, m, busy(op, err)
		}
		if c, err = s.Conversation(ctx, client, c.ID); err != nil {
			return c, m, err
		}
	}
}
