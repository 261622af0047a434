package retrieval

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cut takes a piece of at most limit characters (limit > 1) off the front of text, ending at the best boundary in its
// later part: a paragraph, a line that begins a list item, a sentence, a line, a word, or wherever it must. Neither
// piece nor rest has white space at its ends, and both are pieces of text.
func cut(text string, limit int) (piece, rest string) {
	text = strings.TrimSpace(text)
	end, chars := 0, 0
	for end < len(text) && chars < limit {
		_, n := utf8.DecodeRuneInString(text[end:])
		end, chars = end+n, chars+1
	}
	if end == len(text) {
		return text, ""
	}
	at := boundary(text[:end])
	return strings.TrimSpace(text[:at]), strings.TrimSpace(text[at:])
}

// boundary returns where to cut the window: in its last two thirds if there is a boundary in them.
func boundary(window string) int {
	least := len(window) / 3
	if i := strings.LastIndex(window, "\n\n"); i > least {
		return i
	}
	if i := lastItem(window); i > least {
		return i
	}
	ends := sentenceEnds(window)
	if n := len(ends); n > 0 && ends[n-1] > least {
		return ends[n-1]
	}
	if i := strings.LastIndexByte(window, '\n'); i > least {
		return i
	}
	if i := strings.LastIndexFunc(window, unicode.IsSpace); i > least {
		return i
	}
	return len(window)
}

// lastItem returns where the last line of window that begins a list item starts, or 0.
func lastItem(window string) int {
	for end := len(window); ; {
		i := strings.LastIndexByte(window[:end], '\n')
		if i < 0 {
			return 0
		}
		if body, _ := unindent(window[i+1:]); body != "" && isContainer(body) {
			return i
		}
		end = i
	}
}

// abbreviation is what a full stop that ends no sentence comes after: the field's usual titles and units, and single letters (a.m., E.).
var abbreviation = regexp.MustCompile(`(?i)(?:^|[\s(])(?:\pL|[ap]\.m|e\.g|i\.e|sra?|dra?|mrs?|ms|st|av|art|tel|ex|no|núm|pág|vs|prof|obs|máx|mín)$`)

// sentenceEnds returns the ends of the sentences that end inside text, in order, not counting its own end. A sentence
// ends at . ! ? or … (and closing marks) before white space and no lower-case letter, and before an empty line or a list item.
func sentenceEnds(text string) []int {
	var ends []int
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\n':
			body, _ := unindent(firstLine(text[i+1:]))
			if i+1 < len(text) && (body == "" || isContainer(body)) {
				ends = append(ends, i)
			}
		case c == '.' || c == '!' || c == '?' || strings.HasPrefix(text[i:], "…"):
			end, ok := closing(text, i)
			if ok && (c != '.' || !abbreviation.MatchString(text[max(0, i-8):i])) {
				ends = append(ends, end)
			}
			i = end - 1
		}
	}
	return ends
}

// firstLine returns the beginning of the first line of s, enough to tell what it begins.
func firstLine(s string) string {
	s = s[:min(len(s), 16)]
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// closing returns the end of the run of marks at text[i], and whether a sentence ends there.
func closing(text string, i int) (end int, ok bool) {
	end = i
	for end < len(text) {
		r, n := utf8.DecodeRuneInString(text[end:])
		if !strings.ContainsRune(".!?…\"'”’)]*_", r) {
			break
		}
		end += n
	}
	after := strings.TrimLeft(text[end:min(len(text), end+16)], " \t\n")
	if end == len(text) || after == "" || !unicode.IsSpace(rune(text[end])) {
		return end, false
	}
	r, _ := utf8.DecodeRuneInString(after)
	return end, !unicode.IsLower(r)
}

// Sentences returns the sentences of a passage in order. Each is a piece of the text as it stands.
func Sentences(text string) []string {
	var out []string
	from := 0
	for _, end := range append(sentenceEnds(text), len(text)) {
		if s := strings.TrimSpace(text[from:end]); s != "" {
			out = append(out, s)
		}
		from = end
	}
	return out
}
