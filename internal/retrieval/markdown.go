package retrieval

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// block is a stretch of a document under one heading.
type block struct {
	path []string
	text string
}

// scanner reads Markdown line by line. It knows the leaf blocks that decide what a heading is: ATX and setext headings
// (CommonMark 0.31 §4.2, §4.3), thematic breaks (§4.1), indented and fenced code (§4.4, §4.5) and HTML comments (§4.6,
// kind 2), which are left out. Lists and quotations are text to it.
type scanner struct {
	doc    string
	blocks []block
	path   [6]string // the open heading of each level
	level  int       // of the last heading; 0 above the first
	start  int       // where the current block's text begins
	para   int       // where the current paragraph begins; -1 outside of one
	fence  string    // the marks that opened the current fenced code; empty outside
	hidden bool      // inside an HTML comment
	bare   string    // the source of the last heading while no text has followed it
}

// scanMarkdown returns the text under each heading, in order. The text of each block is a piece of doc.
func scanMarkdown(doc string) []block {
	s := &scanner{doc: doc, para: -1}
	for at := 0; at < len(doc); {
		end := strings.IndexByte(doc[at:], '\n')
		next := at + end + 1
		if end < 0 {
			end, next = len(doc)-at, len(doc)
		}
		s.line(at, next, doc[at:at+end])
		at = next
	}
	s.flush(len(doc))
	s.flushBare()
	return s.blocks
}

// line takes the line at doc[at:next].
func (s *scanner) line(at, next int, line string) {
	body, indent := unindent(line)
	switch {
	case s.hidden:
		if strings.Contains(line, "-->") {
			s.hidden, s.start = false, next
		}
	case s.fence != "":
		if indent < 4 && closesFence(body, s.fence) {
			s.fence = ""
		}
	case body == "":
		s.para = -1
	case indent >= 4:
		// Indented code, or more of a paragraph: no heading either way.
	case strings.HasPrefix(body, "<!--"):
		s.flush(at)
		s.para, s.start = -1, next
		s.hidden = !strings.Contains(body[4:], "-->")
	case opensFence(body) != "":
		s.fence, s.para = opensFence(body), -1
	case s.para >= 0 && setextLevel(body) > 0 && s.heading(setextLevel(body), s.para, next, s.doc[s.para:at]):
	case atxLevel(body) > 0 && s.heading(atxLevel(body), at, next, atxText(body)):
	case isBreak(body) || isContainer(body):
		s.para = -1
	case s.para < 0:
		s.para = at
	}
}

// heading opens a section unless its title is empty or too long for one; source is doc[at:next].
func (s *scanner) heading(level, at, next int, title string) bool {
	if len(title) > 8*MaxHeading { // before anything that reads it all
		return false
	}
	title = PlainText(title)
	if title == "" || utf8.RuneCountInString(title) > MaxHeading {
		return false
	}
	s.flush(at)
	if level <= s.level {
		s.flushBare()
	}
	for i := level - 1; i < len(s.path); i++ {
		s.path[i] = ""
	}
	s.path[level-1] = title
	s.level, s.start, s.para = level, next, -1
	s.bare = strings.TrimSpace(s.doc[at:next])
	return true
}

// flush ends the current block's text at end.
func (s *scanner) flush(end int) {
	if s.start < end {
		if t := strings.TrimSpace(s.doc[s.start:end]); t != "" {
			s.blocks = append(s.blocks, block{s.open(), t})
			s.bare = ""
		}
	}
	s.start = end
}

// flushBare makes a block of the last heading if nothing came under it.
func (s *scanner) flushBare() {
	if s.bare != "" {
		s.blocks = append(s.blocks, block{s.open(), s.bare})
		s.bare = ""
	}
}

// open returns the open headings from the outermost in.
func (s *scanner) open() []string {
	var path []string
	for _, h := range s.path {
		if h != "" {
			path = append(path, h)
		}
	}
	return path
}

// unindent returns the line without the white space around it, and the columns of that before it (§2.2: tabs stop
// every 4 columns).
func unindent(line string) (body string, indent int) {
	for i := range len(line) {
		switch line[i] {
		case ' ':
			indent++
		case '\t':
			indent += 4 - indent%4
		default:
			return strings.TrimRight(line[i:], " \t"), indent
		}
	}
	return "", indent
}

// opensFence returns the marks of an opening code fence, or nothing (§4.5).
func opensFence(body string) string {
	c := body[0]
	if c != '`' && c != '~' {
		return ""
	}
	marks := body[:len(body)-len(strings.TrimLeft(body, body[:1]))]
	if len(marks) < 3 || c == '`' && strings.Contains(body[len(marks):], "`") {
		return ""
	}
	return marks
}

// closesFence reports whether the line closes the fence: as many marks or more, and nothing else (§4.5).
func closesFence(body, fence string) bool {
	return len(body) >= len(fence) && strings.Trim(body, fence[:1]) == ""
}

// atxLevel returns the level of an ATX heading, or 0 (§4.2).
func atxLevel(body string) int {
	n := len(body) - len(strings.TrimLeft(body, "#"))
	if n < 1 || n > 6 || n < len(body) && body[n] != ' ' && body[n] != '\t' {
		return 0
	}
	return n
}

// atxText returns an ATX heading's title, without the closing sequence (§4.2).
func atxText(body string) string {
	t := strings.TrimSpace(strings.TrimLeft(body, "#"))
	if open := strings.TrimRight(t, "#"); open == "" || strings.HasSuffix(open, " ") || strings.HasSuffix(open, "\t") {
		return strings.TrimSpace(open)
	}
	return t
}

// setextLevel returns the level that a setext underline gives the paragraph above it, or 0 (§4.3).
func setextLevel(body string) int {
	switch {
	case strings.Trim(body, "=") == "":
		return 1
	case strings.Trim(body, "-") == "":
		return 2
	}
	return 0
}

// isBreak reports whether the line is a thematic break (§4.1).
func isBreak(body string) bool {
	if !strings.Contains("*-_", body[:1]) {
		return false
	}
	return strings.Count(body, body[:1]) >= 3 && strings.Trim(body, body[:1]+" \t") == ""
}

var containerMark = regexp.MustCompile(`^(>|[-+*]([ \t]|$)|[0-9]{1,9}[.)]([ \t]|$))`)

// isContainer reports whether the line begins a quotation (§5.1) or a list item (§5.2): what follows in it is no
// paragraph that an underline outside could make a heading of.
func isContainer(body string) bool { return containerMark.MatchString(body) }

var (
	inlineLink = regexp.MustCompile(`!?\[([^\[\]]*)\]\([^()]*\)`)
	lineMark   = regexp.MustCompile(`(?m)^[ \t]*(?:>[ \t]*)*(?:(?:#{1,6}|[-+*]|[0-9]{1,9}[.)])[ \t]+)?`)
	inlineMark = strings.NewReplacer("**", "", "__", "", "`", "")
)

// PlainText returns a piece of Markdown as a person would say it: links as their text, without the marks of headings,
// strong emphasis, code, list items and quotations, each run of white space one space.
func PlainText(markdown string) string {
	s := lineMark.ReplaceAllString(markdown, "")
	s = inlineMark.Replace(inlineLink.ReplaceAllString(s, "$1"))
	return strings.Join(strings.Fields(s), " ")
}
