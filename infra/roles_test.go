package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// grant is an allowing statement of a policy, and whose policy it is.
type grant struct {
	of        string // resource id
	statement map[string]any
}

// grants lists every allowing statement of a template: of roles, of policies attached to them, of queues, buckets and keys.
func grants(t template) []grant {
	var found []grant
	add := func(id string, document any) {
		for _, s := range list(at(document, "Statement")) {
			if at(s, "Effect") == "Allow" {
				found = append(found, grant{id, s.(map[string]any)})
			}
		}
	}
	for id, r := range t.Resources {
		add(id, r.Properties["PolicyDocument"])
		add(id, r.Properties["KeyPolicy"])
		add(id, r.Properties["AssumeRolePolicyDocument"])
		for _, policy := range list(r.Properties["Policies"]) {
			add(id, at(policy, "PolicyDocument"))
		}
	}
	return found
}

func TestNothingIsAllowedByStar(t *testing.T) {
	for _, template := range []template{prod, local, apart} {
		seen := 0
		for _, g := range grants(template) {
			seen++
			if template.Resources[g.of].Type == "AWS::KMS::Key" {
				// A key's own policy: its resource is always the key, and without the account's root nobody could manage it.
				continue
			}
			for _, action := range list(g.statement["Action"]) {
				if strings.Contains(action.(string), "*") {
					t.Errorf("%s allows the action %s", g.of, action)
				}
			}
			for _, resource := range list(g.statement["Resource"]) {
				// These actions know no resource.
				if sid := g.statement["Sid"]; resource == "*" && text(g.statement["Action"]) != `"dynamodb:ListStreams"` && sid != "NetworkInterfaces" {
					t.Errorf("%s allows %s on every resource", g.of, text(g.statement["Action"]))
				}
			}
			if g.statement["NotAction"] != nil || g.statement["NotResource"] != nil || at(g.statement["Principal"], "AWS") == "*" {
				t.Errorf("%s allows what is not named: %s", g.of, text(g.statement))
			}
		}
		if seen < 2*len(FunctionNames()) {
			t.Errorf("only %d statements were looked at", seen)
		}
	}
}

func TestEveryFunctionHasARoleOfItsOwn(t *testing.T) {
	roles := map[string]string{}
	for id, f := range prod.of("AWS::Lambda::Function") {
		role := text(f.Properties["Role"])
		if other, ok := roles[role]; ok {
			t.Errorf("%s and %s share a role", id, other)
		}
		roles[role] = id
	}
	if len(roles) != len(FunctionNames()) {
		t.Errorf("%d functions, want %d", len(roles), len(FunctionNames()))
	}
	for id, r := range prod.of("AWS::IAM::Role") {
		if r.Properties["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies: %s", id, text(r.Properties["ManagedPolicyArns"]))
		}
	}
}

// The text of the policy that keeps clients apart, to the letter.
func TestDataRoleReachesOneClientAlone(t *testing.T) {
	role := only(t, "DataRole")
	document := at(list(role.Properties["Policies"])[0], "PolicyDocument")
	got := list(at(document, "Statement"))
	table := `{"Fn::GetAtt":["TableCD117FA1","Arn"]}`
	want := []string{
		`{"Action":["dynamodb:BatchGetItem","dynamodb:GetItem","dynamodb:Query","dynamodb:ConditionCheckItem","dynamodb:DeleteItem",` +
			`"dynamodb:PutItem","dynamodb:UpdateItem"],` +
			`"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${aws:PrincipalTag/client_id}"]},"Null":{"dynamodb:LeadingKeys":"false"}},` +
			`"Effect":"Allow","Resource":[` + table + `,{"Fn::Join":["",[` + table + `,"/index/by_actor"]]},{"Fn::Join":["",[` + table +
			`,"/index/by_parent"]]}],"Sid":"OneClient"}`,
		`{"Action":["s3:DeleteObject","s3:GetObject","s3:PutObject"],"Effect":"Allow",` +
			`"Resource":{"Fn::Join":["",[{"Fn::GetAtt":["BlobsF0F01DC6","Arn"]},"/${aws:PrincipalTag/client_id}/*"]]},"Sid":"FilesOfOneClient"}`,
		`{"Action":"s3:ListBucket","Condition":{"StringLike":{"s3:prefix":"${aws:PrincipalTag/client_id}/*"}},"Effect":"Allow",` +
			`"Resource":{"Fn::GetAtt":["BlobsF0F01DC6","Arn"]},"Sid":"ListOfOneClientsFiles"}`,
		`{"Action":["kms:Decrypt","kms:GenerateDataKey"],"Condition":{"Null":{"kms:EncryptionContext:client_id":"false"},` +
			`"StringEquals":{"kms:EncryptionContext:client_id":"${aws:PrincipalTag/client_id}"}},"Effect":"Allow",` +
			`"Resource":{"Fn::GetAtt":["Key961B73FD","Arn"]},"Sid":"SecretsOfOneClient"}`,
	}
	for i, w := range want {
		if d := cmp.Diff(w, text(got[i])); d != "" {
			t.Error(d)
		}
	}
	if len(got) != len(want)+1 || at(got[len(want)], "Sid") != "UseOfKey" {
		t.Errorf("the role has other statements: %s", text(got))
	}
}

