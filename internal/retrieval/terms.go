package retrieval

import (
	"iter"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the text in lower case without accents: "Devolução" and "devolucao" become one.
func Fold(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || 'A' <= s[i] && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

const maxWord = 40 // characters of a word; what is longer is cut

// words yields the words of a text as they stand: runs of letters and digits, numbers with the separators inside them
// (10:30, 14,90), short prefixes with their hyphen (e-mail), and the signs of money and percent.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRuneInString(text[i:])
			if !isWord(r) && !isSign(r) {
				i += n
				continue
			}
			end := i + n
			if isWord(r) {
				end = wordEnd(text, i)
			}
			if !yield(text[i:end]) {
				return
			}
			i = end
		}
	}
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

func isSign(r rune) bool { return r == '$' || r == '€' || r == '%' }

// wordEnd returns where the word that begins at text[from] ends.
func wordEnd(text string, from int) int {
	end, chars, lastDigit := from, 0, false
	for end < len(text) {
		r, n := utf8.DecodeRuneInString(text[end:])
		if !isWord(r) && !joins(text[end:], r, n, lastDigit, chars) {
			if r == '$' && chars <= 2 { // R$, US$
				return end + n
			}
			break
		}
		lastDigit = unicode.IsDigit(r)
		end, chars = end+n, chars+1
	}
	return end
}

// joins reports whether the mark r at the front of rest holds a word together.
func joins(rest string, r rune, n int, lastDigit bool, chars int) bool {
	next, _ := utf8.DecodeRuneInString(rest[n:])
	switch r {
	case '.', ',', ':':
		return lastDigit && unicode.IsDigit(next)
	case '-':
		return !lastDigit && chars <= 2 && unicode.IsLetter(next)
	}
	return false
}

// meanings are the words that signs of money and percent stand for.
var meanings = map[string]string{
	"r$": "brl", "reais": "brl", "us$": "usd", "$": "usd", "dolar": "usd", "dolares": "usd", "dollar": "usd", "dollars": "usd",
	"€": "eur", "euro": "eur", "euros": "eur", "%": "pct", "percent": "pct", "porcento": "pct",
}

var (
	clock     = regexp.MustCompile(`^([0-9]{1,2})[:h]([0-9]{2})$`)
	halfDay   = regexp.MustCompile(`^([0-9]{1,2}(?:[:.][0-9]{2})?)([ap]m)$`)
	thousands = regexp.MustCompile(`^[0-9]{1,3}(?:[.,][0-9]{3})+(?:[.,][0-9]{2})?$`)
	cents     = regexp.MustCompile(`^([0-9]+)[.,]([0-9]{2})$`)
)

// plain yields the folded words of a text, with numbers, times and money in one way of writing: 10:30 and 10h30 are
// 10h30, 10:00 is 10h, 9am is 9 and am, R$ 50,00 is brl and 50.
func plain(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for w := range words(text) {
			w = clip(strings.ReplaceAll(Fold(w), "-", ""))
			if m, ok := meanings[w]; ok {
				w = m
			}
			if w != "" && w[0] >= '0' && w[0] <= '9' {
				if m := halfDay.FindStringSubmatch(w); m != nil {
					if !yield(number(m[1])) || !yield(m[2]) {
						return
					}
					continue
				}
				w = number(w)
			}
			if w != "" && !yield(w) {
				return
			}
		}
	}
}

// number writes a number or a time of day in one way.
func number(w string) string {
	if m := clock.FindStringSubmatch(w); m != nil {
		return strings.TrimSuffix(strings.TrimLeft(m[1][:len(m[1])-1], "0")+m[1][len(m[1])-1:]+"h"+m[2], "00")
	}
	if thousands.MatchString(w) {
		if i := strings.LastIndexAny(w, ".,"); len(w)-i == 3 {
			w = strings.NewReplacer(".", "", ",", "").Replace(w[:i]) + w[i:]
		} else {
			w = strings.NewReplacer(".", "", ",", "").Replace(w)
		}
	}
	if m := cents.FindStringSubmatch(w); m != nil {
		return strings.TrimSuffix(m[1]+"."+m[2], ".00")
	}
	return w
}

func clip(w string) string {
	if len(w) <= maxWord {
		return w
	}
	for i, n := 0, 0; i < len(w); n++ {
		if n == maxWord {
			return w[:i]
		}
		_, size := utf8.DecodeRuneInString(w[i:])
		i += size
	}
	return w
}

// Terms returns what a text in the given language (a BCP 47 tag; English or else Portuguese) is indexed by, in order and
// with repetitions: its words in one way of writing, stemmed, without the function words of either language.
func Terms(text, language string) []string {
	language = known(language)
	lex, s := lexiconOf(), newStemmer(language)
	var out []string
	for w := range plain(text) {
		if !lex.isFunction(w) {
			out = append(out, s.stem(w))
		}
	}
	return out
}
