package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/nowgo/agents/internal/tenant"
)

// maxLoggedPath is how much of the path of an unknown route is logged, in bytes.
const maxLoggedPath = 200

// record writes the request's line of the access log. It names the operation and no path, query, header or body, which may hold
// secrets; only a request that no route took shows its path.
func (a *API) record(x *exchange, r *http.Request, start time.Time) {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !a.log.Enabled(r.Context(), level) {
		return
	}
	took := a.cfg.System.Now().Sub(start)
	attrs := [12]slog.Attr{
		slog.String("client_id", string(x.call.Principal.Client)),
		slog.String("user_id", x.call.Principal.User),
		slog.String("request_id", x.call.RequestID),
		slog.String("operation", x.call.Operation),
		slog.Int("status", x.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes", x.bytes),
	}
	list := attrs[:7]
	if x.call.Operation == "" {
		path := r.URL.Path
		if len(path) > maxLoggedPath {
			path = path[:maxLoggedPath]
		}
		list = append(list, slog.String("method", r.Method), slog.String("path", path))
	}
	if x.problem != nil {
		list = append(list, slog.String("code", x.problem.Code))
		if x.problem.cause != nil {
			list = append(list, slog.String("cause", x.problem.cause.Error()))
		}
	}
	a.log.LogAttrs(r.Context(), level, "request", list...)
}

func operationOf(ctx context.Context) string { return tenant.CallFrom(ctx).Operation }
