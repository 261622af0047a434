package app

import (
	"context"

	"github.com/nowgo/agents/internal/llm"
	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/tenant"
)

// library shows the search's hits as the passages that a model rests on.
type library struct{ search *retrieval.Library }

// Search implements conversation.Library.
func (l library) Search(ctx context.Context, client tenant.ID, agent, corpus, question, language string, limit int,
) ([]llm.Passage, error) {
	hits, err := l.search.Search(ctx, client, agent, corpus, question, language, limit)
	if err != nil {
		return nil, err
	}
	passages := make([]llm.Passage, len(hits))
	for i, h := range hits {
		passages[i] = llm.Passage{DocumentID: h.DocumentID, PassageID: h.PassageID, Heading: h.Heading, Text: h.Text,
			Language: h.Language, Score: h.Score, Coverage: h.Coverage}
	}
	return passages, nil
}
