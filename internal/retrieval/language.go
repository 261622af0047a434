package retrieval

import (
	_ "embed"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// The languages of passages and replies, as their BCP 47 tags.
const (
	Portuguese = "pt-BR"
	English    = "en"
)

var (
	//go:embed words/function_pt.txt
	functionPT string
	//go:embed words/function_en.txt
	functionEN string
	//go:embed words/weak_pt.txt
	weakPT string
	//go:embed words/weak_en.txt
	weakEN string
)

// wordList is a set of folded words.
type wordList map[string]bool

func parseWords(data string) wordList {
	list := wordList{}
	for line := range strings.Lines(data) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, w := range strings.Fields(line) {
			list[w] = true
		}
	}
	return list
}

// lexicon is the data of both languages.
type lexicon struct {
	function map[string]wordList // by language
	weak     wordList            // of both
}

var lexiconOf = sync.OnceValue(func() lexicon {
	l := lexicon{function: map[string]wordList{Portuguese: parseWords(functionPT), English: parseWords(functionEN)}}
	l.weak = parseWords(weakPT)
	for w := range parseWords(weakEN) {
		l.weak[w] = true
	}
	return l
})

// isFunction reports whether the folded word is a function word of either language: a question may be asked in one of
// passages in the other.
func (l lexicon) isFunction(word string) bool {
	return l.function[Portuguese][word] || l.function[English][word]
}

// evidence is how much of a text speaks for each language.
type evidence struct{ pt, en float64 }

func (e evidence) language() string {
	if e.en > e.pt {
		return English
	}
	return Portuguese
}

// clear reports whether one language has clearly the better of it.
func (e evidence) clear() bool {
	return max(e.pt, e.en) >= 3 && max(e.pt, e.en) >= 1.5*min(e.pt, e.en)
}

const detectionSample = 8 << 10 // bytes of a text that its language is told from

// evidenceOf weighs the beginning of text: function words that only one language has count 2, accents and letters
// that the other seldom uses 1 or 2, endings less.
func evidenceOf(text string) evidence {
	var e evidence
	if len(text) > detectionSample {
		text = strings.ToValidUTF8(text[:detectionSample], "")
	}
	lex := lexiconOf()
	for word := range words(text) {
		folded := Fold(word)
		pt, en := lex.function[Portuguese][folded], lex.function[English][folded]
		switch {
		case pt && !en:
			e.pt += 2
		case en && !pt:
			e.en += 2
		case pt && en:
		default:
			e.add(spelling(word, folded))
		}
	}
	return e
}

func (e *evidence) add(o evidence) { e.pt, e.en = e.pt+o.pt, e.en+o.en }

var (
	endingsPT = []string{"cao", "coes", "ao", "oes", "mente", "agem", "dade", "inho", "inha", "eiro", "eira", "ar", "ir", "ou", "ei", "am", "em", "ico", "avel", "ivel"}
	endingsEN = []string{"tion", "ing", "ly", "er", "ness", "ment", "ed", "th", "sh", "ght", "ck", "ee", "y", "ship", "ll", "ss"}
	groupsEN  = []string{"th", "sh", "ee", "oo", "wh", "ck", "ph", "tt", "pp", "ff", "dd", "w", "k", "y"}
	groupsPT  = []string{"lh", "nh", "qu", "ei", "ao"}
)

// spelling weighs one word's letters.
func spelling(word, folded string) evidence {
	var e evidence
	if strings.ContainsAny(strings.ToLower(word), "ãõçáéíóúâêôà") {
		e.pt += 2
	}
	if len(folded) < 3 || strings.ContainsAny(folded, "0123456789") {
		return e
	}
	e.pt += 0.6*first(folded, endingsPT, strings.HasSuffix) + 0.4*first(folded, groupsPT, strings.Contains)
	e.en += 0.6*first(folded, endingsEN, strings.HasSuffix) + 0.4*first(folded, groupsEN, strings.Contains)
	switch folded[len(folded)-1] {
	case 'a', 'o':
		e.pt += 0.5
	case 'd', 't', 'n', 'g', 'p', 'h', 'c', 'f':
		e.en += 0.5
	}
	return e
}

// first is 1 if one of the pieces fits the word, else 0.
func first(word string, pieces []string, fits func(string, string) bool) float64 {
	for _, p := range pieces {
		if fits(word, p) {
			return 1
		}
	}
	return 0
}

// Language tells which of the supported languages a text is in, even a short question without accents. It returns the
// tag as supported has it (BCP 47, such as pt-BR or en; nothing given means both of those). Only Portuguese and English are
// told apart: where the text's language is not supported, or cannot be told, it returns the first of supported.
func Language(text string, supported []string) string {
	if len(supported) == 0 {
		supported = []string{Portuguese, English}
	}
	e := evidenceOf(text)
	if e.pt == e.en {
		return supported[0]
	}
	return Closest(e.language(), supported)
}

// Closest returns the tag in supported that has the language of tag, and the first of supported where none has.
// It returns tag itself where nothing is supported.
func Closest(tag string, supported []string) string {
	if len(supported) == 0 {
		return tag
	}
	want, _ := language.Make(tag).Base()
	for _, s := range supported {
		if base, _ := language.Make(s).Base(); base == want {
			return s
		}
	}
	return supported[0]
}

// known returns the language of an index's partition for a tag: English for tags of English, else Portuguese.
func known(tag string) string {
	if tag == Portuguese || tag == English {
		return tag
	}
	return Closest(tag, []string{Portuguese, English})
}
