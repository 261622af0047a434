package quota

import (
	"github.com/nowgo/agents/internal/cache"
)

// Plan is what a client may use.
type Plan struct {
	Name     string
	Requests cache.Bucket // of the API, by all of its people and keys together
	Jobs     int          // expensive operations at the same time
	Messages int          // to agents, a day
	Tokens   int          // of language models, a month
}

// Default is the plan of a client of which nothing else is known.
const Default = "standard"

// plans lists every plan, the smallest first. Tokens are enough for at least ten turns in each shard.
var plans = []Plan{
	{Name: "starter", Requests: cache.Bucket{PerSecond: 20, Burst: 40}, Jobs: 2, Messages: 500, Tokens: 1_000_000},
	{Name: Default, Requests: cache.Bucket{PerSecond: 100, Burst: 200}, Jobs: 5, Messages: 10_000, Tokens: 20_000_000},
	{Name: "business", Requests: cache.Bucket{PerSecond: 500, Burst: 1000}, Jobs: 20, Messages: 100_000, Tokens: 200_000_000},
}

// Plans returns every plan, the smallest first.
func Plans() []Plan { return append([]Plan(nil), plans...) }

// Find returns the plan of the given name, and whether there is one. Otherwise the plan is the default.
func Find(name string) (Plan, bool) {
	found := Plan{}
	for _, p := range plans {
		if p.Name == name {
			return p, true
		}
		if p.Name == Default {
			found = p
		}
	}
	return found, false
}
