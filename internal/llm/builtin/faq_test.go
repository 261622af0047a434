package builtin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/llm/builtin"
	"github.com/nowgo/agents/internal/retrieval"
)

// The documents and questions that the black-box journey uses, too.
const testdata = "../../../tests/testdata"

type question struct {
	Question string   `json:"question"`
	Expect   []string `json:"expect"`
	Heading  string   `json:"heading"`
}

type questions struct {
	PT           []question          `json:"pt-BR"`
	EN           []question          `json:"en"`
	Unanswerable map[string][]string `json:"unanswerable"`
	HeldOut      struct {
		PT           []question          `json:"pt-BR"`
		EN           []question          `json:"en"`
		Unanswerable map[string][]string `json:"unanswerable"`
	} `json:"held_out"`
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func load(t *testing.T) (*retrieval.Index, questions) {
	t.Helper()
	var passages []retrieval.Passage
	for _, name := range []string{"faq-pt.md", "faq-en.md"} {
		sections, err := retrieval.Split("text/markdown", read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range sections {
			passages = append(passages, retrieval.Passage{DocumentID: name, PassageID: fmt.Sprintf("%s-%d", name, i),
				Heading: s.Heading, Path: s.Path, Text: s.Text, Language: s.Language})
		}
	}
	var q questions
	if err := json.Unmarshal(read(t, "questions.json"), &q); err != nil {
		t.Fatal(err)
	}
	return retrieval.Build(passages), q
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
func wrong(r llm.Response, q question, language string) string {
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
	for language, list := range map[string][]question{"pt-BR": q.PT, "en": q.EN} {
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
	for language, list := range map[string][]question{"pt-BR": q.HeldOut.PT, "en": q.HeldOut.EN} {
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
