package httpapi

import "context"

// Body renders an entity that is shown as it is.
func Body[T any](v T) Out[T] { return Out[T]{Body: v} }

// OptionalPrecondition is the version that an action has seen, where the caller cares; embed it in the input.
type OptionalPrecondition struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what is acted upon, as it was last read; absent: whatever it is now."`
}

// Seen returns the version in If-Match, and 0 where there is none. Its error is that of [Precondition.Seen].
func (p OptionalPrecondition) Seen() (int64, error) {
	if p.IfMatch == "" {
		return 0, nil
	}
	return Precondition(p).Seen()
}

// Page answers a list: it opens the query's cursor, fetches, and shows each entity with view. Query is all that the list depends on
// beside client and operation, so that a cursor of another query is refused.
func Page[E, T any](ctx context.Context, a *API, q PageQuery, query string,
	fetch func(limit int, cursor string) ([]E, string, error), view func(E) T,
) (List[T], error) {
	cursor, err := a.OpenCursor(ctx, query, q.Cursor)
	if err != nil {
		return List[T]{}, err
	}
	entities, next, err := fetch(q.Limit, cursor)
	if err != nil {
		return List[T]{}, err
	}
	items := make([]T, 0, len(entities))
	for _, e := range entities {
		items = append(items, view(e))
	}
	return List[T]{items, a.SealCursor(ctx, query, next)}, nil
}
