package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/gateway"
	"github.com/nowgo/agents/internal/tenant"
)

type authorizerEvent = events.APIGatewayCustomAuthorizerRequestTypeRequest

var ana = tenant.Principal{Client: "cli_abcde", User: "usr_1", Role: tenant.ClientAdmin, Session: "ses_1"}

func judge(_ context.Context, header string) (tenant.Principal, error) {
	switch header {
	case "Bearer good":
		return ana, nil
	case "Bearer suspended":
		return tenant.Principal{}, fault.New("test", fault.Forbidden, "client_suspended")
	case "Bearer broken":
		return tenant.Principal{}, errors.New("the table does not answer: key=secret")
	default:
		return tenant.Principal{}, fault.New("test", fault.Unauthenticated, "invalid_token")
	}
}

func TestVerdictAllowsEveryRouteAndHoldsNoCredential(t *testing.T) {
	got, err := gateway.AuthorizerHandler(judge)(context.Background(), event[authorizerEvent](t, "authorizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: "usr_1",
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Version: "2012-10-17", Statement: []events.IAMPolicyStatement{{
			Action: []string{"execute-api:Invoke"}, Effect: "Allow", Resource: []string{"arn:aws:execute-api:eu-west-1:123456789012:abc123/live/*/*"}}}},
		Context: map[string]any{"client_id": "cli_abcde", "user_id": "usr_1", "role": "client_admin", "session_id": "ses_1",
			"tenant_id": "cli_abcde"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "good") {
		t.Errorf("the verdict is %s, %v", text, err)
	}
}

func TestRefusals(t *testing.T) {
	with := func(values ...string) func(*authorizerEvent) {
		return func(e *authorizerEvent) {
			e.Headers = nil
			e.MultiValueHeaders = map[string][]string{"Authorization": values}
		}
	}
	cases := map[string]struct {
		change func(*authorizerEvent)
		want   string
		told   bool
	}{
		"a bad token":              {with("Bearer bad"), "Unauthorized", false},
		"a suspended client":       {with("Bearer suspended"), "Unauthorized", false},
		"no header":                {with(), "Unauthorized", false},
		"an empty header":          {with(""), "Unauthorized", false},
		"two headers":              {with("Bearer good", "Bearer bad"), "Unauthorized", false},
		"an authorizer that fails": {with("Bearer broken"), "the authorizer cannot decide", true},
		"two spellings of the header": {func(e *authorizerEvent) {
			e.MultiValueHeaders = map[string][]string{"Authorization": {"Bearer good"}, "authorization": {"Bearer bad"}}
		}, "Unauthorized", false},
		"an ARN of something else": {func(e *authorizerEvent) { e.MethodArn = "arn:aws:s3:::bucket/live/GET/x" }, "the authorizer cannot decide", true},
		"no ARN":                   {func(e *authorizerEvent) { e.MethodArn = "" }, "the authorizer cannot decide", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := event[authorizerEvent](t, "authorizer.json")
			c.change(&e)
			told := false
			got, err := gateway.AuthorizerHandler(judge, func(context.Context, error) { told = true })(context.Background(), e)
			if err == nil || err.Error() != c.want || told != c.told {
				t.Errorf("error %v, told %v", err, told)
			}
			if len(got.PolicyDocument.Statement) != 0 || len(got.Context) != 0 {
				t.Errorf("with the verdict %+v", got)
			}
		})
	}
}

func TestHeadersAloneAreEnough(t *testing.T) {
	e := event[authorizerEvent](t, "authorizer.json")
	e.MultiValueHeaders = nil
	if _, err := gateway.AuthorizerHandler(judge)(context.Background(), e); err != nil {
		t.Error(err)
	}
}
