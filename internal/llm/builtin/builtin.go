// Package builtin is the language model that needs no network: it answers only in words of the passages that it is given, and
// says that it does not know where they do not speak of what was asked.
//
// Invariants:
//   - Every citation's quote is a piece of its passage's text, and the answer is made of those quotes alone, but for Markdown's
//     marks, white space, and a fixed sentence before a quote in another language than the question's.
//   - Whether a question is answered is decided by how much of it the best passage covers ([retrieval.Hit.Coverage]), against
//     one threshold for all questions and documents.
package builtin

import (
	"context"
	"strings"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/retrieval"
)

// Name is what Response.Model says.
const Name = "builtin"

// The limits of a request, beyond which it is Invalid.
const (
	maxPassages = 100
	maxQuestion = 64 << 10 // bytes; only the first retrieval.MaxQuery characters are read
)

// model has no state: it may be used concurrently.
type model struct{}

// New returns the built-in model.
func New() llm.Model { return model{} }

// Generate implements [llm.Model]. The question is the last turn, which must be the user's; earlier turns, instructions and
// tools are not regarded. Passages come with the coverage that the search gave; where none has any, it is measured
// among the passages themselves. Errors: kind Invalid, code validation_failed; the context's; those of emit.
func (model) Generate(ctx context.Context, req llm.Request, emit func(string) error) (llm.Response, error) {
	question, err := questionOf(req)
	if err != nil {
		return llm.Response{}, err
	}
	if err := ctx.Err(); err != nil {
		return llm.Response{}, err
	}
	r := llm.Response{Model: Name, Language: languageOf(req, question), Stop: "end"}
	var a answer
	if best, ok := choose(covered(req.Passages, question), r.Language); ok {
		a = compose(question, best, r.Language, budget(req.MaxTokens))
	}
	if a.text != "" {
		r.Text, r.Citations, r.Answered = a.text, a.citations, true
	} else {
		r.Text, a.cut = limit(fallback(req.Fallback, r.Language), budget(req.MaxTokens))
	}
	if a.cut {
		r.Stop = "max_tokens"
	}
	r.Usage = usage(req, r.Text)
	if err := stream(ctx, r.Text, emit); err != nil {
		return llm.Response{}, err
	}
	return r, nil
}

func questionOf(req llm.Request) (string, error) {
	const op = "builtin.Generate"
	n := len(req.Turns)
	switch {
	case n == 0 || req.Turns[n-1].Speaker != llm.User:
		return "", fault.BadField(op, "turns", "the last one must be the user's")
	case len(req.Turns[n-1].Text) > maxQuestion || strings.TrimSpace(req.Turns[n-1].Text) == "":
		return "", fault.BadField(op, "turns", "the question is empty or too long")
	case len(req.Passages) > maxPassages:
		return "", fault.BadField(op, "passages", "there are more than 100")
	case req.MaxTokens < 0:
		return "", fault.BadField(op, "max_tokens", "must not be negative")
	}
	runes := []rune(req.Turns[n-1].Text)
	return string(runes[:min(len(runes), retrieval.MaxQuery)]), nil
}

// languageOf returns the language to answer in: the one asked for, or else that of the question among the client's.
func languageOf(req llm.Request, question string) string {
	if req.Language != "" {
		return req.Language
	}
	return retrieval.Language(question, req.Languages)
}

// covered returns the passages with their coverage.
func covered(passages []llm.Passage, question string) []llm.Passage {
	for _, p := range passages {
		if p.Coverage > 0 {
			return passages
		}
	}
	var own []retrieval.Passage
	for _, p := range passages {
		own = append(own, retrieval.Passage{DocumentID: p.DocumentID, PassageID: p.PassageID, Heading: p.Heading, Text: p.Text, Language: p.Language})
	}
	return retrieval.Passages(retrieval.Build(own).Search(question, "", maxPassages))
}

// threshold is the coverage from which a question counts as answered. On the questions that the parameters were chosen by,
// those with an answer reach 0.53 and more, those without 0.30 at most.
const threshold = 0.45

// otherThreshold is the coverage from which a passage in another language than the answer's will do: what meets there are
// names and numbers, so more of them must.
const otherThreshold = 0.6

// choose returns the passage to answer from, if one covers enough: the one with the best score in the language of the
// answer, or else in another.
func choose(passages []llm.Passage, language string) (llm.Passage, bool) {
	var best, other llm.Passage
	for _, p := range passages {
		switch {
		case !same(p.Language, language):
			if p.Coverage >= otherThreshold && p.Score > other.Score {
				other = p
			}
		case p.Coverage >= threshold && p.Score > best.Score:
			best = p
		}
	}
	if best.Score > 0 {
		return best, true
	}
	return other, other.Score > 0
}

// same reports whether two tags are of one language.
func same(a, b string) bool {
	return retrieval.Closest(a, both) == retrieval.Closest(b, both)
}

var both = []string{retrieval.Portuguese, retrieval.English}
