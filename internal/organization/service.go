package organization

import (
	"context"
	"errors"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const capability = "analysis"

// Service keeps profiles. It may be used concurrently.
type Service struct {
	Table  store.Table
	System system.System
}

// CreateProfile adds a profile; its id, times and version are set here. Errors: Invalid.
func (s *Service) CreateProfile(ctx context.Context, client tenant.ID, p Profile) (Profile, error) {
	const op = "organization.CreateProfile"
	now := s.System.Now()
	p.ID, p.Agents, p.CreatedAt, p.UpdatedAt, p.Version = s.System.NewID("pro"), 0, now, now, 1
	if err := p.Validate(); err != nil {
		return Profile{}, err
	}
	it, err := p.item()
	if err != nil {
		return Profile{}, store.Fault(op, err)
	}
	return p, s.commit(ctx, client, op, p, "profile.created",
		events.ProfileCreated{Industry: p.Industry, Employees: p.Size.Employees, Metrics: len(p.Metrics)}, store.Create(it))
}

// Profile returns a profile. Errors: NotFound.
func (s *Service) Profile(ctx context.Context, client tenant.ID, id string) (Profile, error) {
	it, err := s.Table.Get(ctx, client, keys.Profile(id))
	if err != nil {
		return Profile{}, profileFault("organization.Profile", err)
	}
	return profileOf(it)
}

// Profiles returns a page of the client's profiles and the cursor of the next.
func (s *Service) Profiles(ctx context.Context, client tenant.ID, limit int, cursor string) ([]Profile, string, error) {
	return store.List(ctx, "organization.Profiles", s.Table, client, store.Query{Prefix: keys.ProfilePrefix, Limit: limit,
		Cursor: cursor}, profileOf)
}

// Patch is what an update changes; nil fields stay.
type Patch struct {
	Name     *string
	Industry *string
	Size     *Size
	Metrics  *[]Metric
}

func (c Patch) apply(p *Profile) (changed []string) {
	if c.Name != nil {
		p.Name, changed = *c.Name, append(changed, "name")
	}
	if c.Industry != nil {
		p.Industry, changed = *c.Industry, append(changed, "industry")
	}
	if c.Size != nil {
		p.Size, changed = *c.Size, append(changed, "size")
	}
	if c.Metrics != nil {
		p.Metrics, changed = *c.Metrics, append(changed, "metrics")
	}
	return changed
}

// UpdateProfile changes a profile that is still at version seen. Errors: NotFound, PreconditionFailed, Invalid.
func (s *Service) UpdateProfile(ctx context.Context, client tenant.ID, id string, seen int64, c Patch) (Profile, error) {
	const op = "organization.UpdateProfile"
	p, err := s.seen(ctx, client, op, id, seen)
	if err != nil {
		return Profile{}, err
	}
	changed := c.apply(&p)
	if len(changed) == 0 {
		return Profile{}, fault.BadField(op, "body", "must change at least one field")
	}
	p.UpdatedAt, p.Version = s.System.Now(), seen+1
	if err := p.Validate(); err != nil {
		return Profile{}, err
	}
	it, err := p.item()
	if err != nil {
		return Profile{}, store.Fault(op, err)
	}
	return p, s.commit(ctx, client, op, p, "profile.updated", events.Updated{Fields: changed, Version: p.Version},
		store.Update(it, seen))
}

// DeleteProfile removes a profile that is still at version seen and has no agents. Errors: NotFound, PreconditionFailed,
// Conflict `profile_has_agents`.
func (s *Service) DeleteProfile(ctx context.Context, client tenant.ID, id string, seen int64) error {
	const op = "organization.DeleteProfile"
	p, err := s.seen(ctx, client, op, id, seen)
	if err != nil {
		return err
	}
	if p.Agents > 0 {
		return fault.New(op, fault.Conflict, "profile_has_agents")
	}
	return s.commit(ctx, client, op, p, "profile.deleted", events.ProfileDeleted{Version: seen},
		store.Delete(keys.Profile(id), seen))
}

// CountAgents returns the change that adds n to the number of a profile's agents, for the commit that adds or removes
// them. Errors: NotFound.
func (s *Service) CountAgents(ctx context.Context, client tenant.ID, id string, n int) (store.Change, Profile, error) {
	const op = "organization.CountAgents"
	p, err := s.Profile(ctx, client, id)
	if err != nil {
		return store.Change{}, Profile{}, err
	}
	p.Agents = max(p.Agents+n, 0)
	it, err := p.item()
	if err != nil {
		return store.Change{}, Profile{}, store.Fault(op, err)
	}
	return store.Update(it, p.Version), p, nil
}

func (s *Service) seen(ctx context.Context, client tenant.ID, op, id string, seen int64) (Profile, error) {
	p, err := s.Profile(ctx, client, id)
	if err != nil {
		return Profile{}, err
	}
	if p.Version != seen {
		return Profile{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	return p, nil
}

func (s *Service) commit(ctx context.Context, client tenant.ID, op string, p Profile, kind string, change any,
	changes ...store.Change,
) error {
	e, err := audit.Happened(ctx, s.System, client, audit.Fact{Capability: capability, Type: kind,
		Target: audit.Target{Type: "profile", ID: p.ID}, Change: change})
	if err != nil {
		return store.Fault(op, err)
	}
	idempotency.Answer(ctx, p)
	err = s.Table.Commit(ctx, client, audit.Of(e), changes...)
	if _, failed := store.FailedOn(err); failed {
		return fault.Wrap(op, fault.PreconditionFailed, "version_mismatch", err)
	}
	return store.Fault(op, err)
}

func profileFault(op string, err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadKey) { // an id that no key can hold is nobody's
		return fault.Wrap(op, fault.NotFound, "profile_not_found", err)
	}
	return store.Fault(op, err)
}
