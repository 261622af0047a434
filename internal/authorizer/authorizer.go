package authorizer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// How long what was found may be used again. Together they are within the [OutWithin] of invariant 11.
const (
	VerdictLifetime  = 30 * time.Second // of a verdict: API Gateway's cache, or Verdict's
	LivenessLifetime = 15 * time.Second // of the state of a session, its user and its client
	OutWithin        = 60 * time.Second // how soon somebody who may not enter any more is out, everywhere
)

// DefaultCapacity is how many verdicts, and how many sessions, are remembered: some 10 MB.
const DefaultCapacity = 1 << 15

// Verifier verifies access tokens; [identity.Signer] is one.
type Verifier interface {
	// Verify returns the claims of a good token, and fault.Unauthenticated otherwise. It asks nobody but, once in a while, for the keys.
	Verify(token string) (identity.Claims, error)
}

// Config is what an [Authorizer] works with.
type Config struct {
	Tokens   Verifier
	Table    store.Table
	System   system.System
	Log      *slog.Logger // of what fails behind a verdict; nil: nowhere
	Capacity int          // entries of each cache; 0: [DefaultCapacity]
}

// Authorizer authorizes calls. It may be used concurrently.
type Authorizer struct {
	tokens    Verifier
	table     store.Table
	directory *directory.Directory
	sys       system.System
	log       *slog.Logger
	verdicts  *lru.Cache[[sha256.Size]byte, verdict] // by the credential's hash: the cache holds none
	alive     *lru.Cache[liveKey, life]
	machines  *lru.Cache[string, machine] // by the prefix of an API key
}

type verdict struct {
	principal tenant.Principal
	until     time.Time
}

// New returns an authorizer. It fails for a negative capacity.
func New(c Config) (*Authorizer, error) {
	if c.Capacity == 0 {
		c.Capacity = DefaultCapacity
	}
	verdicts, err := lru.New[[sha256.Size]byte, verdict](c.Capacity)
	if err != nil {
		return nil, fmt.Errorf("authorizer: %w", err)
	}
	alive, err := lru.New[liveKey, life](c.Capacity)
	if err != nil {
		return nil, fmt.Errorf("authorizer: %w", err)
	}
	machines, err := lru.New[string, machine](c.Capacity)
	if err != nil {
		return nil, fmt.Errorf("authorizer: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Authorizer{tokens: c.Tokens, table: c.Table, directory: directory.New(c.Table), sys: c.System, log: c.Log,
		verdicts: verdicts, alive: alive, machines: machines}, nil
}

// Authorize returns the principal of an Authorization header (`Bearer <token>`, RFC 6750 §2.1), whose token is an access token or an
// API key. It is what the gateway's function calls, for the gateway remembers the verdict itself.
//
// Errors: fault.Unauthenticated `unauthenticated` (no bearer token), `invalid_token`, `token_expired`, `session_ended` (signed out,
// user disabled, role changed since), `invalid_api_key` (unknown, revoked, wrong secret), `api_key_expired`; fault.Forbidden
// `client_suspended`; fault.Unavailable where the table does not answer. Those that say something of a credential are a
// [denial.Refusal].
func (a *Authorizer) Authorize(ctx context.Context, header string) (tenant.Principal, error) {
	token, err := bearer(header)
	if err != nil {
		return tenant.Principal{}, err
	}
	v, err := a.decide(ctx, token, a.sys.Now())
	return v.principal, err
}

// Verdict is Authorize with verdicts remembered for [VerdictLifetime], and never past their token's end, as API Gateway does. It
// is what the monolith calls. Refusals are not remembered.
func (a *Authorizer) Verdict(ctx context.Context, header string) (tenant.Principal, error) {
	token, err := bearer(header)
	if err != nil {
		return tenant.Principal{}, err
	}
	key := hash(token)
	now := a.sys.Now()
	if v, ok := a.verdicts.Get(key); ok && now.Before(v.until) {
		return v.principal, nil
	}
	v, err := a.decide(ctx, token, now)
	if err != nil {
		a.verdicts.Remove(key)
		return tenant.Principal{}, err
	}
	a.verdicts.Add(key, v)
	return v.principal, nil
}

// hash returns the SHA-256 of a token, without a copy on the heap for one of usual length.
func hash(token string) [sha256.Size]byte {
	var usual [1024]byte
	return sha256.Sum256(append(usual[:0], token...))
}

// bearer returns the token of an Authorization header; the scheme's case does not matter (RFC 9110 §11.1).
func bearer(header string) (string, error) {
	const scheme = "Bearer "
	if len(header) <= len(scheme) || len(header) > len(scheme)+identity.MaxToken || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", fault.New("authorizer.Authorize", fault.Unauthenticated, "unauthenticated")
	}
	return header[len(scheme):], nil
}

// decide verifies the token and looks at what stands behind it.
func (a *Authorizer) decide(ctx context.Context, token string, now time.Time) (verdict, error) {
	if identity.IsKeyCredential(token) {
		return a.decideKey(ctx, token, now)
	}
	claims, err := a.tokens.Verify(token)
	if err != nil {
		return verdict{}, err
	}
	p := claims.Principal
	l, err := a.life(ctx, p, now)
	if err != nil {
		return verdict{}, err
	}
	if err := l.admits(p, now); err != nil {
		return verdict{}, denial.Proven(denial.Token, p, err)
	}
	p.Within = l.within
	p.Restricted = p.Restricted || l.restricted
	until := earlier(now.Add(VerdictLifetime), claims.ExpiresAt)
	if !l.ends.IsZero() {
		until = earlier(until, l.ends)
	}
	return verdict{p, until}, nil
}
