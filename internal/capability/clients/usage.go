package clients

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/quota"
)

// Usage is what the own client may use and has used, as the API shows it.
type Usage struct {
	Plan     string   `json:"plan" enum:"starter,standard,business"`
	Requests Requests `json:"requests" doc:"Of the API, by all of the client's people and keys together"`
	Jobs     Jobs     `json:"jobs"`
	Messages Spent    `json:"messages" doc:"To agents, a day (UTC)"`
	Tokens   Spent    `json:"tokens" doc:"Of language models, a month (UTC)"`
}

// Requests is the rate of a plan.
type Requests struct {
	PerSecond int `json:"per_second"`
	Burst     int `json:"burst" doc:"How many may come at once after a quiet time"`
}

// Jobs is how many expensive operations may run.
type Jobs struct {
	Concurrent int `json:"concurrent" doc:"Expensive operations at the same time"`
}

// Spent is how a budget stands.
type Spent struct {
	Limit     int       `json:"limit"`
	Used      int       `json:"used"`
	Reserved  int       `json:"reserved" doc:"By turns under way"`
	Remaining int       `json:"remaining"`
	ResetsAt  time.Time `json:"resets_at"`
}

func (h handlers) registerUsage(budgets *quota.Budgets) {
	httpapi.Register(h.api, httpapi.Op{ID: "get-usage", Summary: "Read what the own client may use and has used"},
		func(ctx context.Context, _ *struct{}) (quota.Standing, error) {
			c, err := h.clients.Client(ctx, own(ctx))
			if err != nil {
				return quota.Standing{}, err
			}
			plan, _ := quota.Find(c.Plan)
			return budgets.Standing(ctx, c.ID, plan)
		}, usage)
}

func usage(s quota.Standing) httpapi.Out[Usage] {
	return httpapi.Body(Usage{Plan: s.Plan.Name, Requests: Requests{int(s.Plan.Requests.PerSecond), s.Plan.Requests.Burst},
		Jobs: Jobs{s.Plan.Jobs}, Messages: Spent(s.Messages), Tokens: Spent(s.Tokens)})
}
