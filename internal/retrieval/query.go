package retrieval

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxQuery is how many characters of a query are read.
const MaxQuery = 1000

// The weights of a question's words. People say why they ask before they ask: "My blender broke, does the warranty
// cover it?" What stands beside the question proper, and words that say little, count less.
const (
	weightBeside = 0.4
	weightWeak   = 0.35
)

// queryTerm is a word of a query that carries matter.
type queryTerm struct {
	word   string // folded, in one way of writing
	weight float64
}

// parse returns the words of a query that carry matter, each once with its greatest weight, in order.
func parse(query string) []queryTerm {
	lex := lexiconOf()
	var out []queryTerm
	at := map[string]int{}
	for _, c := range clauses(clipQuery(query)) {
		for w := range plain(c.text) {
			if lex.isFunction(w) {
				continue
			}
			weight := c.weight
			if lex.weak[w] {
				weight *= weightWeak
			}
			i, seen := at[w]
			if !seen {
				at[w] = len(out)
				out = append(out, queryTerm{w, weight})
			} else if out[i].weight < weight {
				out[i].weight = weight
			}
		}
	}
	return out
}

func clipQuery(q string) string {
	for i, n := 0, 0; i < len(q); n++ {
		if n == MaxQuery {
			return q[:i]
		}
		_, size := utf8.DecodeRuneInString(q[i:])
		i += size
	}
	return q
}

// clause is a part of a query.
type clause struct {
	text   string
	weight float64
}

var sentencePart = regexp.MustCompile(`[^.!?;\n]*(?:[.,:][0-9][^.!?;\n]*)*[.!?;\n]*`)

// clauses cuts a query into its sentences, and those at the comma before the question proper, and weighs them.
func clauses(query string) []clause {
	asks := strings.Contains(query, "?")
	var out []clause
	for _, s := range sentencePart.FindAllString(query, -1) {
		weight := 1.0
		if asks && !strings.Contains(s, "?") {
			weight = weightBeside
		}
		if i := questionProper(s); i > 0 {
			out = append(out, clause{s[:i], weightBeside}, clause{s[i:], weight})
		} else {
			out = append(out, clause{s, weight})
		}
	}
	return out
}

// asking are words that a question begins with, without accents.
var asking = parseWords(`
qual quais quem quando quanto quanta quantos quantas onde como que cade posso pode podem consigo da tem existe voces vc vcs
what which who whose when where why how do does did can could may is are was were will would should any anywhere
`)

// questionProper returns where in a sentence, after a comma, the question proper begins, or 0. Something of matter
// must be in it.
func questionProper(sentence string) int {
	for at := len(sentence); ; {
		i := strings.LastIndexByte(sentence[:at], ',')
		if i < 0 {
			return 0
		}
		if opens(sentence[i+1:]) {
			return i + 1
		}
		at = i
	}
}

// opens reports whether one of the first three words of the text asks, and at least two carry matter.
func opens(text string) bool {
	lex := lexiconOf()
	n, asks, matter := 0, false, 0
	for w := range plain(text) {
		if n++; n <= 3 && asking[w] {
			asks = true
		}
		if !lex.isFunction(w) && !lex.weak[w] {
			matter++
		}
	}
	return asks && matter >= 2
}
