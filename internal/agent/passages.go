package agent

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/nowgo/agents/internal/retrieval"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// chunks returns the changes that write a document's passages, some 240 KB of text an item.
func chunks(d Document, passages []passageRecord) ([]store.Change, error) {
	var out []store.Change
	for from := 0; from < len(passages); {
		to, size := from, 0
		for to < len(passages) && (to == from || size+passageBytes(passages[to]) <= chunkBytes) {
			size += passageBytes(passages[to])
			to++
		}
		packed, err := pack(passages[from:to])
		if err != nil {
			return nil, err
		}
		it, err := store.Row(keys.PassageChunk(d.AgentID, d.ID, d.Generation, len(out)), 1, nil, chunkRecord{packed})
		if err != nil {
			return nil, err
		}
		out = append(out, store.Create(it))
		from = to
	}
	return out, nil
}

func passageBytes(p passageRecord) int { return len(p.Text) + len(p.Heading) + 128 }

func pack(passages []passageRecord) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(passages); err != nil {
		return nil, fmt.Errorf("agent: packing passages: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("agent: packing passages: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) ([]passageRecord, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("agent: unpacking passages: %w", err)
	}
	var passages []passageRecord
	if err := json.NewDecoder(io.LimitReader(z, 4*MaxDocument)).Decode(&passages); err != nil {
		return nil, fmt.Errorf("agent: unpacking passages: %w", err)
	}
	return passages, nil
}

// Passages returns every passage of the documents that an agent has now, in the order of the documents' ids: one query for the documents and one for the
// passages of each. Passages of a generation that no document points to are left out.
func (s *Service) Passages(ctx context.Context, client tenant.ID, agent string) ([]retrieval.Passage, error) {
	const op = "agent.Passages"
	current := map[string]string{} // document id → generation
	err := each(ctx, s.Table, client, keys.Documents(agent), func(it store.Item) error {
		d, err := documentOf(it)
		if err == nil {
			current[d.ID] = d.Generation
		}
		return err
	})
	if err != nil {
		return nil, store.Fault(op, err)
	}
	var out []retrieval.Passage
	for _, document := range slices.Sorted(maps.Keys(current)) {
		err := each(ctx, s.Table, client, keys.Passages(agent, document, current[document]), func(it store.Item) error {
			var chunk chunkRecord
			if err := it.Read(nil, &chunk); err != nil {
				return err
			}
			passages, err := unpack(chunk.Gzip)
			for _, p := range passages {
				out = append(out, retrieval.Passage{DocumentID: document, PassageID: p.ID, Heading: p.Heading, Path: p.Path,
					Text: p.Text, Language: p.Language})
			}
			return err
		})
		if err != nil {
			return nil, store.Fault(op, err)
		}
	}
	return out, nil
}

// each calls visit for every item under prefix, a page at a time.
func each(ctx context.Context, table store.Table, client tenant.ID, prefix string, visit func(store.Item) error) error {
	cursor := ""
	for {
		page, err := table.Query(ctx, client, store.Query{Prefix: prefix, Limit: store.MaxPage, Cursor: cursor})
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := visit(it); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}
