package client

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// The grace period of a client that leaves, in days.
const (
	MaxGrace     = 90
	DefaultGrace = 30
)

// Offboard begins a client's end: its people are out as those of a suspended client are, and once the grace period of graceDays (0 to
// [MaxGrace]) is over everything that it has is erased. Errors: Invalid, NotFound, PreconditionFailed, Conflict `client_leaving`.
func (s *Service) Offboard(ctx context.Context, client tenant.ID, seen int64, graceDays int) (Client, error) {
	const op = "client.Offboard"
	if graceDays < 0 || graceDays > MaxGrace {
		return Client{}, fault.BadField(op, "query.grace_days", "must be 0 to 90")
	}
	return s.act(ctx, op, client, seen, func(c Client) (step, error) {
		if c.leaving() {
			return step{}, fault.New(op, fault.Conflict, "client_leaving")
		}
		now := s.System.Now().UTC().Truncate(time.Second)
		c.before, c.Status, c.EraseAt = c.Status, Offboarding, now.AddDate(0, 0, graceDays)
		return step{c, events.TypeClientOffboarded, events.ClientOffboarded{EraseAt: c.EraseAt, Version: c.Version + 1}, []store.Change{
			s.Directory.PlanErasure(directory.Due{Client: c.ID, At: c.EraseAt, Slug: c.Slug, Listed: c.CreatedAt, AskedAt: now})}}, nil
	})
}

// Restore takes back a client that is leaving, within its grace period; it is active or suspended again, as it was. Errors: NotFound,
// PreconditionFailed (with a version seen), Conflict `client_not_leaving` (it is not leaving, or its erasure has begun), Unavailable.
func (s *Service) Restore(ctx context.Context, client tenant.ID, seen int64) (Client, error) {
	const op = "client.Restore"
	return s.act(ctx, op, client, seen, func(c Client) (step, error) {
		if c.Status != Offboarding {
			return step{}, fault.New(op, fault.Conflict, "client_not_leaving")
		}
		due, err := s.Directory.Erasure(ctx, c.ID, c.EraseAt)
		if err != nil {
			return step{}, store.Fault(op, err)
		}
		c.Status, c.before, c.EraseAt = cmp.Or(c.before, Active), "", time.Time{}
		return step{c, events.TypeClientRestored, events.ClientRestored{Version: c.Version + 1},
			[]store.Change{s.Directory.EndErasure(due)}}, nil
	})
}

// leaving reports whether the client is on its way out.
func (c Client) leaving() bool { return c.Status == Offboarding || c.Status == Erasing }

// MarkErasing makes a client whose grace period is over one that is being erased, with its entry in the list. It returns false where the
// client was taken back, or is marked already or gone. Errors: Unavailable, those of the table.
func (s *Service) MarkErasing(ctx context.Context, client tenant.ID) (marked bool, err error) {
	_, err = s.act(ctx, "client.MarkErasing", client, 0, func(c Client) (step, error) {
		if marked = c.Status == Offboarding; !marked {
			return step{Client: c}, nil
		}
		c.Status = Erasing
		return step{c, events.TypeClientUpdated, events.Updated{Fields: []string{"status"}, Version: c.Version + 1}, nil}, nil
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return marked && err == nil, err
}

// Certificate returns the certificate of a client's erasure, in JWS compact form (RFC 7515 §7.1). Errors: NotFound
// `certificate_not_found` while there is none.
func (s *Service) Certificate(ctx context.Context, client tenant.ID) (string, error) {
	const op = "client.Certificate"
	if _, err := tenant.Parse(string(client)); err != nil {
		return "", fault.Wrap(op, fault.NotFound, "client_not_found", err)
	}
	given, err := s.Directory.GivenID(ctx, client)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.Wrap(op, fault.NotFound, "client_not_found", err)
	}
	if err != nil {
		return "", store.Fault(op, err)
	}
	if given.Certificate == "" {
		return "", fault.New(op, fault.NotFound, "certificate_not_found")
	}
	return given.Certificate, nil
}
