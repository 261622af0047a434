package quota

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// Standing is what a client may use and has used.
type Standing struct {
	Plan     Plan
	Messages Spent // today
	Tokens   Spent // this month
}

// Spent is how a budget stands.
type Spent struct {
	Limit     int
	Used      int
	Reserved  int // by turns under way
	Remaining int // never below 0, also after a change to a smaller plan
	ResetsAt  time.Time
}

func (s Spent) limit(name string, now time.Time, window time.Duration) fault.Limit {
	return fault.Limit{Name: name, Quota: s.Limit, Window: window, Remaining: s.Remaining, Reset: s.ResetsAt.Sub(now)}
}

// Standing returns how the client's budgets stand under the plan. Errors: Unavailable.
func (b *Budgets) Standing(ctx context.Context, client tenant.ID, plan Plan) (Standing, error) {
	now := b.System.Now().UTC()
	all, err := b.month(ctx, client, now)
	if err != nil {
		return Standing{}, store.Fault("quota.Standing", err)
	}
	return standing(plan, all, now), nil
}

func standing(plan Plan, all [shards]usage, now time.Time) Standing {
	year, month, day := now.Date()
	s := Standing{Plan: plan, Messages: Spent{Limit: plan.Messages, ResetsAt: time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)},
		Tokens: Spent{Limit: plan.Tokens, ResetsAt: time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)}}
	for _, u := range all {
		s.Messages.Used += u.Days[now.Format("02")]
		s.Tokens.Used += u.Tokens
		s.Tokens.Reserved += u.reserved()
	}
	s.Messages.Remaining = max(0, s.Messages.Limit-s.Messages.Used)
	s.Tokens.Remaining = max(0, s.Tokens.Limit-s.Tokens.Used-s.Tokens.Reserved)
	return s
}
