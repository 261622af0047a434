package gateway

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/nowgo/agents/internal/httpapi"
)

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
