package identity

import (
	"context"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
	"github.com/nowgo/agents/internal/tenant"
)

// Limits of API keys.
const (
	KeyLifetime = 90 * 24 * time.Hour  // of a key that does not say otherwise
	MaxKeyLife  = 365 * 24 * time.Hour // of any key
	MaxOverlap  = 24 * time.Hour       // in which the secret before a rotation still works
	MaxKeyRate  = 6000                 // requests a minute
	keyShown    = 30 * 24 * time.Hour  // how long a key that has expired is still listed
)

// APIKey is a machine's way in: it acts in its client with a role, limited to its scopes. It belongs to the client and not to
// whoever made it.
type APIKey struct {
	ID         string // key_…; what the machine is called in the trail, and as the owner of its conversations
	Name       string
	Prefix     string // of its credential; public
	Role       tenant.Role
	Scopes     tenant.Names // operation ids; never empty
	Rate       int          // requests a minute; 0: no limit of its own
	CreatedBy  string       // usr_…
	CreatedAt  time.Time
	ExpiresAt  time.Time // whole seconds; refused from then on
	RotatedAt  time.Time // zero: never
	OverlapEnd time.Time // when the secret before the last rotation ceases to work; zero: there is none
	LastUsedAt time.Time // zero: never; at most an hour behind
	Version    int64     // of what its administrators see; being used does not change it

	hash, previous string // SHA-256 of the secret and of the one before
	row            int64  // the row's version
}

// Expired reports whether the key is refused at the given time because its own time is over.
func (k APIKey) Expired(now time.Time) bool { return !now.Before(k.ExpiresAt) }

// keySummary is also what lists show.
type keySummary struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Prefix     string       `json:"prefix"`
	Role       tenant.Role  `json:"role"`
	Scopes     tenant.Names `json:"scopes"`
	Rate       int          `json:"rate,omitempty"`
	CreatedBy  string       `json:"created_by"`
	CreatedAt  time.Time    `json:"created_at"`
	ExpiresAt  time.Time    `json:"expires_at"`
	RotatedAt  time.Time    `json:"rotated_at,omitzero"`
	OverlapEnd time.Time    `json:"overlap_end,omitzero"`
	LastUsedAt time.Time    `json:"last_used_at,omitzero"`
	Version    int64        `json:"version"`
}

type keyData struct {
	Hash     string `json:"hash"`
	Previous string `json:"previous,omitempty"`
}

func (k APIKey) item() (store.Item, error) {
	it, err := store.Row(keys.APIKey(k.ID), 1, keySummary{k.ID, k.Name, k.Prefix, k.Role, k.Scopes, k.Rate, k.CreatedBy, k.CreatedAt,
		k.ExpiresAt, k.RotatedAt, k.OverlapEnd, k.LastUsedAt, k.Version}, keyData{k.hash, k.previous})
	it.ParentSK = keys.UserAPIKey(k.CreatedBy, k.CreatedAt, k.ID)
	it.ExpiresAt = k.ExpiresAt.Add(keyShown)
	return it, err
}

// APIKeyOf returns the key in a row that the authorizer has read.
func APIKeyOf(it store.Item) (APIKey, error) {
	var s keySummary
	var d keyData
	if err := it.Read(&s, &d); err != nil {
		return APIKey{}, err
	}
	return APIKey{s.ID, s.Name, s.Prefix, s.Role, s.Scopes, s.Rate, s.CreatedBy, s.CreatedAt, s.ExpiresAt, s.RotatedAt,
		s.OverlapEnd, s.LastUsedAt, s.Version, d.Hash, d.Previous, it.Version}, nil
}

// APIKey returns a key of the client. Errors: fault.NotFound `api_key_not_found`, those of the table.
func (s *Service) APIKey(ctx context.Context, client tenant.ID, id string) (APIKey, error) {
	const op = "identity.APIKey"
	it, err := s.Table.Get(ctx, client, keys.APIKey(id))
	if isAbsent(err) {
		return APIKey{}, fault.Wrap(op, fault.NotFound, "api_key_not_found", err)
	}
	if err != nil {
		return APIKey{}, store.Fault(op, err)
	}
	k, err := APIKeyOf(it)
	return k, store.Fault(op, err)
}

// APIKeys returns a page of at most limit (1 to 100) keys of the client, those that have expired within the last 30 days among them,
// and the cursor of the next. Errors: fault.Invalid (cursor), those of the table.
func (s *Service) APIKeys(ctx context.Context, client tenant.ID, limit int, cursor string) ([]APIKey, string, error) {
	return store.List(ctx, "identity.APIKeys", s.Table, client,
		store.Query{Prefix: keys.APIKeyPrefix, Limit: limit, Cursor: cursor}, APIKeyOf)
}
