// Package llmtest is what every model of the llm port must do, whatever it answers. Each adapter's test calls [Run].
package llmtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/llm"
)

// Question returns a request that a model can answer from its passages.
func Question() llm.Request {
	return llm.Request{
		Turns: []llm.Turn{{Speaker: llm.User, Text: "What are the opening hours on Sundays?"}},
		Passages: []llm.Passage{{DocumentID: "doc_a", PassageID: "p1", Heading: "Opening hours", Language: "en", Score: 3, Coverage: 0.9,
			Text: "On Sundays we open from 1 pm to 7 pm. On weekdays we open at 9 am."}},
		Languages: []string{"pt-BR", "en"},
	}
}

// Run checks the port's promises of a model: streaming, errors of emit, the context, citations, usage and concurrency.
func Run(t *testing.T, model llm.Model) {
	t.Run("the pieces joined are the text", func(t *testing.T) { pieces(t, model) })
	t.Run("an error of emit ends the answer", func(t *testing.T) { emitFails(t, model) })
	t.Run("an ended context ends the answer", func(t *testing.T) { contextEnds(t, model) })
	t.Run("quotes are of the passages", func(t *testing.T) { quotes(t, model) })
	t.Run("a request without a question is invalid", func(t *testing.T) { invalid(t, model) })
	t.Run("many at once", func(t *testing.T) { concurrent(t, model) })
}

func pieces(t *testing.T, model llm.Model) {
	var text strings.Builder
	calls := 0
	r, err := model.Generate(t.Context(), Question(), func(piece string) error {
		calls++
		text.WriteString(piece)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != r.Text || r.Text == "" || calls < 2 {
		t.Errorf("%d pieces %q of %q", calls, text.String(), r.Text)
	}
	if r.Model == "" || r.Stop == "" || r.Usage.InputTokens < 1 || r.Usage.OutputTokens < 1 {
		t.Errorf("%+v", r)
	}
}

func emitFails(t *testing.T, model llm.Model) {
	broken := errors.New("the caller is gone")
	calls := 0
	_, err := model.Generate(t.Context(), Question(), func(string) error { calls++; return broken })
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%d calls, then %v", calls, err)
	}
}

func contextEnds(t *testing.T, model llm.Model) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := model.Generate(ctx, Question(), func(string) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("%d calls, then %v", calls, err)
	}
	if _, err := model.Generate(ctx, Question(), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func quotes(t *testing.T, model llm.Model) {
	q := Question()
	r, err := model.Generate(t.Context(), q, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Answered || len(r.Citations) == 0 || r.Language != "en" {
		t.Fatalf("%+v", r)
	}
	for _, c := range r.Citations {
		p := q.Passages[0]
		if c.DocumentID != p.DocumentID || c.PassageID != p.PassageID || c.Quote == "" || !strings.Contains(p.Text, c.Quote) {
			t.Errorf("%+v", c)
		}
	}
}

func invalid(t *testing.T, model llm.Model) {
	none := Question()
	none.Turns = nil
	last := Question()
	last.Turns = append(last.Turns, llm.Turn{Speaker: llm.Assistant, Text: "From 1 pm."})
	for _, q := range []llm.Request{none, last} {
		if _, err := model.Generate(t.Context(), q, nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", q.Turns, err)
		}
	}
}

func concurrent(t *testing.T, model llm.Model) {
	want, err := model.Generate(t.Context(), Question(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := model.Generate(t.Context(), Question(), nil); err != nil || got.Language != want.Language {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
}
