package client

import (
	"context"
	"errors"
	"slices"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Settings returns a client's settings. Errors: NotFound.
func (s *Service) Settings(ctx context.Context, client tenant.ID) (Settings, error) {
	const op = "client.Settings"
	it, err := s.Table.Get(ctx, client, keys.Settings)
	if errors.Is(err, store.ErrNotFound) {
		return Settings{}, fault.Wrap(op, fault.NotFound, "client_not_found", err)
	}
	if err != nil {
		return Settings{}, store.Fault(op, err)
	}
	return settingsOf(it)
}

// SecondFactorRoles returns the roles of which the client asks a second factor. Errors: NotFound.
func (s *Service) SecondFactorRoles(ctx context.Context, client tenant.ID) ([]tenant.Role, error) {
	settings, err := s.Settings(ctx, client)
	return settings.SecondFactorRoles, err
}

// PutSettings replaces settings that are at version seen. Nil SecondFactorRoles stay as they are: a page that knows nothing of them must
// not take the client's demand back. Errors: Invalid, NotFound, PreconditionFailed.
func (s *Service) PutSettings(ctx context.Context, client tenant.ID, seen int64, next Settings) (Settings, error) {
	const op = "client.PutSettings"
	before, err := s.Settings(ctx, client)
	if err != nil {
		return Settings{}, err
	}
	if before.Version != seen {
		return Settings{}, fault.New(op, fault.PreconditionFailed, "version_mismatch")
	}
	if next.SecondFactorRoles == nil {
		next.SecondFactorRoles = before.SecondFactorRoles
	}
	if err := next.Validate(); err != nil {
		return Settings{}, err
	}
	next.Version, next.UpdatedAt = seen+1, s.System.Now()
	changed := before.differing(next)
	if len(changed) == 0 {
		return before, nil
	}
	row, err := next.item()
	if err != nil {
		return Settings{}, store.Fault(op, err)
	}
	idempotency.Answer(ctx, next)
	err = s.commit(ctx, client, audit.Fact{Type: "settings.updated", Target: audit.Target{Type: "settings",
		ID: string(client)}, Change: events.Updated{Fields: changed, Version: next.Version}}, store.Update(row, seen))
	if _, failed := store.FailedOn(err); failed {
		return Settings{}, fault.Wrap(op, fault.PreconditionFailed, "version_mismatch", err)
	}
	return next, store.Fault(op, err)
}

// differing names the fields in which two settings differ, in byte order.
func (s Settings) differing(o Settings) []string {
	var out []string
	if !slices.Equal(s.Channels, o.Channels) {
		out = append(out, "channels")
	}
	if s.DefaultLanguage != o.DefaultLanguage {
		out = append(out, "default_language")
	}
	if !slices.Equal(s.Languages, o.Languages) {
		out = append(out, "languages")
	}
	if !slices.Equal(s.SecondFactorRoles, o.SecondFactorRoles) {
		out = append(out, "second_factor_roles")
	}
	if s.TimeZone != o.TimeZone {
		out = append(out, "time_zone")
	}
	return out
}
