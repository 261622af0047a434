package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/route"
)

// addAPI makes the REST API: the resources of the operations, the authorizer before those that are not public, and answers of the
// gateway's own that look like the platform's.
func (p *Platform) addAPI() error {
	resources, err := Resources(route.Operations())
	if err != nil {
		return err
	}
	p.api = awsapigateway.NewRestApi(p.stack, jsii.String("API"), &awsapigateway.RestApiProps{
		RestApiName:           jsii.String("nowgo-" + p.settings.Env),
		Description:           jsii.String("NowGo Agents Platform, " + p.settings.Env),
		EndpointConfiguration: &awsapigateway.EndpointConfiguration{Types: &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL}},
		BinaryMediaTypes:      texts("*/*"), // bodies arrive as they were sent: as text, bytes that are no UTF-8 would be replaced
		CloudWatchRole:        jsii.Bool(false),
		DeployOptions:         p.stage(),
	})
	p.api.Node().TryRemoveChild(jsii.String("Endpoint")) // the output that the library adds; ApiUrl is the one to use
	verdicts := p.authorizer()
	integrations := map[Method]awsapigateway.Integration{}
	for _, c := range route.Capabilities() {
		p.letGatewayIn(string(c))
		integrations[Method{Capability: c}] = p.integration(string(c), false)
		integrations[Method{Capability: c, Public: true}] = p.integration(string(c), true)
	}
	for _, r := range resources {
		at := p.api.Root().ResourceForPath(jsii.String(r.Path))
		for _, m := range r.Methods {
			options := &awsapigateway.MethodOptions{Authorizer: verdicts, AuthorizationType: awsapigateway.AuthorizationType_CUSTOM}
			if m.Public {
				options = &awsapigateway.MethodOptions{AuthorizationType: awsapigateway.AuthorizationType_NONE}
			}
			at.AddMethod(jsii.String(m.Verb), integrations[Method{Capability: m.Capability, Public: m.Public}], options)
		}
	}
	p.addGatewayResponses()
	p.output("ApiUrl", p.address())
	return nil
}

// letGatewayIn lets the API invoke a function. One permission covers every method of the stage, for a function's policy takes 20 KB,
// which one per method would fill; the console's test button, which asks no authorizer, is not in it.
func (p *Platform) letGatewayIn(name string) {
	awslambda.NewCfnPermission(p.stack, jsii.String("Gateway-"+name), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: p.functions[name].FunctionArn(),
		Principal:    jsii.String("apigateway.amazonaws.com"),
		SourceArn:    p.api.ArnForExecuteApi(jsii.String("*"), jsii.String("/*"), jsii.String(p.settings.Env)),
	})
}

// headerTenant tells Lambda whose execution environment to use (Lambda Developer Guide, "Tenant isolation").
const headerTenant = "integration.request.header.X-Amz-Tenant-Id"

// integration hands requests to a function. Where Lambda keeps clients apart it is told the client, which the authorizer found: a header of the
// caller's own is overwritten. A global administrator has none, and a public operation no authorizer: they have an environment of their own.
func (p *Platform) integration(name string, public bool) awsapigateway.Integration {
	options := &awsapigateway.IntegrationOptions{}
	if p.settings.TenantIsolation {
		tenant := "context.authorizer.tenant_id"
		if public {
			tenant = "'public'"
		}
		options.RequestParameters = &map[string]*string{headerTenant: jsii.String(tenant)}
	}
	return awsapigateway.NewAwsIntegration(&awsapigateway.AwsIntegrationProps{
		Service: jsii.String("lambda"),
		Path:    jsii.Sprintf("2015-03-31/functions/%s/invocations", *p.functions[name].FunctionArn()),
		Proxy:   jsii.Bool(true),
		Options: options,
	})
}

// stage is named after the environment.
func (p *Platform) stage() *awsapigateway.StageOptions {
	stage := &awsapigateway.StageOptions{StageName: jsii.String(p.settings.Env), MetricsEnabled: jsii.Bool(!p.settings.Local)}
	if p.settings.RequestRate > 0 {
		stage.ThrottlingRateLimit = jsii.Number(float64(p.settings.RequestRate))
		stage.ThrottlingBurstLimit = jsii.Number(float64(p.settings.RequestBurst))
	}
	return stage
}

// authorizer asks the authorizer's function, about the Authorization header alone: without one the gateway itself answers 401.
func (p *Platform) authorizer() awsapigateway.IAuthorizer {
	return awsapigateway.NewRequestAuthorizer(p.stack, jsii.String("Authorizer"), &awsapigateway.RequestAuthorizerProps{
		AuthorizerName:  jsii.String(p.settings.Name("authorizer")),
		Handler:         p.functions["authorizer"],
		IdentitySources: &[]*string{awsapigateway.IdentitySource_Header(jsii.String("Authorization"))},
		ResultsCacheTtl: awscdk.Duration_Seconds(jsii.Number(authorizer.VerdictLifetime.Seconds())),
	})
}

