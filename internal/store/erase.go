package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/nowgo/agents/internal/tenant"
)

// Eraser removes a client's rows whatever they are. It stands beside [Table], for the one worker that erases clients whose time on the
// platform is over: what it does is recorded before it begins and after it ended, for no transaction is large enough to hold it.
type Eraser interface {
	// Erase removes at most limit (1 to [MaxPage]) items of the client, the expired and the events among them, and returns how many
	// of each kind (see [Kind]) it removed; none when none is left. It may fail half-way, and be called again. Errors: [ErrBadKey] for
	// anything but a client's id, [ErrBadQuery] (limit).
	Erase(ctx context.Context, client tenant.ID, limit int) (map[string]int, error)
}

// Kind is what an item is: its key before the first `#`.
func Kind(sk string) string {
	kind, _, _ := strings.Cut(sk, "#")
	return kind
}

// CheckErase returns the error of arguments that no [Eraser] takes.
func CheckErase(client tenant.ID, limit int) error {
	if _, err := tenant.Parse(string(client)); err != nil { // INVARIANT 1: a client, and so no partition of the platform
		return fmt.Errorf("%w: erase: %w", ErrBadKey, err)
	}
	if limit < 1 || limit > MaxPage {
		return fmt.Errorf("%w: erase: limit %d", ErrBadQuery, limit)
	}
	return nil
}
