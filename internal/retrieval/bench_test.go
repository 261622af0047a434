package retrieval_test

import (
	"fmt"
	"testing"

	"github.com/nowgo/agents/internal/retrieval"
)

// thousand returns 1,000 passages of some 400 characters, made of a vocabulary of 3,000 words.
func thousand() []retrieval.Passage {
	var out []retrieval.Passage
	seed := uint32(1)
	for i := range 1000 {
		text := ""
		for len(text) < 400 {
			seed = seed*1664525 + 1013904223
			text += fmt.Sprintf("palavra%c%c%c ", 'a'+rune(seed>>8%15), 'a'+rune(seed>>16%20), 'a'+rune(seed>>24%10))
		}
		out = append(out, retrieval.Passage{DocumentID: fmt.Sprintf("d%02d", i/50), PassageID: fmt.Sprint(i), Heading: "Prazo de entrega",
			Text: text + "O frete custa R$ 14,90 e a devolução é grátis.", Language: "pt-BR"})
	}
	return out
}

func BenchmarkBuild1000(b *testing.B) {
	passages := thousand()
	b.ReportAllocs()
	for b.Loop() {
		retrieval.Build(passages)
	}
}

func BenchmarkSearch1000(b *testing.B) {
	x := retrieval.Build(thousand())
	for name, q := range map[string]string{
		"a word that all hold": "quanto custa o frete",
		"a word that few hold": "palavraabc",
		"a long question":      "Comprei uma palavraabc e ficou apertada, até quantos dias depois eu tenho prazo pra devolução e quanto custa o frete?",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.Search(q, "", 5)
			}
		})
	}
}

func BenchmarkUnmarshal1000(b *testing.B) {
	data := encode(b, retrieval.Build(thousand()))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var x retrieval.Index
		if err := x.UnmarshalBinary(data); err != nil {
			b.Fatal(err)
		}
	}
}
