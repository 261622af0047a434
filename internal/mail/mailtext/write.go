package mailtext

import (
	"embed"
	"html"
	"strings"
	"time"
	"unicode"

	"github.com/nowgo/agents/internal/mail"
)

//go:embed texts
var texts embed.FS

// dates is how each language writes a moment. Its keys are the languages there are.
var dates = map[string]string{"pt-BR": "02/01/2006 15:04", "en": "January 2, 2006 15:04"}

const defaultLanguage = "pt-BR"

// values are what a text's braces stand for.
type values map[string]string

// write returns the mail of a text. A text that is not there gives an empty mail, which a test rules out for each function of
// this package.
func write(text string, to To, v values, at time.Time) mail.Message {
	if _, known := dates[to.Language]; !known {
		to.Language = defaultLanguage
	}
	filled := values{"name": to.Name, "date": at.UTC().Format(dates[to.Language])}
	for key, value := range v {
		filled[key] = value
	}
	source, err := texts.ReadFile("texts/" + to.Language + "/" + text + ".txt")
	if err != nil {
		return mail.Message{To: to.Email}
	}
	paragraphs := strings.Split(strings.TrimSpace(string(source)), "\n\n")
	subject := filled.fill(paragraphs[0], oneLine)
	plain := make([]string, 0, len(paragraphs))
	var markup strings.Builder
	markup.WriteString(`<!doctype html>` + "\n" + `<html lang="` + to.Language + `"><head><meta charset="utf-8"><title>` +
		html.EscapeString(subject) + `</title></head>` + "\n" +
		`<body style="font-family:sans-serif;line-height:1.5;max-width:36em;margin:2em auto;padding:0 1em">` + "\n")
	for _, p := range paragraphs[1:] {
		plain = append(plain, filled.plain(p))
		markup.WriteString(filled.markup(p) + "\n")
	}
	markup.WriteString("</body></html>\n")
	return mail.Message{To: to.Email, Subject: subject, Text: strings.Join(plain, "\n\n") + "\n", HTML: markup.String()}
}

// plain returns a paragraph as text; a quotation keeps its mark on each line.
func (v values) plain(p string) string {
	if quoted, ok := strings.CutPrefix(p, "> "); ok {
		return "> " + strings.ReplaceAll(v.fill(quoted, typed), "\n", "\n> ")
	}
	if link, ok := strings.CutPrefix(p, "@ "); ok {
		label, url, _ := strings.Cut(link, ": ")
		return v.fill(label, oneLine) + ":\n" + v.fill(url, oneLine)
	}
	return v.fill(p, oneLine)
}

// markup returns a paragraph as HTML, with every value escaped.
func (v values) markup(p string) string {
	escaped := func(s string) string { return html.EscapeString(oneLine(s)) }
	if quoted, ok := strings.CutPrefix(p, "> "); ok {
		lines := func(s string) string { return strings.ReplaceAll(html.EscapeString(typed(s)), "\n", "<br>") }
		return "<blockquote>" + v.fill(quoted, lines) + "</blockquote>"
	}
	if link, ok := strings.CutPrefix(p, "@ "); ok {
		label, url, _ := strings.Cut(link, ": ")
		return `<p><a href="` + v.fill(url, escaped) + `">` + v.fill(html.EscapeString(label), escaped) + `</a></p>`
	}
	return "<p>" + v.fill(html.EscapeString(p), escaped) + "</p>"
}

// fill puts the values, each passed through form, where their names stand in braces. A value is never looked at again.
func (v values) fill(s string, form func(string) string) string {
	pairs := make([]string, 0, 2*len(v))
	for name, value := range v {
		pairs = append(pairs, "{"+name+"}", form(value))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// typed returns what a person wrote without control characters other than line breaks.
func typed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")))
}

// oneLine returns s without control characters, line breaks included.
func oneLine(s string) string { return strings.ReplaceAll(typed(s), "\n", " ") }