// Sessions of the data role are tagged with a client, and with nothing else; a platform partition is no client.
func TestDataRoleIsTakenOnForAClient(t *testing.T) {
	for _, name := range []string{"DataRole", "RegistrarRole"} {
		trust := list(at(only(t, name).Properties["AssumeRolePolicyDocument"], "Statement"))
		want := `{"ForAllValues:StringEquals":{"aws:TagKeys":["client_id"]},"Null":{"aws:RequestTag/client_id":"false"},` +
			`"StringLike":{"aws:RequestTag/client_id":["cli_*","platform"]}}`
		if len(trust) != 1 || text(at(trust[0], "Condition")) != want {
			t.Errorf("%s is taken on under %s", name, text(trust))
		}
		if got := text(at(trust[0], "Action")); got != `["sts:AssumeRole","sts:TagSession"]` {
			t.Errorf("%s: %s", name, got)
		}
		var want2 []string
		for _, f := range FunctionNames() {
			if n := NeedsOf(f); name == "DataRole" && n.Clients || name == "RegistrarRole" && n.Registrar {
				want2 = append(want2, "Role"+f)
			}
		}
		var who []string
		for _, arn := range list(at(trust[0], "Principal", "AWS")) {
			id := fmt.Sprint(list(at(arn, "Fn::GetAtt"))[0])
			who = append(who, id[:len(id)-8])
		}
		slices.Sort(want2)
		slices.Sort(who)
		if d := cmp.Diff(want2, who); d != "" {
			t.Errorf("%s is taken on by %s", name, d)
		}
	}
}

// A function's own role reaches the table only for the directory, or the change stream.
func TestOwnRolesReachOnlyTheDirectory(t *testing.T) {
	want := `{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["$login#*","$apikey#*","$clients#*","$platform#*","$trail#*"]},"Null":{"dynamodb:LeadingKeys":"false"}}`
	for id, r := range prod.of("AWS::IAM::Policy") {
		for _, s := range list(at(r.Properties["PolicyDocument"], "Statement")) {
			if !strings.Contains(text(at(s, "Action")), "dynamodb:") {
				continue
			}
			switch at(s, "Sid") {
			case "Directory":
				if got := text(at(s, "Condition")); got != want {
					t.Errorf("%s: the directory under %s", id, got)
				}
			case "PlatformTrail":
				trail := `{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["$trail#*"]},"Null":{"dynamodb:LeadingKeys":"false"}}`
				if got := text(at(s, "Condition")); got != trail || text(at(s, "Action")) != `"dynamodb:PutItem"` {
					t.Errorf("%s: the platform's trail: %s", id, text(s))
				}
			case "Stream", "Streams":
				if !strings.Contains(id, "relay") {
					t.Errorf("%s reads the change stream", id)
				}
			default:
				t.Errorf("%s reaches the table: %s", id, text(s))
			}
		}
	}
}

// The keeper of the signing keys alone replaces them, and nothing else of what is secret.
func TestOnlyTheKeeperRotatesKeys(t *testing.T) {
	found := 0
	for id, r := range prod.of("AWS::IAM::Policy") {
		for _, s := range list(at(r.Properties["PolicyDocument"], "Statement")) {
			if !strings.Contains(text(at(s, "Action")), "secretsmanager:Put") {
				continue
			}
			found++
			if got := text(at(s, "Action")); !strings.Contains(id, "keykeeper") || text(at(s, "Resource")) != `{"Ref":"SigningKeys"}` ||
				got != `["secretsmanager:PutSecretValue","secretsmanager:UpdateSecretVersionStage"]` {
				t.Errorf("%s: %s", id, text(s))
			}
		}
	}
	if found != 1 {
		t.Errorf("%d statements, want 1", found)
	}
}

// only returns the resource whose id begins with the name.
func only(t *testing.T, name string) resource {
	t.Helper()
	for id, r := range prod.Resources {
		if id == name {
			return r
		}
	}
	t.Fatalf("there is no %s", name)
	return resource{}
}
