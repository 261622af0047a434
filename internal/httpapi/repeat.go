package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/idempotency"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// repeatable serves a request that carries an Idempotency-Key (invariant 12).
func (o *operation) repeatable(x *exchange, r *http.Request, values []string, body []byte) {
	ctx := r.Context()
	pending, kept, err := o.begin(ctx, x.call, r, values, body)
	switch {
	case err != nil:
		x.answer(problemOf(x.call, err))
	case kept != nil:
		x.replay(kept)
	default:
		o.next.ServeHTTP(x, r.WithContext(idempotency.With(ctx, pending)))
	}
}

func (o *operation) begin(ctx context.Context, call tenant.Call, r *http.Request, values []string, body []byte) (*idempotency.Pending, *idempotency.Reply, error) {
	if len(values) != 1 {
		return nil, nil, fault.New("httpapi.begin", fault.Invalid, "invalid_idempotency_key")
	}
	if err := idempotency.CheckKey(values[0]); err != nil {
		return nil, nil, err
	}
	partition := call.Principal.Client
	if partition == "" {
		partition = directory.Home(call.Principal.User) // a global administrator's own rows are there too
	}
	return o.api.keeper.Begin(ctx, idempotency.Request{Partition: partition, Call: call, Key: values[0], Content: content(r.URL, body)})
}

// content is what two requests with the same key must agree on: path, query and the meaning of the body.
func content(u *url.URL, body []byte) []byte {
	var b strings.Builder
	b.WriteString(u.EscapedPath())
	b.WriteByte('\n')
	b.WriteString(u.Query().Encode())
	b.WriteByte('\n')
	b.Write(canonical(body))
	return []byte(b.String())
}

// replay sends a kept answer.
func (x *exchange) replay(kept *idempotency.Reply) {
	h := x.Header()
	for name, values := range headersOf(kept) {
		h[name] = values
	}
	x.WriteHeader(kept.Status)
	if len(kept.Body) == 0 {
		return
	}
	h.Set("Content-Type", typeJSON)
	if _, err := x.Write(kept.Body); err != nil {
		x.problem = &Problem{Code: "canceled", cause: err}
	}
}

func headersOf(kept *idempotency.Reply) http.Header {
	h := http.Header{idempotency.HeaderReplayed: {"true"}}
	if kept.ETag != "" {
		h["Etag"] = []string{kept.ETag}
	}
	if kept.Location != "" {
		h["Location"] = []string{kept.Location}
	}
	return h
}

// settle is the end of an operation that failed: the answer of a faster request with the same key, where there is one, or the
// problem. What it returns is what Huma sends.
func (a *API) settle(ctx context.Context, pending *idempotency.Pending, err error) error {
	if pending == nil {
		return a.problem(ctx, err)
	}
	kept, settled := a.keeper.Settle(ctx, pending)
	switch {
	case settled != nil:
		return a.problem(ctx, settled)
	case kept != nil:
		return &replayed{kept}
	default:
		return a.problem(ctx, err)
	}
}

// replayed carries a kept answer through Huma's path of errors, the one way out of a handler that does not build its output.
type replayed struct{ reply *idempotency.Reply }

// Error, GetStatus, GetHeaders and ContentType make a replayed answer what Huma takes for an error.
func (r *replayed) Error() string { return "answered before" }

// GetStatus returns the kept status.
func (r *replayed) GetStatus() int { return r.reply.Status }

// GetHeaders returns the kept headers.
func (r *replayed) GetHeaders() http.Header { return headersOf(r.reply) }

// ContentType returns that of every answer that is kept.
func (r *replayed) ContentType(string) string { return typeJSON }
