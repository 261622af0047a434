package organization

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// prose returns every sentence of a text that a person or a model reads.
func prose(t TemplateText) []string {
	out := slices.Concat([]string{t.Summary, t.Personality, t.Tone, t.Greeting, t.Fallback}, rules(t))
	for _, topic := range t.Topics {
		out = append(out, topic.Title+": "+topic.Question)
	}
	return out
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// shingles returns the sets of three words that follow one another within a sentence.
func shingles(sentences []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range sentences {
		w := words(s)
		for i := 0; i+3 <= len(w); i++ {
			out[strings.Join(w[i:i+3], " ")] = true
		}
	}
	return out
}

// similarity is the Jaccard index of two sets: what they share over what they hold together.
func similarity(a, b map[string]bool) float64 {
	shared := 0
	for s := range a {
		if b[s] {
			shared++
		}
	}
	all := len(a) + len(b) - shared
	if all == 0 {
		return 1
	}
	return float64(shared) / float64(all)
}

func TestSimilarityKnowsACopyWithTheNameSwapped(t *testing.T) {
	retail, _ := FindTemplate("retail")
	var swapped []string
	for _, s := range prose(retail.Texts["en"]) {
		swapped = append(swapped, strings.NewReplacer("shop", "clinic", "store", "clinic", "customer", "patient").Replace(s))
	}
	if got := similarity(shingles(prose(retail.Texts["en"])), shingles(swapped)); got < 0.8 {
		t.Errorf("a copy with three names swapped has a similarity of %.2f: the measure is blind", got)
	}
}

// TestEverySectorIsItsOwnText compares each pair of sectors in each language: over the whole, where unrelated texts share
// next to nothing, and part by part, where a copied greeting would be drowned.
func TestEverySectorIsItsOwnText(t *testing.T) {
	parts := map[string]func(TemplateText) []string{
		"whole":        prose,
		"personality":  func(t TemplateText) []string { return []string{t.Personality} },
		"tone":         func(t TemplateText) []string { return []string{t.Tone} },
		"summary":      func(t TemplateText) []string { return []string{t.Summary} },
		"greeting":     func(t TemplateText) []string { return []string{t.Greeting} },
		"fallback":     func(t TemplateText) []string { return []string{t.Fallback} },
		"instructions": func(t TemplateText) []string { return t.Instructions },
		"cautions":     func(t TemplateText) []string { return t.Cautions },
	}
	all := Templates()
	for i, a := range all {
		for _, b := range all[i+1:] {
			for language := range a.Texts {
				for part, of := range parts {
					limit := 0.2
					if part == "whole" {
						limit = 0.02
					}
					if got := similarity(shingles(of(a.Texts[language])), shingles(of(b.Texts[language]))); got >= limit {
						t.Errorf("%s and %s, %s, %s: similarity %.2f", a.Sector, b.Sector, language, part, got)
					}
				}
			}
		}
	}
}

func TestSectorsShareNoSentenceAndFewKeys(t *testing.T) {
	seen := map[string]string{}
	keys := map[string][]string{}
	for _, template := range Templates() {
		for language, text := range template.Texts {
			for _, s := range prose(text) {
				if other, ok := seen[s]; ok {
					t.Errorf("%s %s repeats a sentence of %s: %q", template.Sector, language, other, s)
				}
				seen[s] = template.Sector
			}
		}
		for _, m := range template.Metrics {
			keys[m.Key] = append(keys[m.Key], template.Sector)
		}
	}
	for key, where := range keys {
		if len(where) > 1 {
			t.Errorf("metric %s is in %v: a sector measures what is its own", key, where)
		}
	}
}

// The function words of a language are a third to a half of any prose in it and nearly absent from prose in the other.
// Words that both languages have (a, do, as, no) are in neither list.
var functionWords = map[string][]string{
	"pt-BR": strings.Fields("o os um uma de da dos das em na nos nas e que é para por com não se ou mais quem ao aos à às pelo " +
		"pela sem só já sua seu meu minha isso este esta está você qual quando como foi ser tem mas até sobre nem cada"),
	"en": strings.Fields("the an of in on and that is are for by with not if or more who to from without it its my your you this " +
		"these what which when how was be has have but until about neither each at their them they can where will"),
}

func share(sentence string, list []string) float64 {
	w := words(sentence)
	n := 0
	for _, x := range w {
		if slices.Contains(list, x) {
			n++
		}
	}
	return float64(n) / float64(max(len(w), 1))
}

func TestTextsAreInTheirLanguage(t *testing.T) {
	for _, template := range Templates() {
		for language, text := range template.Texts {
			other := "en"
			if language == "en" {
				other = "pt-BR"
			}
			whole := strings.Join(prose(text), " ")
			if own, foreign := share(whole, functionWords[language]), share(whole, functionWords[other]); own < 0.2 || foreign > 0.02 {
				t.Errorf("%s %s: %.2f of its words are its language's, %.3f the other's", template.Sector, language, own, foreign)
			}
			for _, s := range prose(text) {
				if share(s, functionWords[language]) < share(s, functionWords[other]) {
					t.Errorf("%s %s: not in its language: %q", template.Sector, language, s)
				}
			}
		}
		for _, m := range template.Metrics {
			if m.Names["pt-BR"] == m.Names["en"] {
				t.Errorf("%s: metric %s is not translated", template.Sector, m.Key)
			}
		}
	}
}
