package faq

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var documents = map[string]string{"pt-BR": Portuguese, "en": English}

var headingLine = regexp.MustCompile(`(?m)^### (.+)$`)

// answers returns the text under each question of a document.
func answers(t *testing.T, document string) map[string]string {
	t.Helper()
	out := map[string]string{}
	found := headingLine.FindAllStringSubmatchIndex(document, -1)
	for i, at := range found {
		end := len(document)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		heading := document[at[2]:at[3]]
		body, _, _ := strings.Cut(document[at[1]:end], "\n## ")
		if _, twice := out[heading]; twice {
			t.Errorf("two questions are %q", heading)
		}
		out[heading] = strings.Join(strings.Fields(body), " ")
	}
	return out
}

var sentenceEnd = regexp.MustCompile(`[.!?]( |$)`)

func TestDocumentsAreRealFAQs(t *testing.T) {
	for language, name := range documents {
		document := Document(t, name)
		if sections := strings.Count(document, "\n## "); sections != 8 {
			t.Errorf("%s has %d sections, want 8", name, sections)
		}
		all := answers(t, document)
		if len(all) < 34 {
			t.Errorf("%s has %d questions, want at least 34", name, len(all))
		}
		for heading, answer := range all {
			if n := len(sentenceEnd.FindAllString(answer, -1)); n < 1 || n > 4 || utf8.RuneCountInString(answer) < 35 {
				t.Errorf("%s: %q has %d sentences: %q", language, heading, n, answer)
			}
		}
	}
}

var facts = map[string]*regexp.Regexp{
	"amounts":     regexp.MustCompile(`R\$ ([0-9][0-9.,]*[0-9]|[0-9])`),
	"percentages": regexp.MustCompile(`([0-9]+)%`),
	"addresses":   regexp.MustCompile(`([a-z]+@[a-z.]+[a-z])`),
	"telephones":  regexp.MustCompile(`(\(41\) [0-9-]+)`),
	"days":        regexp.MustCompile(`([0-9]+) (?:business |calendar )?(?:dias?|days?)\b`),
	"months":      regexp.MustCompile(`([0-9]+)[- ](?:mes|month)`),
	"measures":    regexp.MustCompile(`([0-9]+) (?:cm|V)\b`),
}

// TestDocumentsStateTheSameFacts compares amounts, addresses and periods of the two documents, in any order.
func TestDocumentsStateTheSameFacts(t *testing.T) {
	for what, pattern := range facts {
		list := func(language string) []string {
			text := strings.Join(strings.Fields(Document(t, documents[language])), " ")
			var out []string
			for _, m := range pattern.FindAllStringSubmatch(text, -1) {
				out = append(out, strings.NewReplacer(".", "", ",", "").Replace(m[1]))
			}
			slices.Sort(out)
			return out
		}
		if pt, en := list("pt-BR"), list("en"); len(pt) == 0 || !slices.Equal(pt, en) {
			t.Errorf("%s differ:\n%v\n%v", what, pt, en)
		}
	}
}

func TestEveryQuestionHasItsAnswer(t *testing.T) {
	s := Questions(t)
	for language, name := range documents {
		all := answers(t, Document(t, name))
		asked := slices.Concat(s.In(language), s.HeldOut.In(language))
		if len(s.In(language)) != 10 || len(s.HeldOut.In(language)) != 10 {
			t.Errorf("%s has %d questions and %d held out, want 10 and 10", language, len(s.In(language)), len(s.HeldOut.In(language)))
		}
		headings := map[string]bool{}
		for _, q := range asked {
			answer, ok := all[q.Heading]
			if !ok || headings[q.Heading] {
				t.Errorf("%s: %q is not a heading, or is asked for twice", language, q.Heading)
			}
			headings[q.Heading] = true
			if len(q.Expect) == 0 {
				t.Errorf("%s: %q expects nothing", language, q.Question)
			}
			for _, e := range q.Expect {
				if !strings.Contains(answer, e) {
					t.Errorf("%s: %q is not in the answer %q", language, e, answer)
				}
			}
			if got := overlap(q.Question, q.Heading); got > 0.6 {
				t.Errorf("%s: %q copies its heading (%.2f)", language, q.Question, got)
			}
		}
	}
}

// TestUnanswerableQuestionsAreNotCovered wants at least two words of each, of four letters or more, to be nowhere in the
// document, and at least one question to share a word with it: a reply to it would be a guess.
func TestUnanswerableQuestionsAreNotCovered(t *testing.T) {
	s := Questions(t)
	for language, name := range documents {
		known := map[string]bool{}
		for _, w := range wordsOf(Document(t, name)) {
			known[w] = true
		}
		if len(s.Unanswerable[language]) != 3 || len(s.HeldOut.Unanswerable[language]) != 4 {
			t.Errorf("%s: want 3 unanswerable questions and 4 held out", language)
		}
		tempting := 0
		for _, q := range slices.Concat(s.Unanswerable[language], s.HeldOut.Unanswerable[language]) {
			var unknown []string
			for _, w := range wordsOf(q) {
				if utf8.RuneCountInString(w) >= 4 && !known[w] {
					unknown = append(unknown, w)
				} else if len(w) >= 4 {
					tempting++
				}
			}
			if len(unknown) < 2 {
				t.Errorf("%s: %q may be covered: only %v is unknown", language, q, unknown)
			}
		}
		if tempting == 0 {
			t.Errorf("%s: no unanswerable question shares a word with the document", language)
		}
	}
}

func wordsOf(s string) []string {
	return regexp.MustCompile(`[\p{L}0-9]+`).FindAllString(strings.ToLower(s), -1)
}

// overlap is the share of the words of two texts that both have.
func overlap(a, b string) float64 {
	x, y := wordsOf(a), wordsOf(b)
	shared := 0
	for _, w := range x {
		if slices.Contains(y, w) {
			shared++
		}
	}
	return float64(shared) / float64(len(x)+len(y)-shared)
}
