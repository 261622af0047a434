package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/nowgo/agents/internal/tenant"
)

// HeaderRequestID carries the request's id in both directions.
const HeaderRequestID = "X-Request-Id"

// maxUserAgent is how much of the User-Agent is kept, in bytes.
const maxUserAgent = 256

// exchange is one request and its answer: the writer that everything below writes to.
type exchange struct {
	w       http.ResponseWriter
	call    tenant.Call
	public  bool // the operation asks for no credential
	routed  bool // a route took the request; until then what the mux writes is dropped
	status  int
	sent    bool // the header is on its way
	bytes   int64
	problem *Problem
}

// Header, WriteHeader, Write and Flush make an exchange an http.ResponseWriter. The status goes out with the first byte, so that until then
// a failure can still become a problem.
func (x *exchange) Header() http.Header { return x.w.Header() }

// WriteHeader sets the status.
func (x *exchange) WriteHeader(status int) {
	if !x.sent {
		x.status = status
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if !x.routed {
		return len(b), nil
	}
	x.send()
	n, err := x.w.Write(b) //nolint:gosec // JSON with nosniff, or the embedded page: what callers sent is never markup here
	x.bytes += int64(n)
	if err != nil {
		return n, fmt.Errorf("%w: %w", errClientCancelled, err)
	}
	return n, nil
}

// Flush sends what was written so far.
func (x *exchange) Flush() {
	x.send()
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
	}
}

func (x *exchange) send() {
	if x.sent {
		return
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	x.sent = true
	x.w.WriteHeader(x.status)
}

// mute drops what is written until a problem is answered.
func (x *exchange) mute() { x.routed = false }

// answer sends a problem.
func (x *exchange) answer(p *Problem) {
	x.Header().Set("Content-Type", typeProblem)
	x.routed, x.status = true, p.Status
	if err := marshal(x, p); err != nil && p.cause == nil {
		p.cause = err
	}
}

// Handler returns the handler of all registered operations. It expects the principal where [WithPrincipal] puts it.
func (a *API) Handler() http.Handler {
	broken := a.Err()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.cfg.System.Now()
		x := &exchange{w: w, call: a.callOf(r)}
		h := w.Header()
		h[HeaderRequestID] = []string{x.call.RequestID}
		h["X-Content-Type-Options"] = noSniff
		h["Cache-Control"] = noStore
		defer a.finish(x, r, start)
		if broken != nil {
			x.answer(problemOf(x.call, broken))
			return
		}
		a.mux.ServeHTTP(x, r)
		if !x.routed {
			a.unrouted(x)
		}
		x.send()
	})
}

var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
)

// unrouted answers what the mux did not find a route for: its own text, or its redirection to a cleaner path, is not sent.
func (a *API) unrouted(x *exchange) {
	h := x.Header()
	h.Del("Location")
	if x.status == http.StatusMethodNotAllowed {
		x.answer(problemOf(x.call, errMethodNotTaken))
		return
	}
	h.Del("Allow")
	x.answer(problemOf(x.call, errUnknownRoute))
}

// callOf is what is known of a request before its route: everything but the operation.
func (a *API) callOf(r *http.Request) tenant.Call {
	call := tenant.CallFrom(r.Context())
	call.RequestID = r.Header.Get(HeaderRequestID)
	if !validRequestID(call.RequestID) {
		call.RequestID = a.cfg.System.NewID("req")
	}
	call.Address = r.RemoteAddr
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		call.Address = host
	}
	if call.UserAgent = r.UserAgent(); len(call.UserAgent) > maxUserAgent {
		call.UserAgent = call.UserAgent[:maxUserAgent]
	}
	call.Language = negotiate(r.Header.Get("Accept-Language"))
	return call
}

// validRequestID reports whether a caller's id is 1 to 64 of A-Z, a-z, 0-9, `_` and `-`: nothing that could break a log line.
func validRequestID(id string) bool { return len(id) <= 64 && plain(id) }

func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}

// finish ends every request: a panic becomes a 500, and the line of the access log is written.
func (a *API) finish(x *exchange, r *http.Request, start time.Time) {
	p := recover()
	if err, ok := p.(error); ok && errors.Is(err, errClientCancelled) {
		p = nil // the caller went away while the answer was written
	}
	if p != nil {
		a.log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", x.call.RequestID),
			slog.String("operation", x.call.Operation), slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		if x.sent {
			a.record(x, r, start)
			panic(http.ErrAbortHandler) // a half-sent answer must not look whole
		}
		h := x.Header()
		h.Del("ETag")
		h.Del("Location")
		x.answer(problemOf(x.call, errInternal))
	}
	a.recordDenial(r.Context(), x)
	a.record(x, r, start)
}
