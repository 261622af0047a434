package memory

import (
	"context"

	"github.com/nowgo/agents/internal/tenant"
)

// Clear forgets every value of the client.
func (c *Cache) Clear(_ context.Context, client tenant.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, element := range c.entries {
		if key.Client() == client {
			c.remove(element)
		}
	}
	return nil
}
