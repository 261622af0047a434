package gateway

import (
	"context"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/tenant"
)

// The keys of the authorizer's context, in the verdict and in every event that it is attached to.
const (
	keyClient  = "client_id"
	keyUser    = "user_id"
	keyRole    = "role"
	keySession = "session_id"

	keyAssumed    = "assumed"
	keyRestricted = "restricted"
	keyScopes     = "scopes"
	keyWithin     = "within"
	keyRate       = "rate"
)

const yes = "true" // the gateway's context holds texts alone

// ProxyHandler answers one event of an API Gateway proxy integration.
type ProxyHandler func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error)

// Handler returns h as the handler of proxy events. The request that h sees has the path of the event, which is without the
// stage; its RemoteAddr is the caller's address, without a port; its principal is that of the event's authorizer context, or
// nobody where the route has no authorizer. An error means that the event is none of API Gateway's.
func Handler(h http.Handler) ProxyHandler {
	return httpadapter.New(withPrincipal(h)).ProxyWithContext
}

func withPrincipal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The context the gateway filled. The headers X-GoLambdaProxy-*, in which the library's other mode would carry it, are
		// a caller's to send and have no place here.
		r.Header.Del(core.APIGwContextHeader)
		r.Header.Del(core.APIGwStageVarsHeader)
		if gw, ok := core.GetAPIGatewayContextFromContext(r.Context()); ok {
			if p, ok := principalOf(gw.Authorizer); ok {
				r = r.WithContext(httpapi.WithPrincipal(r.Context(), p))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// principalOf reads the principal from an authorizer's context. A context that does not name a user, a role of the platform and,
// unless it is a global administrator's, a client is nobody's.
func principalOf(authorizer map[string]any) (tenant.Principal, bool) {
	text := func(key string) string {
		s, _ := authorizer[key].(string)
		return s
	}
	p := tenant.Principal{User: text(keyUser), Role: tenant.Role(text(keyRole)), Session: text(keySession),
		Assumed: text(keyAssumed) == yes, Restricted: text(keyRestricted) == yes, Scopes: tenant.Names(text(keyScopes)),
		Within: tenant.Names(text(keyWithin))}
	if p.User == "" || !p.Role.Valid() || p.Machine() && p.Scopes == "" {
		return tenant.Principal{}, false
	}
	if rate := text(keyRate); rate != "" {
		var err error
		if p.Rate, err = strconv.Atoi(rate); err != nil {
			return tenant.Principal{}, false
		}
	}
	if client := text(keyClient); client != "" {
		id, err := tenant.Parse(client)
		if err != nil {
			return tenant.Principal{}, false
		}
		p.Client = id
	} else if p.Role != tenant.GlobalAdmin {
		return tenant.Principal{}, false
	}
	return p, true
}
