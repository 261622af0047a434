package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// RotateAPIKey gives a key a new secret. The one before works for the overlap, 0 to [MaxOverlap]; the one before that ceases at
// once, so that at most two work. Where seen is not 0 the key must be at that version.
//
// Errors: fault.Forbidden as for [Service.CreateAPIKey], fault.Invalid (overlap_minutes), fault.NotFound `api_key_not_found`,
// fault.Conflict `api_key_expired`, fault.PreconditionFailed, those of the table.
func (s *Service) RotateAPIKey(ctx context.Context, client tenant.ID, id string, seen int64, overlap time.Duration) (IssuedKey, error) {
	const op = "identity.RotateAPIKey"
	if err := mayIssue(op, tenant.CallFrom(ctx).Principal); err != nil {
		return IssuedKey{}, err
	}
	if overlap < 0 || overlap > MaxOverlap {
		return IssuedKey{}, fault.BadField(op, "body.overlap_minutes", "must be 0 to 1440 minutes")
	}
	var out IssuedKey
	err := s.changeKey(ctx, op, client, id, seen, func(k APIKey) (audit.Event, []store.Change, error) {
		now := s.now()
		if k.Expired(now) {
			return audit.Event{}, nil, fault.New(op, fault.Conflict, "api_key_expired")
		}
		was := k.row
		k.RotatedAt, k.OverlapEnd, k.previous = now, time.Time{}, ""
		if overlap > 0 {
			k.previous, k.OverlapEnd = k.hash, now.Add(overlap)
		}
		k.Version++
		out = IssuedKey{APIKey: k}
		out.Credential, out.hash = newKeyCredential(s.System, k.Prefix)
		row, err := out.item()
		if err != nil {
			return audit.Event{}, nil, err
		}
		e, err := s.event(ctx, client, audit.Fact{Type: events.TypeAPIKeyRotated, Target: keyTarget(k.ID),
			Change: events.APIKeyRotated{KeyID: k.ID, OverlapMinutes: int(overlap / time.Minute), Version: k.Version}})
		idempotency.Answer(ctx, out)
		return e, []store.Change{store.Update(row, was)}, err
	})
	if err != nil {
		return IssuedKey{}, err
	}
	return out, nil
}

// RevokeAPIKey ends a key for good: no verdict after it lets the key in. Where seen is not 0 the key must be at that version.
// Errors: fault.NotFound `api_key_not_found`, fault.PreconditionFailed, those of the table.
func (s *Service) RevokeAPIKey(ctx context.Context, client tenant.ID, id string, seen int64) error {
	const op = "identity.RevokeAPIKey"
	return s.changeKey(ctx, op, client, id, seen, func(k APIKey) (audit.Event, []store.Change, error) {
		e, err := s.event(ctx, client, audit.Fact{Type: events.TypeAPIKeyRevoked, Target: keyTarget(k.ID), Private: keyName{k.Name},
			Change: events.APIKeyRevoked{KeyID: k.ID, Prefix: k.Prefix}})
		idempotency.Answer(ctx, nil)
		return e, []store.Change{store.Delete(keys.APIKey(k.ID), k.row), s.Directory.RemoveAPIKey(k.Prefix)}, err
	})
}

// changeKey commits what change makes of a key. It tries again where the authorizer wrote meanwhile that the key was used, which is
// not what a version is about.
func (s *Service) changeKey(ctx context.Context, op string, client tenant.ID, id string, seen int64,
	change func(APIKey) (audit.Event, []store.Change, error)) error {
	for try := 1; ; try++ {
		k, err := s.APIKey(ctx, client, id)
		if err != nil {
			return err
		}
		if seen != 0 && k.Version != seen {
			return fault.New(op, fault.PreconditionFailed, "version_mismatch")
		}
		e, changes, err := change(k)
		if err != nil {
			return store.Fault(op, err)
		}
		err = s.Table.Commit(ctx, client, audit.Of(e), changes...)
		if _, lost := store.FailedOn(err); !lost || !store.Again(ctx, try) {
			return store.Fault(op, err)
		}
	}
}
