// Package faq is the shop's two FAQ documents and the questions that tests ask of them. Its own test holds them to what they
// promise: the documents state the same facts, and every question has its answer under the heading it names.
package faq

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nowgo/agents/tests/env"
)

// The documents, in Markdown, for [Document].
const (
	Portuguese = "faq-pt.md"
	English    = "faq-en.md"
)

// Question is one in a person's own words, the heading that answers it and what the answer must hold.
type Question struct {
	Question string   `json:"question"`
	Expect   []string `json:"expect"`
	Heading  string   `json:"heading"`
}

// Sheet is questions in both languages, and by language those that the documents do not answer.
type Sheet struct {
	Portuguese   []Question          `json:"pt-BR"`
	English      []Question          `json:"en"`
	Unanswerable map[string][]string `json:"unanswerable"`
}

// Sheets are the questions that rules may be made by, and those held out, which nobody looks at while making them.
type Sheets struct {
	Sheet
	HeldOut Sheet `json:"held_out"`
}

// In returns the questions in a language, pt-BR or en.
func (s Sheet) In(language string) []Question {
	if language == "en" {
		return s.English
	}
	return s.Portuguese
}

// Document returns a file of tests/testdata.
func Document(t testing.TB, name string) string {
	t.Helper()
	root, err := env.Root()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "tests", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Questions returns what is asked of the documents.
func Questions(t testing.TB) Sheets {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(Document(t, "questions.json")))
	decoder.DisallowUnknownFields()
	var s Sheets
	if err := decoder.Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}
