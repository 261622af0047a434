package retrieval

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/nowgo/agents/internal/fault"
)

// The limits of a document.
const (
	MaxDocument = 4 << 20 // bytes of a document
	MaxPassage  = 1200    // characters (code points) of a passage's text
	MaxPassages = 5000    // passages of a document
	MaxHeading  = 200     // characters of a heading; a longer one is read as text
)

// Section is a passage as Split finds it, before it has ids.
type Section struct {
	Heading  string   // the nearest heading, without Markdown's marks; empty above the first
	Path     []string // the headings from the outermost to Heading; empty above the first
	Text     string   // 1 to MaxPassage characters of the document, marks included
	Language string   // pt-BR or en
}

// Split cuts a document of type text/markdown or text/plain into passages, in the document's order. A section of
// Markdown (CommonMark 0.31 §4.2 and §4.3) is one passage where it fits, and otherwise several, cut between
// paragraphs, list items or sentences. A heading with nothing under it is a passage of its own words. Line ends may be
// LF, CRLF or CR; a leading byte order mark is dropped.
//
// Errors: kind Invalid with the codes content_type_unsupported, document_not_utf8, document_has_nul and
// document_empty; kind TooLarge with document_too_large and document_too_many_passages.
func Split(contentType string, content []byte) ([]Section, error) {
	const op = "retrieval.Split"
	markdown, ok := kindOf(contentType)
	switch {
	case !ok:
		return nil, fault.New(op, fault.Invalid, "content_type_unsupported")
	case len(content) > MaxDocument:
		return nil, fault.New(op, fault.TooLarge, "document_too_large")
	case !utf8.Valid(content):
		return nil, fault.New(op, fault.Invalid, "document_not_utf8")
	case bytes.IndexByte(content, 0) >= 0:
		return nil, fault.New(op, fault.Invalid, "document_has_nul")
	}
	text := normalize(string(content))
	var blocks []block
	if markdown {
		blocks = scanMarkdown(text)
	} else {
		blocks = []block{{text: text}}
	}
	sections, ok := passages(blocks)
	switch {
	case !ok:
		return nil, fault.New(op, fault.TooLarge, "document_too_many_passages")
	case len(sections) == 0:
		return nil, fault.New(op, fault.Invalid, "document_empty")
	}
	return withLanguages(sections, text), nil
}

// kindOf reports whether the content type is Markdown, and whether it is one of the supported.
func kindOf(contentType string) (markdown, ok bool) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false, false
	}
	if c, given := params["charset"]; given && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "us-ascii") {
		return false, false
	}
	return media == "text/markdown", media == "text/markdown" || media == "text/plain"
}

// normalize drops a byte order mark and makes every line end a line feed.
func normalize(s string) string {
	s = strings.TrimPrefix(s, "\ufeff")
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// passages cuts blocks to size; ok is false where there would be more than MaxPassages.
func passages(blocks []block) (sections []Section, ok bool) {
	for _, b := range blocks {
		for rest := b.text; rest != ""; {
			var piece string
			piece, rest = cut(rest, MaxPassage)
			if piece == "" {
				continue
			}
			if len(sections) == MaxPassages {
				return nil, false
			}
			s := Section{Path: b.path, Text: piece}
			if n := len(b.path); n > 0 {
				s.Heading = b.path[n-1]
			}
			sections = append(sections, s)
		}
	}
	return sections, true
}

// withLanguages sets each section's language: its own where its words show it, and otherwise that of the document.
func withLanguages(sections []Section, text string) []Section {
	whole := evidenceOf(text)
	for i := range sections {
		e := evidenceOf(sections[i].Heading + "\n" + sections[i].Text)
		if e.clear() {
			sections[i].Language = e.language()
		} else {
			sections[i].Language = whole.language()
		}
	}
	return sections
}
