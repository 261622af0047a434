package store

import (
	"context"

	"github.com/nowgo/agents/internal/tenant"
)

// List answers a query with entities, each decoded from its item, and the cursor of the next page. Errors: those of [Fault], upon
// op; what cannot be decoded is Internal.
func List[T any](ctx context.Context, op string, table Table, client tenant.ID, q Query, decode func(Item) (T, error),
) ([]T, string, error) {
	page, err := table.Query(ctx, client, q)
	if err != nil {
		return nil, "", Fault(op, err)
	}
	out := make([]T, 0, len(page.Items))
	for _, it := range page.Items {
		v, err := decode(it)
		if err != nil {
			return nil, "", Fault(op, err)
		}
		out = append(out, v)
	}
	return out, page.Next, nil
}
