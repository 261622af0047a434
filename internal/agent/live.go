package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// liveFor is how long a published version stays in the cache; it never changes (invariant 5).
const liveFor = time.Hour

// Languages lists the configuration's languages, Portuguese first.
func (c Configuration) Languages() []string {
	languages := slices.Sorted(maps.Keys(c.Texts))
	slices.Reverse(languages)
	return languages
}

// Fallbacks returns what the agent says, by language, when it does not know.
func (c Configuration) Fallbacks() map[string]string {
	out := make(map[string]string, len(c.Texts))
	for language, t := range c.Texts {
		if t.Fallback != "" {
			out[language] = t.Fallback
		}
	}
	return out
}

// Live returns a published version, read through the cache. Errors: NotFound, also for a version that is a draft.
func (s *Service) Live(ctx context.Context, client tenant.ID, agent string, version int) (Configuration, error) {
	const op = "agent.Live"
	key := cache.Of(client, "configuration", fmt.Sprintf("%s#%d", agent, version))
	var c Configuration
	if kept, ok := s.Cache.Get(ctx, key); ok && json.Unmarshal(kept, &c) == nil {
		return c, nil
	}
	c, err := s.Configuration(ctx, client, agent, version)
	if err != nil {
		return Configuration{}, err
	}
	if !c.Published {
		return Configuration{}, fault.New(op, fault.NotFound, "configuration_not_found")
	}
	kept, err := json.Marshal(c)
	if err != nil {
		return Configuration{}, fault.Wrap(op, fault.Internal, "internal", err)
	}
	s.Cache.Set(ctx, key, kept, liveFor)
	return c, nil
}
