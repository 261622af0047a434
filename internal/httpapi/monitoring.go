package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/route"
)

// Health is the answer of the health and readiness checks.
type Health struct {
	Status string `json:"status" enum:"ok" example:"ok"`
}

// RegisterMonitoring mounts the operations of the monitoring capability: health, readiness, the OpenAPI document and its page.
func RegisterMonitoring(a *API) {
	render := func(h Health) Out[Health] { return Out[Health]{Body: h} }
	Register(a, Op{ID: "get-health", Summary: "Whether the process is alive"},
		func(context.Context, *struct{}) (Health, error) { return Health{Status: "ok"}, nil }, render)
	Register(a, Op{ID: "get-readiness", Summary: "Whether the process can serve", Description: "503 while a dependency does not answer."},
		func(ctx context.Context, _ *struct{}) (Health, error) {
			if a.cfg.Ready != nil {
				if err := a.cfg.Ready(ctx); err != nil {
					return Health{}, fault.Wrap("httpapi.ready", fault.Unavailable, "not_ready", err)
				}
			}
			return Health{Status: "ok"}, nil
		}, render)
	document := sync.OnceValues(a.OpenAPI)
	a.registerFile(Op{ID: "get-openapi", Summary: "This document"}, typeJSON, func(http.Header) ([]byte, error) {
		return document()
	})
	a.registerFile(Op{ID: "get-docs", Summary: "The documentation page"}, "text/html; charset=utf-8", func(h http.Header) ([]byte, error) {
		h.Set("Content-Security-Policy", docsPolicy)
		return docsPage, nil
	})
}

// OpenAPI returns the OpenAPI 3.1 document of the registered operations, indented, the same for the same operations.
func (a *API) OpenAPI() ([]byte, error) {
	b, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("httpapi: document: %w", err)
	}
	return append(b, '\n'), nil
}

// registerFile mounts an operation that answers with bytes of its own media type.
func (a *API) registerFile(op Op, mediaType string, content func(http.Header) ([]byte, error)) {
	h, ok := a.describe(op, reflect.TypeFor[struct{}]())
	if !ok {
		return
	}
	h.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK),
		Content: map[string]*huma.MediaType{mediaType: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	a.huma.OpenAPI().AddOperation(&h)
	row, _ := route.Find(op.ID)
	a.mount(row, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := content(w.Header())
		if err != nil {
			x, _ := w.(*exchange)
			x.answer(a.problem(r.Context(), err))
			return
		}
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(http.StatusOK)
		if _, err := w.Write(b); err != nil {
			a.log.LogAttrs(r.Context(), slog.LevelDebug, "the caller went away", slog.String("error", err.Error()))
		}
	}))
}
