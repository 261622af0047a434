package main

import (
	"strings"
	"testing"
)

// nameOfFunction is the name in the id of a function's resource.
func nameOfFunction(id string) string {
	for _, name := range FunctionNames() {
		if strings.HasPrefix(id, "Function"+name) && len(id) == len("Function"+name)+8 {
			return name
		}
	}
	return ""
}

// Lambda keeps clients apart in the functions that answer HTTP, where the environment wants it; queues and streams cannot have it.
func TestLambdaKeepsClientsApart(t *testing.T) {
	for id, f := range apart.of("AWS::Lambda::Function") {
		want := `null`
		if serves(nameOfFunction(id)) {
			want = `{"TenantIsolationMode":"PER_TENANT"}`
		}
		if got := text(f.Properties["TenancyConfig"]); got != want {
			t.Errorf("%s: %s, not %s", id, got, want)
		}
	}
	methods := 0
	for id, m := range apart.of("AWS::ApiGateway::Method") {
		methods++
		want := `{"integration.request.header.X-Amz-Tenant-Id":"context.authorizer.tenant_id"}`
		if m.Properties["AuthorizationType"] == "NONE" {
			want = `{"integration.request.header.X-Amz-Tenant-Id":"'public'"}`
		}
		if got := text(at(m.Properties["Integration"], "RequestParameters")); got != want {
			t.Errorf("%s: %s, not %s", id, got, want)
		}
	}
	if methods == 0 {
		t.Error("no method was looked at")
	}
	for id, m := range prod.of("AWS::ApiGateway::Method") {
		if at(m.Properties["Integration"], "RequestParameters") != nil {
			t.Errorf("%s maps a tenant where there is no isolation", id)
		}
	}
}

// The cache is reached by the functions alone, in a network without a way out.
func TestTheCacheIsTheFunctionsAlone(t *testing.T) {
	for id, f := range apart.of("AWS::Lambda::Function") {
		inside := f.Properties["VpcConfig"] != nil
		url := at(f.Properties, "Environment", "Variables", "NOWGO_REDIS_URL")
		if want := shares(nameOfFunction(id)); inside != want || (url != nil) != want {
			t.Errorf("%s: in the network %v, with the cache %v, want %v", id, inside, url != nil, want)
		}
		if url != nil && !strings.Contains(text(url), `"rediss://"`) {
			t.Errorf("%s: the cache is not reached by TLS: %s", id, text(url))
		}
	}
	if n := len(apart.of("AWS::ElastiCache::ServerlessCache")); n != 1 {
		t.Errorf("%d caches", n)
	}
	for _, kind := range []string{"AWS::EC2::NatGateway", "AWS::EC2::InternetGateway"} {
		if n := len(apart.of(kind)); n != 0 {
			t.Errorf("%d of %s", n, kind)
		}
	}
	rules := apart.of("AWS::EC2::SecurityGroupIngress")
	for id, r := range rules {
		if strings.Contains(id, "GroupCache") && (r.Properties["SourceSecurityGroupId"] == nil || r.Properties["CidrIp"] != nil) {
			t.Errorf("%s lets in %s", id, text(r.Properties))
		}
	}
	if len(prod.of("AWS::EC2::VPC")) != 0 {
		t.Error("a network where there is no cache")
	}
}

// Mail goes out in the environment's own name alone, and persons' secrets are sealed as persons'.
func TestOnlyWhoMayMailAndSeal(t *testing.T) {
	found := map[string]int{}
	for id, r := range apart.of("AWS::IAM::Policy") {
		for _, s := range list(at(r.Properties["PolicyDocument"], "Statement")) {
			sid, _ := at(s, "Sid").(string)
			want := map[string]string{
				"Mail":             `{"StringEquals":{"ses:FromAddress":"no-reply@nowgo.example"}}`,
				"SecretsOfPersons": `{"Null":{"kms:EncryptionContext:person_id":"false"},"StringLike":{"kms:EncryptionContext:person_id":"per_*"}}`,
			}[sid]
			if want == "" {
				continue
			}
			found[sid]++
			if got := text(at(s, "Condition")); got != want {
				t.Errorf("%s: %s under %s", id, sid, got)
			}
			if sid == "SecretsOfPersons" && !strings.Contains(id, "authentication") {
				t.Errorf("%s opens persons' secrets", id)
			}
		}
	}
	if found["Mail"] != 2 || found["SecretsOfPersons"] != 1 {
		t.Errorf("found %v", found)
	}
}
