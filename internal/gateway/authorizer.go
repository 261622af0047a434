package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// errUnauthorized is the one text that API Gateway turns into its 401.
var errUnauthorized = errors.New("Unauthorized")

// errUnavailable stands for every other failure: the gateway answers 500 and caches nothing. Its cause stays in the log.
var errUnavailable = errors.New("the authorizer cannot decide")

// Authorizer answers one event of a Lambda authorizer of type REQUEST.
type Authorizer func(context.Context, events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error)

// AuthorizerHandler returns authorize, which judges an Authorization header, as the gateway's authorizer. A good credential
// allows every route of the API's stage, because the gateway caches the verdict by the header and uses it for the next path
// too; what the principal may do is decided behind it. The verdict's context holds the principal and never the credential. failed, if given, is told of
// errors that are not the caller's.
//
// Errors: `Unauthorized` where authorize says fault.Unauthenticated or fault.Forbidden (a suspended client); otherwise an error that the
// gateway answers with 500.
func AuthorizerHandler(authorize func(ctx context.Context, header string) (tenant.Principal, error), failed ...func(context.Context, error)) Authorizer {
	return func(ctx context.Context, e events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
		header, ok := authorization(e)
		ctx = tenant.WithCall(ctx, callOf(e))
		if !ok {
			// What is no credential is judged all the same, for the record that authorize keeps of its refusals.
			if _, err := authorize(ctx, ""); err == nil {
				return events.APIGatewayCustomAuthorizerResponse{}, errUnavailable
			}
			return events.APIGatewayCustomAuthorizerResponse{}, errUnauthorized
		}
		resource, err := everyRoute(e.MethodArn)
		if err == nil {
			var p tenant.Principal
			if p, err = authorize(ctx, header); err == nil {
				return allow(p, resource), nil
			}
		}
		if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
			return events.APIGatewayCustomAuthorizerResponse{}, errUnauthorized
		}
		for _, tell := range failed {
			tell(ctx, err)
		}
		return events.APIGatewayCustomAuthorizerResponse{}, errUnavailable
	}
}

// callOf is what the event says of the call: the address is the gateway's own finding, not a header's.
func callOf(e events.APIGatewayCustomAuthorizerRequestTypeRequest) tenant.Call {
	identity := e.RequestContext.Identity
	agent := ""
	for name, value := range e.Headers {
		if strings.EqualFold(name, "User-Agent") {
			agent = value
		}
	}
	return tenant.Call{RequestID: e.RequestContext.RequestID, Address: identity.SourceIP, UserAgent: agent}
}

// authorization returns the one Authorization header of the event, whatever the case of its name. Two are none: the gateway's cache and
// we might look at different ones.
func authorization(e events.APIGatewayCustomAuthorizerRequestTypeRequest) (string, bool) {
	var found []string
	for name, values := range e.MultiValueHeaders {
		if strings.EqualFold(name, "Authorization") {
			found = append(found, values...)
		}
	}
	if len(found) == 0 {
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Authorization") {
				found = append(found, value)
			}
		}
	}
	if len(found) != 1 || found[0] == "" {
		return "", false
	}
	return found[0], true
}

// everyRoute returns the ARN of all methods and paths of the stage that methodARN is of:
// arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>.
func everyRoute(methodARN string) (string, error) {
	parts := strings.SplitN(methodARN, "/", 3)
	if len(parts) < 3 || strings.Count(parts[0], ":") != 5 || !strings.Contains(parts[0], ":execute-api:") || parts[1] == "" {
		return "", fmt.Errorf("gateway: %q is no method of a REST API", methodARN)
	}
	return parts[0] + "/" + parts[1] + "/*/*", nil
}

func allow(p tenant.Principal, resource string) events.APIGatewayCustomAuthorizerResponse {
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: p.User,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action: []string{"execute-api:Invoke"}, Effect: "Allow", Resource: []string{resource},
			}},
		},
		Context: contextOf(p),
	}
}
