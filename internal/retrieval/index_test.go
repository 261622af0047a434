package retrieval_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nowgo/agents/internal/retrieval"
)

func ids(hits []retrieval.Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, h.PassageID)
	}
	return out
}

var shop = []retrieval.Passage{
	{DocumentID: "pt", PassageID: "frete", Heading: "Quanto custa o frete?", Path: []string{"Entrega", "Quanto custa o frete?"}, Text: "O frete custa R$ 14,90 para Curitiba.", Language: "pt-BR"},
	{DocumentID: "pt", PassageID: "gratis", Heading: "Quando é grátis?", Path: []string{"Entrega", "Quando é grátis?"}, Text: "O frete não é cobrado acima de R$ 249.", Language: "pt-BR"},
	{DocumentID: "pt", PassageID: "troca", Heading: "Prazo de troca", Text: "Você tem 30 dias para a devolução. Depois disso, fale conosco.", Language: "pt-BR"},
	{DocumentID: "pt", PassageID: "pix", Heading: "Pix", Text: "Aceitamos Pix em todas as lojas.", Language: "pt-BR"},
	{DocumentID: "en", PassageID: "shipping", Heading: "How much is shipping?", Text: "Shipping costs R$ 14.90 to Curitiba.", Language: "en"},
	{DocumentID: "en", PassageID: "pix-en", Heading: "Pix", Text: "We accept Pix in every store.", Language: "en"},
	{DocumentID: "en", PassageID: "returns", Heading: "Returns", Text: "You have 30 days to return a product.", Language: "en"},
}

func TestSearch(t *testing.T) {
	x := retrieval.Build(shop)
	cases := map[string]struct {
		query, language string
		limit           int
		first           []string
	}{
		"words of the heading weigh more":         {"frete", "", 2, []string{"frete", "gratis"}},
		"accents do not matter":                   {"prazo de DEVOLUCAO", "", 1, []string{"troca"}},
		"nor does the form":                       {"como devolver?", "", 1, []string{"troca"}},
		"English prefers English":                 {"do you accept Pix", "", 2, []string{"pix-en", "pix"}},
		"Portuguese prefers Portuguese":           {"vocês aceitam Pix", "", 2, []string{"pix", "pix-en"}},
		"a language given":                        {"Pix", "en-US", 1, []string{"pix-en"}},
		"the other language where nothing is":     {"returning", "pt-BR", 1, []string{"returns"}},
		"a price in any writing":                  {"R$14.90", "pt-BR", 1, []string{"frete"}},
		"the words of an outer heading":           {"entrega", "", 2, []string{"gratis", "frete"}},
		"nothing in common":                       {"girafa", "", 5, nil},
		"function words alone":                    {"o que é que você tem", "", 5, nil},
		"nothing asked":                           {"", "", 5, nil},
		"no limit":                                {"frete", "", 0, nil},
		"a query that is no text":                 {"\xff\xfe frete", "", 1, []string{"frete"}},
		"only the first thousand characters read": {strings.Repeat("é ", 500) + "frete", "", 5, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hits := x.Search(c.query, c.language, c.limit)
			if d := cmp.Diff(c.first, ids(hits)); d != "" {
				t.Error(d)
			}
			for _, h := range hits {
				if h.Score <= 0 || h.Coverage < 0 || h.Coverage > 1 {
					t.Errorf("%+v", h)
				}
			}
		})
	}
}

func TestCoverageTellsTheUnknownFromTheKnown(t *testing.T) {
	x := retrieval.Build(shop)
	cases := map[string]struct {
		query    string
		from, to float64
	}{
		"all of it":                   {"Quanto custa o frete para Curitiba?", 0.99, 1},
		"why it is asked counts less": {"Minha geladeira quebrou ontem. Qual é o prazo de troca?", 0.5, 0.9},
		"a word that nothing holds":   {"Qual é o frete do zeppelin?", 0.05, 0.45},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hits := x.Search(c.query, "", 1)
			if len(hits) != 1 || hits[0].Coverage < c.from || hits[0].Coverage > c.to {
				t.Errorf("%+v", hits)
			}
		})
	}
}

// Okapi BM25 by the formula, over one-letter words that no analysis changes.
func TestScoresAreBM25(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"11", "22", "33", "44", "55"}), 1, 12)
		texts := rapid.SliceOfN(words, 1, 10).Draw(t, "texts")
		query := rapid.SampledFrom([]string{"11", "22", "33"}).Draw(t, "query")
		var passages []retrieval.Passage
		total, found := 0.0, 0.0
		for i, w := range texts {
			passages = append(passages, retrieval.Passage{DocumentID: "d", PassageID: fmt.Sprint(i), Text: strings.Join(w, " "), Language: "en"})
			total += float64(len(w))
			if frequency(w, query) > 0 {
				found++
			}
		}
		n := float64(len(texts))
		idf := math.Log(1 + (n-found+0.5)/(found+0.5))
		hits := retrieval.Build(passages).Search(query, "en", len(texts))
		if len(hits) != int(found) {
			t.Fatalf("%d hits of %v", len(hits), found)
		}
		last := math.Inf(1)
		for _, h := range hits {
			w := strings.Fields(h.Text)
			tf := frequency(w, query)
			// A query of one known word is covered in full, which multiplies by one and a half.
			want := 1.5 * idf * tf * 2.2 / (tf + 1.2*(0.25+0.75*float64(len(w))/(total/n)))
			if math.Abs(h.Score-want) > 1e-9 || h.Score > last {
				t.Fatalf("%q: %v, want %v", h.Text, h.Score, want)
			}
			last = h.Score
		}
	})
}

func frequency(words []string, word string) (n float64) {
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}

func TestEqualPassagesComeInTheOrderOfTheirDocuments(t *testing.T) {
	var a, b []retrieval.Passage
	for i := range 20 {
		p := retrieval.Passage{DocumentID: fmt.Sprint("d", i%4), PassageID: fmt.Sprintf("d%d-%02d", i%4, i), Text: "o mesmo texto", Language: "pt-BR"}
		a, b = append(a, p), append(b, p)
	}
	for i := range 4 { // another order of documents
		for j := range 5 {
			b[i*5+j] = a[j*4+(i+2)%4]
		}
	}
	first := ids(retrieval.Build(a).Search("texto", "", 20))
	if d := cmp.Diff(first, ids(retrieval.Build(b).Search("texto", "", 20))); d != "" || len(first) != 20 {
		t.Error(first, d)
	}
	for i := 1; i < len(first); i++ {
		if first[i-1] >= first[i] {
			t.Errorf("%s before %s", first[i-1], first[i])
		}
	}
}

func TestAnIndexOfNothing(t *testing.T) {
	x := retrieval.Build(nil)
	if x.Len() != 0 || x.Search("frete", "", 5) != nil {
		t.Error("found something")
	}
	if x := new(retrieval.Index); x.Search("frete", "", 5) != nil {
		t.Error("found something in the zero index")
	}
}