// address is where the API answers, without a slash at the end.
func (p *Platform) address() *string {
	if p.settings.Endpoint != "" {
		return jsii.Sprintf("%s/_aws/execute-api/%s/%s", p.settings.Endpoint, *p.api.RestApiId(), p.settings.Env)
	}
	return jsii.Sprintf("https://%s.execute-api.%s.%s/%s", *p.api.RestApiId(), *p.stack.Region(), *p.stack.UrlSuffix(), p.settings.Env)
}

// gatewayAnswer is what the gateway answers where no function is asked.
type gatewayAnswer struct {
	kind   awsapigateway.ResponseType
	status int // 0: the gateway's own, which the body then cannot tell
	code   string
	title  string
	detail string
}

func gatewayAnswers() []gatewayAnswer {
	const (
		unknown     = "There is no such route."
		unavailable = "The platform cannot answer now. Try again in a moment."
	)
	return []gatewayAnswer{
		{awsapigateway.ResponseType_DEFAULT_4XX(), 0, "bad_request", "Bad request", "The request cannot be served."},
		{awsapigateway.ResponseType_DEFAULT_5XX(), 0, "internal", "Internal server error", "Something went wrong on our side."},
		{awsapigateway.ResponseType_UNAUTHORIZED(), 401, "authentication_required", "Unauthorized", "Sign in first."},
		{awsapigateway.ResponseType_ACCESS_DENIED(), 403, "forbidden", "Forbidden", "This is not allowed."},
		// The gateway takes a path it does not know for a call that lacks, or spoils, a signature of AWS.
		{awsapigateway.ResponseType_MISSING_AUTHENTICATION_TOKEN(), 404, "unknown_route", "Not found", unknown},
		{awsapigateway.ResponseType_INVALID_SIGNATURE(), 404, "unknown_route", "Not found", unknown},
		{awsapigateway.ResponseType_RESOURCE_NOT_FOUND(), 404, "unknown_route", "Not found", unknown},
		{awsapigateway.ResponseType_REQUEST_TOO_LARGE(), 413, "body_too_large", "Content too large", "The body is too large."},
		{awsapigateway.ResponseType_UNSUPPORTED_MEDIA_TYPE(), 415, "unsupported_media_type", "Unsupported media type",
			"The body's media type is not taken."},
		{awsapigateway.ResponseType_THROTTLED(), 429, "rate_limited", "Too many requests", "Too many requests. Try again in a moment."},
		{awsapigateway.ResponseType_QUOTA_EXCEEDED(), 429, "rate_limited", "Too many requests", "Too many requests. Try again later."},
		{awsapigateway.ResponseType_AUTHORIZER_FAILURE(), 503, "unavailable", "Service unavailable", unavailable},
		{awsapigateway.ResponseType_AUTHORIZER_CONFIGURATION_ERROR(), 503, "unavailable", "Service unavailable", unavailable},
		{awsapigateway.ResponseType_INTEGRATION_FAILURE(), 503, "unavailable", "Service unavailable", unavailable},
		{awsapigateway.ResponseType_INTEGRATION_TIMEOUT(), 504, "unavailable", "Gateway timeout", unavailable},
	}
}

// addGatewayResponses makes the gateway's own answers problems too (RFC 9457).
func (p *Platform) addGatewayResponses() {
	for _, a := range gatewayAnswers() {
		name := *a.kind.ResponseType()
		headers := map[string]*string{
			"Content-Type":  jsii.String("'application/problem+json'"),
			"Cache-Control": jsii.String("'no-store'"),
			"X-Request-Id":  jsii.String("context.requestId"),
		}
		switch a.status {
		case 401: // RFC 9110 §11.6.1
			headers["WWW-Authenticate"] = jsii.String("'Bearer'")
		case 429, 503: // RFC 9110 §10.2.3, in seconds
			headers["Retry-After"] = jsii.String("'1'")
		}
		options := &awsapigateway.GatewayResponseOptions{
			Type:            a.kind,
			ResponseHeaders: &headers,
			Templates:       &map[string]*string{"application/json": jsii.String(a.body())},
		}
		if a.status != 0 {
			options.StatusCode = jsii.Sprintf("%d", a.status)
		}
		p.api.AddGatewayResponse(jsii.String("Answer-"+strings.ToLower(name)), options)
	}
}

// body is the template of the answer: nothing of the request is repeated in it but the gateway's own id of it.
func (a gatewayAnswer) body() string {
	status := ""
	if a.status != 0 {
		status = fmt.Sprintf(`"status":%d,`, a.status)
	}
	return fmt.Sprintf(`{"type":"urn:nowgo:problem:%s","title":%q,%s"detail":%q,"code":%q,"request_id":"$context.requestId"}`,
		a.code, a.title, status, a.detail, a.code)
}
