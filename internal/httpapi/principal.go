package httpapi

import (
	"context"
	"net/http"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// WithPrincipal returns a context in which p makes the call.
func WithPrincipal(ctx context.Context, p tenant.Principal) context.Context {
	call := tenant.CallFrom(ctx)
	call.Principal = p
	return tenant.WithCall(ctx, call)
}

type refusalKey struct{}

// errTwoCredentials refuses a call with two: somebody on its way might look at another than we do.
var errTwoCredentials = fault.New("httpapi.Authenticate", fault.Unauthenticated, "unauthenticated")

// Authenticate does what the gateway does in front of the functions: it has the Authorization header judged and puts the principal
// into the context. Without the header the caller is nobody; where authorize fails the answer is its error (a bad credential: 401),
// given by next, which must be an [API.Handler].
func Authenticate(authorize func(ctx context.Context, authorizationHeader string) (tenant.Principal, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := r.Header["Authorization"]
		if len(headers) == 0 || len(headers) == 1 && headers[0] == "" {
			next.ServeHTTP(w, r)
			return
		}
		p, err := tenant.Principal{}, error(errTwoCredentials)
		if len(headers) == 1 {
			p, err = authorize(r.Context(), headers[0])
		}
		if err != nil {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), refusalKey{}, err)))
			return
		}
		next.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	})
}
