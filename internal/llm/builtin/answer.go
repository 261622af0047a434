package builtin

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/retrieval"
)

// enough is how many characters an answer may have before it stops at the sentences that answer best. A passage that is
// no longer is given whole: in a document for customers it is one thought.
const enough = 420

// answer is text with what it rests on.
type answer struct {
	text      string
	citations []llm.Citation
	cut       bool // by the budget of tokens
}

// compose answers from one passage: with all of it where it is short, else with the sentences that answer best and those
// beside them, in the passage's order. The answer is empty where the passage has nothing to say but marks.
func compose(question string, p llm.Passage, language string, budget int) answer {
	sentences := retrieval.Sentences(p.Text)
	picked := pick(sentences, scores(question, p, sentences))
	var a answer
	text := ""
	for _, span := range picked {
		quote := between(p.Text, sentences, span)
		said := spoken(quote)
		if said == "" {
			continue
		}
		a.citations = append(a.citations, llm.Citation{DocumentID: p.DocumentID, PassageID: p.PassageID, Heading: p.Heading, Quote: quote})
		text = strings.TrimSpace(text + " " + said)
	}
	if text == "" {
		return answer{}
	}
	text = strings.TrimSpace(lead(p.Language, language) + " " + text)
	a.text, a.cut = limit(text, budget)
	return a
}

// span is a run of sentences, from the first to the last.
type span struct{ first, last int }

// pick chooses sentences: the best, then its neighbours and other good ones while they fit. The result is in order, runs
// that touch joined.
func pick(sentences []string, score []float64) []span {
	order := make([]int, len(sentences))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return a - b
	})
	take, used := make([]bool, len(sentences)), 0
	for n, i := range order {
		size := utf8.RuneCountInString(sentences[i])
		if n > 0 && used+size > enough {
			continue
		}
		take[i], used = true, used+size
	}
	var out []span
	for i := range sentences {
		switch {
		case !take[i]:
		case i > 0 && take[i-1]:
			out[len(out)-1].last = i
		default:
			out = append(out, span{i, i})
		}
	}
	return out
}

// between returns the run of sentences as it stands in the text.
func between(text string, sentences []string, s span) string {
	from := 0
	for i := 0; i < s.first; i++ {
		from += strings.Index(text[from:], sentences[i]) + len(sentences[i])
	}
	end := from
	for i := s.first; i <= s.last; i++ {
		end += strings.Index(text[end:], sentences[i]) + len(sentences[i])
	}
	return strings.TrimSpace(text[from:end])
}

// scores says how well each sentence answers: the share of the question's terms it holds, terms that few sentences hold
// counting more; whether it has the sort of thing that was asked for; and a little for standing early and near the best.
func scores(question string, p llm.Passage, sentences []string) []float64 {
	asked := distinct(retrieval.Terms(question, p.Language))
	held := make([]map[string]bool, len(sentences))
	found := map[string]int{}
	for i, s := range sentences {
		held[i] = distinct(retrieval.Terms(s, p.Language))
		for t := range held[i] {
			found[t]++
		}
	}
	wants := wanted(question)
	out := make([]float64, len(sentences))
	for i, s := range sentences {
		for t := range asked {
			if held[i][t] {
				out[i] += 1 / float64(found[t])
			}
		}
		for _, w := range wants {
			if w.MatchString(s) {
				out[i] += 0.75
			}
		}
		out[i] += 0.3 / float64(i+1)
	}
	return spread(out)
}

// spread gives each sentence a third of its better neighbour's score: answers go on.
func spread(score []float64) []float64 {
	out := slices.Clone(score)
	for i := range score {
		best := 0.0
		if i > 0 {
			best = score[i-1]
		}
		if i+1 < len(score) {
			best = max(best, score[i+1])
		}
		out[i] += best / 3
	}
	return out
}

func distinct(terms []string) map[string]bool {
	set := make(map[string]bool, len(terms))
	for _, t := range terms {
		set[t] = true
	}
	return set
}

// sorts are the sorts of things that questions ask for, by how they ask (folded), and what such a thing looks like.
var sorts = []struct{ asks, looks *regexp.Regexp }{
	{ // a time of day
		regexp.MustCompile(`\b(que horas?|horario|what time|hours|opening|closing)\b`),
		regexp.MustCompile(`(?i)\b[0-9]{1,2}(h[0-9]{0,2}\b|:[0-9]{2}|\s*[ap]\.?m\b)`),
	},
	{ // a price
		regexp.MustCompile(`\b(quanto (custa|custam|e|sai|fica|pago|cobram)|qual o (preco|valor)|how much|price|cost|fee)\b`),
		regexp.MustCompile(`(R\$|US\$|\$|€)\s*[0-9]|(?i)\b(gr[aá]tis|gratuit[ao]s?|free)\b`),
	},
	{ // a number or a length of time
		regexp.MustCompile(`\b(quant[ao]s|quanto tempo|qual o prazo|how many|how long|how soon|deadline)\b`),
		regexp.MustCompile(`[0-9]`),
	},
}

func wanted(question string) []*regexp.Regexp {
	folded := retrieval.Fold(question)
	var out []*regexp.Regexp
	for _, s := range sorts {
		if s.asks.MatchString(folded) {
			out = append(out, s.looks)
		}
	}
	return out
}

// spoken is a quote as it is said: without Markdown's marks. Lines of a list stay lines.
func spoken(quote string) string {
	var out []string
	for _, block := range listLine.Split(quote, -1) {
		if s := retrieval.PlainText(block); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "\n")
}

// listLine is a line end before a list item or an empty line.
var listLine = regexp.MustCompile(`\n[ \t]*\n|\n[ \t]*(?:[-+*]|[0-9]{1,9}[.)])[ \t]+`)
