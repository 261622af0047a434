package app

import (
	"fmt"

	"github.com/nowgo/agents/internal/client"
	"github.com/nowgo/agents/internal/quota"
)

// limits makes what keeps clients to their plans: the rates of the edge and the budgets of the table.
func (p Ports) limits(clients *client.Service) (*quota.Limiter, *quota.Budgets, error) {
	book, err := quota.NewBook(clients, p.System)
	if err != nil {
		return nil, nil, fmt.Errorf("app: %w", err)
	}
	share := p.RateShare
	if share == 0 {
		share = 1
	}
	limiter, err := quota.NewLimiter(p.Meter, book, p.System, share)
	if err != nil {
		return nil, nil, fmt.Errorf("app: %w", err)
	}
	return limiter, &quota.Budgets{Table: p.Table, Book: book, System: p.System}, nil
}
