package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
)

// Config is what an API is made of. All but Limits, Log, Ready and Version are needed.
type Config struct {
	Table  store.Table // holds the idempotency records
	Access *access.Decider
	System system.System
	// Secret is 32 bytes, the same in every process of an environment. The keys of cursors and kept answers are derived from it.
	Secret  []byte
	Denials *denial.Recorder            // of what is refused and denied; nil: nowhere
	Log     *slog.Logger                // slog's default where nil
	Limits  Limiter                     // nil: nobody is limited
	Ready   func(context.Context) error // nil: always ready
	Version string                      // of the OpenAPI document; `1` where empty
}

// API collects operations and serves them. Operations are registered before [API.Handler] is called, from one goroutine.
type API struct {
	cfg     Config
	log     *slog.Logger
	mux     *http.ServeMux
	huma    huma.API
	keeper  *idempotency.Keeper
	cursors cursorKey
	options map[string]Op // what Register was told, by operation id
	errs    []error
}

// New returns an API without operations. It fails where the configuration is not complete.
func New(cfg Config) (*API, error) {
	if cfg.Table == nil || cfg.Access == nil || cfg.System.Now == nil || cfg.System.Random == nil {
		return nil, errors.New("httpapi: the configuration lacks its table, access or system")
	}
	if len(cfg.Secret) < 32 {
		return nil, fmt.Errorf("httpapi: the secret has %d bytes, not 32", len(cfg.Secret))
	}
	key, err := newCursorKey(cfg.Secret)
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Version == "" {
		cfg.Version = "1"
	}
	a := &API{cfg: cfg, log: cfg.Log, mux: http.NewServeMux(), cursors: key, options: map[string]Op{},
		keeper: idempotency.NewKeeper(cfg.Table, cfg.System, cfg.Secret)}
	a.huma = huma.NewAPI(humaConfig(cfg.Version), adapter{a})
	return a, nil
}

// Err returns what went wrong while operations were registered: an operation that internal/route does not have, one registered twice, or
// an input that cannot be described. An API with such an error answers 500 to every request.
func (a *API) Err() error { return errors.Join(a.errs...) }

func (a *API) fail(err error) { a.errs = append(a.errs, err) }
