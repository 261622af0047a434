package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// KeyInput is an API key to be made.
type KeyInput struct {
	Name      string
	Role      tenant.Role // at most the maker's own, and never global_admin
	Scopes    []string    // operation ids, at least one
	ExpiresAt time.Time   // zero: [KeyLifetime] from now; at most [MaxKeyLife] from now
	Rate      int         // requests a minute, 1 to [MaxKeyRate]; 0: no limit of its own
}

// IssuedKey is a key with its credential, which nobody can see again.
type IssuedKey struct {
	APIKey
	Credential string
}

// keyName is what is written by people about a key.
type keyName struct {
	Name string `json:"name"`
}

// CreateAPIKey makes an API key of the client, in one commit with the entry that finds it. Errors: fault.Forbidden (a key, or an
// administrator who is in the client on assumed terms, makes none: it would outlive them), fault.Invalid (name, role, scopes,
// expires_at, rate), those of the table.
func (s *Service) CreateAPIKey(ctx context.Context, client tenant.ID, in KeyInput) (IssuedKey, error) {
	const op = "identity.CreateAPIKey"
	maker := tenant.CallFrom(ctx).Principal
	if err := mayIssue(op, maker); err != nil {
		return IssuedKey{}, err
	}
	now := s.now()
	in, err := s.normalizedKey(op, in, maker.Role, now)
	if err != nil {
		return IssuedKey{}, err
	}
	k := APIKey{ID: s.System.NewID("key"), Name: in.Name, Prefix: newPrefix(s.System), Role: in.Role, Scopes: tenant.NamesOf(in.Scopes...),
		Rate: in.Rate, CreatedBy: maker.User, CreatedAt: now, ExpiresAt: in.ExpiresAt, Version: 1}
	out := IssuedKey{APIKey: k}
	out.Credential, out.hash = newKeyCredential(s.System, k.Prefix)
	row, err := out.item()
	if err != nil {
		return IssuedKey{}, store.Fault(op, err)
	}
	e, err := s.event(ctx, client, audit.Fact{Type: events.TypeAPIKeyCreated, Target: keyTarget(k.ID), Private: keyName{k.Name},
		Change: events.APIKeyCreated{KeyID: k.ID, Prefix: k.Prefix, Role: string(k.Role), Scopes: k.Scopes.List(), Rate: k.Rate,
			ExpiresAt: k.ExpiresAt}})
	if err != nil {
		return IssuedKey{}, store.Fault(op, err)
	}
	idempotency.Answer(ctx, out)
	err = s.Table.Commit(ctx, client, audit.Of(e), store.Create(row),
		s.Directory.PlaceAPIKey(k.Prefix, directory.KeyPlace{Client: client, Key: k.ID}, row.ExpiresAt))
	return out, store.Fault(op, err)
}

func keyTarget(id string) audit.Target { return audit.Target{Type: "api_key", ID: id} }

// mayIssue refuses those whose own stay is bounded: what they made would go on without them.
func mayIssue(op string, maker tenant.Principal) error {
	if maker.Anonymous() || maker.Machine() || maker.Assumed || maker.Restricted {
		return fault.New(op, fault.Forbidden, "forbidden")
	}
	return nil
}

func (s *Service) normalizedKey(op string, in KeyInput, maker tenant.Role, now time.Time) (KeyInput, error) {
	var bad []fault.Field
	wrong := func(location, message string) { bad = append(bad, fault.Field{Location: location, Message: message}) }
	if in.Name = strings.TrimSpace(in.Name); !validName(in.Name) {
		wrong("body.name", "must have 1 to 120 characters, none of them control characters")
	}
	roles := tenant.Roles()
	if !in.Role.Valid() || in.Role == tenant.GlobalAdmin || slices.Index(roles, in.Role) < slices.Index(roles, maker) {
		wrong("body.role", "must be client_admin, agent_manager or standard_user, and not above your own")
	}
	if len(in.Scopes) == 0 {
		wrong("body.scopes", "must name at least one operation")
	}
	for _, id := range in.Scopes {
		if !KeyOperation(id) || s.KeyMay == nil || !s.KeyMay(in.Role, id) {
			wrong("body.scopes", "must be operations that an API key of this role may do")
			break
		}
	}
	if in.ExpiresAt.IsZero() {
		in.ExpiresAt = now.Add(KeyLifetime)
	}
	in.ExpiresAt = in.ExpiresAt.UTC().Truncate(time.Second)
	if !in.ExpiresAt.After(now) || in.ExpiresAt.After(now.Add(MaxKeyLife)) {
		wrong("body.expires_at", "must be within a year from now")
	}
	if in.Rate < 0 || in.Rate > MaxKeyRate {
		wrong("body.rate", "must be 1 to 6000 requests a minute")
	}
	if len(bad) > 0 {
		return in, &fault.Error{Op: op, Kind: fault.Invalid, Code: "validation_failed", Fields: bad}
	}
	return in, nil
}

// KeyOperation reports whether an operation can be a scope of an API key at all, whatever its role: it exists, it asks for a
// credential, and it neither makes one nor says who has one. A key therefore cannot make another, invite a user, or touch a session.
func KeyOperation(id string) bool {
	o, ok := route.Find(id)
	if id == "get-me" { // a machine may ask what it may do
		return true
	}
	if !ok || o.Public || o.Capability == route.Authentication {
		return false
	}
	for _, kept := range []string{"/v1/users", "/v1/api-keys", "/v1/clients", "/v1/access"} {
		if o.Path == kept || strings.HasPrefix(o.Path, kept+"/") {
			return false
		}
	}
	return true
}
