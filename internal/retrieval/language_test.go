package retrieval_test

import (
	"testing"

	"github.com/nowgo/agents/internal/retrieval"
)

func TestLanguageOfShortQuestions(t *testing.T) {
	questions := map[string][]string{
		retrieval.Portuguese: {
			"Vocês abrem no domingo?", "voces abrem no domingo", "aceitam pix", "quanto custa o frete", "qual o horario", "tem wifi",
			"troca de tamanho", "posso pagar no boleto", "entrega em Recife", "meu pedido atrasou", "prazo de devolucao",
			"tem estacionamento", "que horas fecha", "parcelam em quantas vezes", "vale presente", "telefone de contato",
			"onde fica a loja", "como faco pra trocar", "perdi a nota fiscal", "vocês vendem ração", "horario de funcionamento",
			"formas de pagamento", "cancelar pedido", "Bom dia, tudo bem?", "oi",
		},
		retrieval.English: {
			"do you ship to Recife", "Are you open on Sunday?", "how much is shipping", "refund policy", "exchange a gift",
			"delivery to Recife", "my order is late", "is there parking", "when do you close", "can I pay in installments", "gift card",
			"contact phone", "where is the store", "I lost my receipt", "do you sell pet food", "opening hours", "payment methods",
			"cancel order", "Good morning, how are you?", "hi",
		},
	}
	for want, list := range questions {
		for _, q := range list {
			if got := retrieval.Language(q, []string{"pt-BR", "en"}); got != want {
				t.Errorf("%q is %s", q, got)
			}
		}
	}
}

func TestLanguageIsOneOfTheSupported(t *testing.T) {
	cases := map[string]struct {
		text      string
		supported []string
		want      string
	}{
		"as the client writes the tag": {"where is the store", []string{"pt-PT", "en-GB"}, "en-GB"},
		"not supported: the first":     {"where is the store", []string{"pt-BR"}, "pt-BR"},
		"no words: the first":          {"12345 ?!", []string{"en", "pt-BR"}, "en"},
		"empty":                        {"", []string{"en", "pt-BR"}, "en"},
		"nothing given":                {"where is the store", nil, "en"},
		"a tag that is none":           {"onde fica a loja", []string{"???", "pt"}, "pt"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := retrieval.Language(c.text, c.supported); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
	if got := retrieval.Closest("en-US", nil); got != "en-US" {
		t.Errorf("got %s", got)
	}
}
