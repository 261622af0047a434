package client

import (
	"context"
	"fmt"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/tenant"
)

// Patch is what of a client is to change; nil leaves a field as it is.
type Patch struct {
	Name *string
	Plan *string
}

func (f *fields) plan(at, name string) {
	if _, ok := quota.Find(name); ok {
		return
	}
	var names []string
	for _, p := range quota.Plans() {
		names = append(names, p.Name)
	}
	f.bad(at, fmt.Sprintf("must be one of %v", names))
}

// Validate returns an Invalid error with one field for each thing that is wrong.
func (p Patch) Validate() error {
	var f fields
	if p.Name != nil {
		f.name("body.name", *p.Name)
	}
	if p.Plan != nil {
		f.plan("body.plan", *p.Plan)
	}
	return f.err("client.Patch.Validate")
}

// Rename changes the name of a client at version seen. Errors: Invalid, NotFound, PreconditionFailed.
func (s *Service) Rename(ctx context.Context, client tenant.ID, seen int64, name string) (Client, error) {
	return s.Update(ctx, client, seen, Patch{Name: &name})
}

// Update changes a client at version seen; one that is so already stays as it is. Another plan is in force everywhere within 15 seconds.
// Errors: Invalid, NotFound, PreconditionFailed.
func (s *Service) Update(ctx context.Context, client tenant.ID, seen int64, p Patch) (Client, error) {
	const op = "client.Update"
	if err := p.Validate(); err != nil {
		return Client{}, err
	}
	c, err := s.Client(ctx, client)
	if err != nil {
		return Client{}, err
	}
	if c.Version != seen {
		return Client{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	change := events.ClientUpdated{Version: seen + 1}
	if p.Name != nil && *p.Name != c.Name {
		c.Name = *p.Name
		change.Fields = append(change.Fields, "name")
	}
	if p.Plan != nil && *p.Plan != c.Plan {
		c.Plan, change.Plan = *p.Plan, *p.Plan
		change.Fields = append(change.Fields, "plan")
	}
	if len(change.Fields) == 0 {
		return c, nil
	}
	return s.update(ctx, op, c, events.TypeClientUpdated, change)
}

// Plan returns the name of a client's plan. Errors: NotFound, Unavailable.
func (s *Service) Plan(ctx context.Context, client tenant.ID) (string, error) {
	c, err := s.Client(ctx, client)
	return c.Plan, err
}
