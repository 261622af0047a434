package builtin

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/retrieval"
)

// Said where the passages do not hold the answer and the agent has no words of its own for that, and before a quote in
// another language than the answer's.
var (
	unknown = map[string]string{
		retrieval.Portuguese: "Não encontrei essa informação nos documentos que tenho.",
		retrieval.English:    "I could not find that in the documents I have.",
	}
	foreign = map[string]string{
		retrieval.Portuguese: "Encontrei isto somente em inglês:",
		retrieval.English:    "I found this in Portuguese only:",
	}
)

// fallback returns what to say where there is no answer: the agent's words in the language, or else our own.
func fallback(own map[string]string, language string) string {
	if s := strings.TrimSpace(own[language]); s != "" {
		return s
	}
	for _, tag := range slices.Sorted(maps.Keys(own)) {
		if s := strings.TrimSpace(own[tag]); s != "" && same(tag, language) {
			return s
		}
	}
	return unknown[retrieval.Closest(language, both)]
}

// lead returns what to say before a quote of a passage, where their languages differ.
func lead(passage, answer string) string {
	if same(passage, answer) {
		return ""
	}
	return foreign[retrieval.Closest(answer, both)]
}

// budget returns how many tokens an answer may have.
func budget(maxTokens int) int {
	if maxTokens > 0 {
		return maxTokens
	}
	return 1024
}

// limit cuts a text after as many tokens as the budget has.
func limit(text string, budget int) (out string, cut bool) {
	for at := range pieces(text) {
		if budget == 0 {
			return strings.TrimSpace(text[:at]), true
		}
		budget--
	}
	return text, false
}

// usage counts tokens as the pieces that text is emitted in: a word with the space after it.
func usage(req llm.Request, text string) llm.Usage {
	u := llm.Usage{InputTokens: tokens(req.System), OutputTokens: tokens(text)}
	for _, t := range req.Turns {
		u.InputTokens += tokens(t.Text)
	}
	for _, p := range req.Passages {
		u.InputTokens += tokens(p.Heading) + tokens(p.Text)
	}
	return u
}

func tokens(text string) int {
	n := 0
	for range pieces(text) {
		n++
	}
	return n
}

// pieces yields where each piece of a text begins, and the piece: a word with the white space after it.
func pieces(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for from := 0; from < len(text); {
			end, space := from, false
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if space && !unicode.IsSpace(r) {
					break
				}
				space = unicode.IsSpace(r)
				end += n
			}
			if !yield(from, text[from:end]) {
				return
			}
			from = end
		}
	}
}

// stream emits the text piece by piece until the context ends.
func stream(ctx context.Context, text string, emit func(string) error) error {
	for _, piece := range pieces(text) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if emit == nil {
			break
		}
		if err := emit(piece); err != nil {
			return err
		}
	}
	return ctx.Err()
}
