package builtin_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/llm/builtin"
	"github.com/nowgo/agents/internal/llm/llmtest"
	"github.com/nowgo/agents/internal/retrieval"
)

func TestModel(t *testing.T) { llmtest.Run(t, builtin.New()) }

func generate(t *testing.T, req llm.Request) llm.Response {
	t.Helper()
	r, err := builtin.New().Generate(context.Background(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func user(text string) []llm.Turn { return []llm.Turn{{Speaker: llm.User, Text: text}} }

func TestWithoutPassagesItDoesNotKnow(t *testing.T) {
	own := map[string]string{"pt-BR": "Vou perguntar a um colega.", "en": "Let me ask a colleague."}
	cases := map[string]struct {
		req            llm.Request
		text, language string
	}{
		"its own words, in Portuguese":    {llm.Request{Turns: user("Vocês abrem no domingo?")}, "Não encontrei essa informação", "pt-BR"},
		"its own words, in English":       {llm.Request{Turns: user("do you ship to Recife")}, "I could not find that", "en"},
		"the agent's words":               {llm.Request{Turns: user("do you ship to Recife"), Fallback: own}, "Let me ask a colleague.", "en"},
		"a language that is asked for":    {llm.Request{Turns: user("do you ship to Recife"), Language: "pt-BR", Fallback: own}, "Vou perguntar", "pt-BR"},
		"a client of one language":        {llm.Request{Turns: user("do you ship to Recife"), Languages: []string{"pt-BR"}}, "Não encontrei", "pt-BR"},
		"tags that differ in the region":  {llm.Request{Turns: user("do you ship to Recife"), Languages: []string{"en-GB"}, Fallback: own}, "Let me ask", "en-GB"},
		"words for another language only": {llm.Request{Turns: user("do you ship?"), Fallback: map[string]string{"pt-BR": "Não sei."}}, "I could not", "en"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := generate(t, c.req)
			if r.Answered || r.Citations != nil || r.Language != c.language || !strings.HasPrefix(r.Text, c.text) {
				t.Errorf("%+v", r)
			}
		})
	}
}

const long = "Nossa loja nasceu em 1987 e é cuidada pela mesma família desde o primeiro dia, sempre com o mesmo carinho por quem entra. " +
	"As paredes foram pintadas de azul por uma artista do bairro, que deixou nelas pássaros, folhas e as iniciais de toda a equipe. " +
	"O café do térreo serve bolos feitos na hora e sucos de frutas da estação, escolhidas todos os dias pela nossa cozinheira. " +
	"A entrega de geladeiras custa R$ 120 e leva dois ajudantes. " +
	"No andar de cima fica a biblioteca, aberta a todos, onde acontecem as leituras para crianças e as oficinas de desenho do mês. " +
	"Quem quiser conhecer a história completa pode pedir o livro que lançamos no aniversário de trinta anos da casa."

func TestALongPassageIsAnsweredByItsBestSentence(t *testing.T) {
	x := retrieval.Build([]retrieval.Passage{{DocumentID: "d", PassageID: "p", Heading: "Sobre nós", Text: long, Language: "pt-BR"}})
	q := "Quanto custa a entrega de uma geladeira?"
	r := generate(t, llm.Request{Turns: user(q), Passages: retrieval.Passages(x.Search(q, "", 5))})
	if !r.Answered || !strings.Contains(r.Text, "R$ 120") || len(r.Text) > 450 {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Citations {
		if !strings.Contains(long, c.Quote) || c.Heading != "Sobre nós" {
			t.Errorf("%+v", c)
		}
	}
}

func TestThePassageInTheQuestionsLanguageIsPreferred(t *testing.T) {
	passages := []retrieval.Passage{
		{DocumentID: "d", PassageID: "pt", Heading: "Pix", Text: "Aceitamos Pix Express em todas as lojas.", Language: "pt-BR"},
		{DocumentID: "d", PassageID: "en", Heading: "Pix", Text: "We accept Pix Express in every store.", Language: "en"},
		{DocumentID: "d", PassageID: "only", Heading: "Zeppelin", Text: "Zeppelin custa R$ 3.", Language: "pt-BR"},
	}
	x := retrieval.Build(passages)
	cases := map[string]struct{ question, passage, text, language string }{
		"English":         {"Do you accept Pix Express?", "en", "We accept Pix Express in every store.", "en"},
		"Portuguese":      {"Vocês aceitam Pix Express?", "pt", "Aceitamos Pix Express em todas as lojas.", "pt-BR"},
		"only in another": {"How much is the Zeppelin?", "only", "I found this in Portuguese only: Zeppelin custa R$ 3.", "en"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := generate(t, llm.Request{Turns: user(c.question), Passages: retrieval.Passages(x.Search(c.question, "", 5)),
				Languages: []string{"pt-BR", "en"}})
			if r.Text != c.text || r.Language != c.language || len(r.Citations) != 1 || r.Citations[0].PassageID != c.passage {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestPassagesWithoutCoverageAreMeasuredAmongThemselves(t *testing.T) {
	passages := []llm.Passage{
		{DocumentID: "d", PassageID: "a", Heading: "Parking", Text: "There are 40 parking spaces in the basement.", Language: "en", Score: 1},
		{DocumentID: "d", PassageID: "b", Heading: "Warranty", Text: "The warranty covers 90 days.", Language: "en", Score: 1},
	}
	if r := generate(t, llm.Request{Turns: user("How long is the warranty?"), Passages: passages}); len(r.Citations) != 1 || r.Citations[0].PassageID != "b" {
		t.Errorf("%+v", r)
	}
	if r := generate(t, llm.Request{Turns: user("Do you sell cat food?"), Passages: passages}); r.Answered {
		t.Errorf("%+v", r)
	}
}

func TestMarksAreNotSaid(t *testing.T) {
	text := "We take **all** of [these](https://x.example):\n\n- `Visa`\n- Pix"
	r := generate(t, llm.Request{Turns: user("Which cards?"), Passages: []llm.Passage{{DocumentID: "d", PassageID: "p", Heading: "Cards",
		Text: text, Language: "en", Score: 1, Coverage: 1}}})
	if r.Text != "We take all of these:\nVisa\nPix" || len(r.Citations) != 1 || r.Citations[0].Quote != text {
		t.Errorf("%+v", r)
	}
}

func TestMaxTokensCutsTheAnswer(t *testing.T) {
	q := llmtest.Question()
	q.MaxTokens = 3
	r := generate(t, q)
	if r.Text != "On Sundays we" || r.Stop != "max_tokens" || r.Usage.OutputTokens != 3 {
		t.Errorf("%+v", r)
	}
}

func TestBadRequests(t *testing.T) {
	cases := map[string]llm.Request{
		"a blank question":    {Turns: user(" \n")},
		"a huge question":     {Turns: user(strings.Repeat("a ", 40<<10))},
		"too many passages":   {Turns: user("a"), Passages: make([]llm.Passage, 101)},
		"a negative maximum":  {Turns: user("a"), MaxTokens: -1},
		"the tool's last say": {Turns: []llm.Turn{{Speaker: llm.ToolReply, Text: "a"}}},
	}
	for name, req := range cases {
		if _, err := builtin.New().Generate(context.Background(), req, nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzGenerate(f *testing.F) {
	f.Add("Quanto custa a entrega?", "Entrega", long)
	f.Add("What about \xff?", "A", "b. C! \x00 D? [e](f) **")
	f.Fuzz(func(t *testing.T, question, heading, text string) {
		p := llm.Passage{DocumentID: "d", PassageID: "p", Heading: heading, Text: text, Language: "en", Score: 1, Coverage: 1}
		r, err := builtin.New().Generate(context.Background(), llm.Request{Turns: user(question), Passages: []llm.Passage{p}}, nil)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if r.Answered != (len(r.Citations) > 0) || r.Text == "" {
			t.Fatalf("%+v", r)
		}
		for _, c := range r.Citations {
			if c.Quote == "" || !strings.Contains(text, c.Quote) {
				t.Fatalf("quote %q of %q", c.Quote, text)
			}
		}
	})
}
