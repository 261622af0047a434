package redis

import (
	"context"
	"fmt"
	"net/url"

	"github.com/nowgo/agents/internal/tenant"
)

// scanned is how many keys one step of a scan looks at.
const scanned = 1000

// Clear forgets every value of the client, and everything that was counted of it. Its error wraps [cache.ErrNoAnswer].
func (s *Server) Clear(ctx context.Context, client tenant.ID) error {
	// Nothing that means more than itself in a pattern is left by QueryEscape.
	pattern := "nowgo:{" + url.QueryEscape(string(client)) + "}" + separator + "*"
	for cursor := uint64(0); ; {
		var found []string
		_, err := s.do(ctx, func(ctx context.Context) (_ any, err error) {
			found, cursor, err = s.client.Scan(ctx, cursor, pattern, scanned).Result()
			return nil, err
		})
		if err != nil {
			return fmt.Errorf("forgetting a client: %w", err)
		}
		if len(found) > 0 {
			if _, err := s.do(ctx, func(ctx context.Context) (any, error) { return nil, s.client.Unlink(ctx, found...).Err() }); err != nil {
				return fmt.Errorf("forgetting a client: %w", err)
			}
		}
		if cursor == 0 {
			return nil
		}
	}
}
