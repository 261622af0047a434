package retrieval_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/retrieval"
)

func TestFormsOfAWordMeet(t *testing.T) {
	families := map[string][]string{
		retrieval.Portuguese: {
			"devolução devolucao devoluções devolucoes DEVOLUÇÃO", "cartão cartao cartões cartoes", "domingo domingos Domingo",
			"troca trocas trocar trocando trocamos trocam troquei", "abre abrem abrir abrimos aberto aberta abertura",
			"pagamento pagamentos pagar pago paguei pagando", "entrega entregas entregar entregam entregue entregues",
			"digital digitais", "papel papéis papeis", "disponível disponivel disponíveis disponiveis", "útil úteis uteis util",
			"preço precos preços preco", "móvel móveis moveis", "atendimento atender atendem", "sábado sabado sábados",
			"garantia garantias", "horário horario horários", "embalagem embalagens",
		},
		retrieval.English: {
			"exchange exchanges exchanging exchanged", "pay pays paying paid payment payments", "deliver delivery delivers delivered deliveries",
			"ship ships shipping shipped shipment", "installment instalments instalment", "return returns returned returning",
			"buy buys buying bought", "sunday Sundays", "cancel cancelled canceling cancellation",
		},
	}
	for language, list := range families {
		for _, family := range list {
			stems := map[string]bool{}
			for _, s := range retrieval.Terms(family, language) {
				stems[s] = true
			}
			if len(stems) != 1 {
				t.Errorf("%s: %v", family, stems)
			}
		}
	}
}

func TestWordsThatMustNotMeet(t *testing.T) {
	for _, pair := range []string{"conta contato", "prazo preço", "pagar pegar", "cama camisa", "frete frente"} {
		if stems := retrieval.Terms(pair, "pt-BR"); len(stems) != 2 || stems[0] == stems[1] {
			t.Errorf("%s: %v", pair, stems)
		}
	}
}

func TestWaysOfWritingMeet(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"times":              {"às 10h, 10:00, 10h00, 10:30 e 10h30; 09:00, 00:00", "10h 10h 10h 10h30 10h30 9h 0h"},
		"halves of the day":  {"9am 9 am 6:45pm", "9 9 6h45 pm"},
		"money":              {"R$ 50, R$50,00, 50 reais, US$ 3, $3, 4 euros, € 4", "brl 50 brl 50 50 brl usd 3 usd 3 4 eur eur 4"},
		"decimals":           {"14,90 14.90 1.000 1,000.50 1.000,50", "14.90 14.90 1000 1000.50 1000.50"},
		"percent":            {"5% 10 %", "5 pct 10 pct"},
		"hyphens":            {"e-mail email wi-fi WiFi", "email email wif wif"},
		"codes stay":         {"127V 12x PRIMEIRA10 24/7", "127v 12x primeira10 24 7"},
		"phone numbers":      {"(41) 3555-0140", "41 3555 0140"},
		"function words go":  {"o que é a de para com você the of you do", ""},
		"other scripts":      {"Київ 東京", "киів 東京"},
		"marks alone":        {"?! — … ₂", ""},
		"a very long word":   {strings.Repeat("x", 100), strings.Repeat("x", 40)},
		"ligatures, fullwid": {"ﬁm １０h", "fim 10h"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, strings.Join(retrieval.Terms(c.text, "pt-BR"), " ")); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSentences(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
	}{
		"marks":          {"Sim. Abrimos às 9h! E depois? Não…", []string{"Sim.", "Abrimos às 9h!", "E depois?", "Não…"}},
		"abbreviations":  {"O Sr. João atende na Av. Brasil. Ligue às 9 a.m. Hoje.", []string{"O Sr. João atende na Av. Brasil.", "Ligue às 9 a.m. Hoje."}},
		"numbers":        {"Custa R$ 1.000,50 no Pix. Dura 3.5 dias.", []string{"Custa R$ 1.000,50 no Pix.", "Dura 3.5 dias."}},
		"soft lines":     {"Uma frase\nem duas linhas. Outra.", []string{"Uma frase\nem duas linhas.", "Outra."}},
		"lists":          {"Aceitamos:\n- Pix\n- cartão\n1. boleto", []string{"Aceitamos:", "- Pix", "- cartão", "1. boleto"}},
		"paragraphs":     {"um\n\ndois", []string{"um", "dois"}},
		"quoted endings": {"\"Pode entrar.\" Ela disse.", []string{"\"Pode entrar.\"", "Ela disse."}},
		"addresses":      {"Escreva a ana@loja.example. Obrigado.", []string{"Escreva a ana@loja.example.", "Obrigado."}},
		"nothing":        {" \n ", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, retrieval.Sentences(c.text)); d != "" {
				t.Error(d)
			}
		})
	}
}
