package builtin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/llm/builtin"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/tests/faq"
)

func load(t *testing.T) (*retrieval.Index, faq.Sheets) {
	t.Helper()
	var passages []retrieval.Passage
	for _, name := range []string{faq.Portuguese, faq.English} {
		sections, err := retrieval.Split("text/markdown", []byte(faq.Document(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sections {
			passages = append(passages, retrieval.Passage{DocumentID: name, PassageID: fmt.Sprintf("%s-%d", name, i),
				Heading: s.Heading, Path: s.Path, Text: s.Text, Language: s.Language})
		}
	}
	return retrieval.Build(passages), faq.Questions(t)
}

// ask searches and answers as a conversation does.
func ask(t *testing.T, x *retrieval.Index, text string) llm.Response {
	t.Helper()
	r, err := builtin.New().Generate(context.Background(), llm.Request{
		Turns:     []llm.Turn{{Speaker: llm.User, Text: text}},
		Passages:  retrieval.Passages(x.Search(text, "", 5)),
		Languages: []string{retrieval.Portuguese, retrieval.English},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wrong says what is wrong with the answer to a question, or nothing.
func wrong(r llm.Response, q faq.Question, language string) string {
	switch {
	case !r.Answered:
		return "not answered"
	case r.Language != language:
		return "in " + r.Language
	case len(r.Citations) == 0 || r.Citations[0].Heading != q.Heading:
		return fmt.Sprintf("cites %+v", r.Citations)
	}
	for _, e := range q.Expect {
		if !strings.Contains(r.Text, e) {
			return fmt.Sprintf("does not say %q", e)
		}
	}
	return ""
}

func TestEveryQuestionOfTheJourneyIsAnsweredRight(t *testing.T) {
	x, q := load(t)
	for language, list := range map[string][]faq.Question{"pt-BR": q.Portuguese, "en": q.English} {
		if len(list) < 10 {
			t.Errorf("%d questions in %s", len(list), language)
		}
		for _, c := range list {
			r := ask(t, x, c.Question)
			if w := wrong(r, c, language); w != "" {
				t.Errorf("%q: %s: %q", c.Question, w, r.Text)
			}
		}
	}
}

func TestWhatTheDocumentsDoNotCoverIsNotGuessed(t *testing.T) {
	x, q := load(t)
	for language, list := range q.Unanswerable {
		for _, text := range list {
			r := ask(t, x, text)
			if r.Answered || len(r.Citations) > 0 || r.Language != language || r.Text == "" {
				t.Errorf("%q (%s): %+v", text, language, r)
			}
		}
	}
}

// Nobody looked at these questions while the rules were made. The floors are what was reached at first sight.
func TestHeldOutQuestions(t *testing.T) {
	x, q := load(t)
	right, asked := 0, 0
	for language, list := range map[string][]faq.Question{"pt-BR": q.HeldOut.Portuguese, "en": q.HeldOut.English} {
		for _, c := range list {
			asked++
			if w := wrong(ask(t, x, c.Question), c, language); w == "" {
				right++
			}
		}
	}
	refused, foreign := 0, 0
	for _, list := range q.HeldOut.Unanswerable {
		for _, text := range list {
			foreign++
			if !ask(t, x, text).Answered {
				refused++
			}
		}
	}
	t.Logf("held out: %d of %d answered right, %d of %d refused", right, asked, refused, foreign)
	if right < heldOutRight || refused < heldOutRefused {
		t.Errorf("was %d right and %d refused", heldOutRight, heldOutRefused)
	}
}

const (
	heldOutRight   = 19
	heldOutRefused = 8
)
