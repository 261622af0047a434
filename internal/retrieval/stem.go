package retrieval

import (
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/portuguese"
)

// stemmer reduces folded words of one language to stems, by Snowball's algorithms. It is for one goroutine.
type stemmer struct {
	language string
	env      *snowballstem.Env
	seen     map[string]string
}

func newStemmer(language string) *stemmer {
	return &stemmer{language: language, env: snowballstem.NewEnv(""), seen: map[string]string{}}
}

const maxSeen = 4096 // stems that a stemmer remembers

// stem returns the stem of a folded word. Words with digits are their own.
func (s *stemmer) stem(word string) string {
	if strings.ContainsAny(word, "0123456789") {
		return word
	}
	if out, ok := s.seen[word]; ok {
		return out
	}
	out := s.compute(word)
	if len(s.seen) < maxSeen {
		s.seen[word] = out
	}
	return out
}

func (s *stemmer) compute(word string) string {
	if s.language == English {
		if base, ok := irregularEN[word]; ok {
			word = base
		}
		s.env.SetCurrent(word)
		english.Stem(s.env)
		return trimDerived(s.env.Current(), "ment", "eri")
	}
	word = singularPT(word)
	if base, ok := irregularPT[word]; ok {
		word = base
	}
	s.env.SetCurrent(accentedPT(word))
	portuguese.Stem(s.env)
	out := Fold(s.env.Current())
	if out == word {
		return trimInflection(out)
	}
	return trimDerived(out, "ament", "iment")
}

// trimInflection takes the ending off a word that Snowball leaves whole because it is short (abrem, abrimos, abre), if
// three characters remain.
func trimInflection(word string) string {
	for _, ending := range [...]string{"amos", "emos", "imos", "ando", "endo", "indo", "aram", "eram", "iram", "ar", "er", "ir",
		"am", "em", "ou", "eu", "iu", "ei", "a", "e", "o"} {
		if base, ok := strings.CutSuffix(word, ending); ok && len(base) >= 3 {
			return base
		}
	}
	return word
}

// trimDerived takes a suffix that makes nouns of verbs off a stem, where Snowball leaves it on short ones (payment,
// pagamento), if three characters remain.
func trimDerived(stem string, suffixes ...string) string {
	for _, suffix := range suffixes {
		if base, ok := strings.CutSuffix(stem, suffix); ok && len(base) >= 3 {
			return base
		}
	}
	return stem
}

// singularPT undoes the plurals that change more than an ending -s: cartões, ordens, digitais, papéis, móveis.
func singularPT(w string) string {
	if len(w) < 5 {
		return w
	}
	for _, p := range [...]struct{ plural, singular string }{
		{"teis", "til"}, {"ceis", "cil"}, {"oes", "ao"}, {"ais", "al"}, {"eis", "el"}, {"ois", "ol"}, {"ens", "em"}, {"ons", "om"}, {"uns", "um"},
	} {
		if base, ok := strings.CutSuffix(w, p.plural); ok {
			return base + p.singular
		}
	}
	return w
}

// accentedPT puts back the accents of the endings that Snowball knows only with them, so that a word stems alike
// whether or not it was written with its accents.
func accentedPT(w string) string {
	for _, p := range [...]struct{ plain, accented string }{
		{"cao", "ção"}, {"ao", "ão"}, {"avel", "ável"}, {"ivel", "ível"}, {"aveis", "áveis"}, {"iveis", "íveis"},
		{"encia", "ência"}, {"encias", "ências"}, {"ancia", "ância"}, {"ancias", "âncias"},
	} {
		if base, ok := strings.CutSuffix(w, p.plain); ok && base != "" {
			return base + p.accented
		}
	}
	return w
}

// irregularPT has the forms of common verbs and nouns that the rules do not bring to their word: irregular participles,
// changes of the stem's vowel or consonant, and words that only look like participles.
var irregularPT = pairs(`
	aberto abrir aberta abrir abertos abrir abertas abrir abertura abrir abrimos abrir
	coberto cobrir coberta cobrir cobre cobrir cobertura cobrir cubro cobrir
	escrito escrever escrita escrever gasto gastar
	pego pegar quisto querer visto ver vista ver entregue entregar entregues entregar aceite aceitar
	perco perder perda perder perdas perder peco pedir pede pedir pedem pedir pedi pedir pediu pedir
	pago pagar paga pagar pagas pagar pagos pagar
	sirvo servir serve servir servem servir serviu servir servido servir
	durmo dormir prefiro preferir prefere preferir repito repetir
	sabado sabado sabados sabado feriado feriado feriados feriado mercado mercado mercados mercado
	maior grande menor pequeno
	fecho fechar feche fechar fechem fechar
	troquei trocar troque trocar troquem trocar
	paguei pagar pague pagar paguem pagar
	chego chegar cheguei chegar chegue chegar cheguem chegar
	fico ficar fiquei ficar fique ficar
	comeco comecar comece comecar comecei comecar
	busque buscar busquei buscar estacione estacionar
`)

// irregularEN has the irregular forms of common English verbs and nouns.
var irregularEN = pairs(`
	bought buy brought bring sold sell sent send paid pay broke break broken break lost lose kept keep left leave
	met meet spent spend built build found find held hold told tell shut shut wrote write written write
	chose choose chosen choose wore wear worn wear forgot forget forgotten forget drove drive driven drive
	stole steal stolen steal froze freeze frozen freeze ate eat eaten eat
	children child people person men man women woman feet foot knives knife shelves shelf
	expiry expire expiration expire validity valid refusal refuse arrival arrive
	cheaper cheap cheapest cheap larger large largest large bigger big biggest big later late latest late
	longer long longest long earlier early earliest early
	instalment installment instalments installment colour color colours color catalogue catalog
	cancelled cancel canceled cancel cancelling cancel canceling cancel cancellation cancel
`)

// pairs reads word and base, alternating.
func pairs(data string) map[string]string {
	fields := strings.Fields(data)
	m := make(map[string]string, len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	return m
}
