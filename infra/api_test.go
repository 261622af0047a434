package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/authorizer"
	"github.com/nowgo/agents/internal/route"
)

// Invariant 11: the gateway keeps a verdict no longer than the authorizer counts on.
func TestAuthorizerIsAskedAboutTheCredentialAlone(t *testing.T) {
	authorizers := prod.of("AWS::ApiGateway::Authorizer")
	if len(authorizers) != 1 {
		t.Fatalf("%d authorizers", len(authorizers))
	}
	for _, a := range authorizers {
		p := a.Properties
		if p["Type"] != "REQUEST" || p["IdentitySource"] != "method.request.header.Authorization" || p["AuthorizerResultTtlInSeconds"] != 30.0 ||
			authorizer.VerdictLifetime+authorizer.LivenessLifetime > authorizer.OutWithin {
			t.Errorf("the authorizer: %s", text(p))
		}
	}
}

// Only what route calls public is served without the authorizer's verdict.
func TestMethodsAskTheAuthorizer(t *testing.T) {
	public := map[string]bool{}
	for _, o := range route.Operations() {
		if o.Public {
			public[o.Path] = true
		}
	}
	resources := prod.of("AWS::ApiGateway::Resource")
	var path func(id string) string
	path = func(id string) string {
		r, ok := resources[id]
		if !ok {
			return ""
		}
		parent, _ := at(r.Properties, "ParentId", "Ref").(string)
		return path(parent) + "/" + r.Properties["PathPart"].(string)
	}
	open := 0
	for id, m := range prod.of("AWS::ApiGateway::Method") {
		at := path(at(m.Properties, "ResourceId", "Ref").(string))
		switch m.Properties["AuthorizationType"] {
		case "CUSTOM":
			if m.Properties["AuthorizerId"] == nil {
				t.Errorf("%s names no authorizer", id)
			}
		case "NONE":
			open++
			if !public[at] {
				t.Errorf("%s is open", at)
			}
		default:
			t.Errorf("%s: %v", at, m.Properties["AuthorizationType"])
		}
	}
	if open != len(public) {
		t.Errorf("%d open methods, want %d", open, len(public))
	}
}

// A function's policy takes 20 KB: one permission for the whole stage, and none for the console's test button.
func TestOnePermissionPerFunction(t *testing.T) {
	count := map[string]int{}
	for id, p := range prod.of("AWS::Lambda::Permission") {
		count[text(p.Properties["FunctionName"])+p.Properties["Principal"].(string)]++
		if source := text(p.Properties["SourceArn"]); strings.Contains(source, "test-invoke-stage") || source == "null" {
			t.Errorf("%s lets in %s", id, source)
		}
	}
	for f, n := range count {
		if n != 1 {
			t.Errorf("%s has %d permissions", f, n)
		}
	}
	hourly := 0
	for _, w := range route.Workers() {
		if w.Hourly {
			hourly++
		}
	}
	if want := len(route.Capabilities()) + 1 + hourly; len(count) != want { // the authorizer's and the hourly rules' beside them
		t.Errorf("%d permissions, want %d", len(count), want)
	}
}

func TestGatewayAnswersAreProblems(t *testing.T) {
	want := map[string]string{"UNAUTHORIZED": "401 authentication_required", "ACCESS_DENIED": "403 forbidden",
		"MISSING_AUTHENTICATION_TOKEN": "404 unknown_route", "REQUEST_TOO_LARGE": "413 body_too_large", "THROTTLED": "429 rate_limited",
		"INTEGRATION_TIMEOUT": "504 unavailable", "DEFAULT_4XX": " bad_request", "DEFAULT_5XX": " internal"}
	variable := regexp.MustCompile(`\$[a-zA-Z.]+`)
	seen := 0
	for _, r := range prod.of("AWS::ApiGateway::GatewayResponse") {
		p := r.Properties
		body, ok := at(p, "ResponseTemplates", "application/json").(string)
		if !ok || at(p, "ResponseParameters", "gatewayresponse.header.Content-Type") != "'application/problem+json'" {
			t.Errorf("%s: %s", p["ResponseType"], text(p))
			continue
		}
		if found := variable.FindAllString(body, -1); len(found) != 1 || found[0] != "$context.requestId" {
			t.Errorf("%s repeats %v", p["ResponseType"], found)
		}
		var problem struct {
			Type, Title, Detail, Code string
			Status                    int
			RequestID                 string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(body), &problem); err != nil {
			t.Errorf("%s: %v", p["ResponseType"], err)
			continue
		}
		status, _ := p["StatusCode"].(string)
		if problem.Title == "" || problem.Detail == "" || problem.Type != "urn:nowgo:problem:"+problem.Code ||
			status != "" && status != text(problem.Status) {
			t.Errorf("%s: %s", p["ResponseType"], body)
		}
		if w, ok := want[p["ResponseType"].(string)]; ok {
			seen++
			if w != status+" "+problem.Code {
				t.Errorf("%s is %s %s, want %s", p["ResponseType"], status, problem.Code, w)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d answers are there", seen, len(want))
	}
}

// What the gateway answers with is what its stage was deployed with: the deployment comes after every answer and method.
func TestDeploymentComesLast(t *testing.T) {
	for _, d := range prod.of("AWS::ApiGateway::Deployment") {
		after := text(d.DependsOn)
		for _, kind := range []string{"AWS::ApiGateway::GatewayResponse", "AWS::ApiGateway::Method"} {
			for id := range prod.of(kind) {
				if !strings.Contains(after, `"`+id+`"`) {
					t.Errorf("the deployment does not wait for %s", id)
				}
			}
		}
	}
}
