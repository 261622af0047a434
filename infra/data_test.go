package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/store/dynamo"
)

// The table that is deployed is the one that the adapter's tests run on.
func TestTableIsTheAdapters(t *testing.T) {
	schema, err := json.Marshal(dynamo.TableSchema("nowgo-prod"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(schema, &want); err != nil {
		t.Fatal(err)
	}
	got := only(t, "TableCD117FA1").Properties
	byName := func(v any) []string {
		var names []string
		for _, entry := range list(v) {
			names = append(names, text(entry))
		}
		slices.Sort(names)
		return names
	}
	for _, field := range []string{"KeySchema", "AttributeDefinitions", "BillingMode"} {
		if d := cmp.Diff(byName(want[field]), byName(got[field])); d != "" {
			t.Errorf("%s: %s", field, d)
		}
	}
	index := func(v any) map[string]string {
		found := map[string]string{}
		for _, i := range list(v) {
			found[at(i, "IndexName").(string)] = text(at(i, "KeySchema")) + text(byName(at(i, "Projection", "NonKeyAttributes")))
		}
		return found
	}
	if d := cmp.Diff(index(want["GlobalSecondaryIndexes"]), index(got["GlobalSecondaryIndexes"])); d != "" {
		t.Errorf("indexes: %s", d)
	}
	if at(got["StreamSpecification"], "StreamViewType") != at(want["StreamSpecification"], "StreamViewType") {
		t.Errorf("stream: %s", text(got["StreamSpecification"]))
	}
	if text(got["TimeToLiveSpecification"]) != `{"AttributeName":"expires_at","Enabled":true}` {
		t.Errorf("time to live: %s", text(got["TimeToLiveSpecification"]))
	}
}

func TestDataIsProtectedOutsideLocal(t *testing.T) {
	table := only(t, "TableCD117FA1")
	if text(at(table.Properties, "PointInTimeRecoverySpecification")) != `{"PointInTimeRecoveryEnabled":true}` ||
		table.Properties["DeletionProtectionEnabled"] != true || at(table.Properties, "SSESpecification", "SSEType") != "KMS" {
		t.Errorf("the table: %s", text(table.Properties))
	}
	bucket := only(t, "BlobsF0F01DC6")
	if text(bucket.Properties["VersioningConfiguration"]) != `{"Status":"Enabled"}` ||
		text(bucket.Properties["PublicAccessBlockConfiguration"]) !=
			`{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true}` ||
		!strings.Contains(text(bucket.Properties["BucketEncryption"]), `"SSEAlgorithm":"aws:kms"`) {
		t.Errorf("the bucket: %s", text(bucket.Properties))
	}
	for id, r := range prod.Resources {
		switch r.Type {
		case "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup":
			if r.DeletionPolicy != "Retain" {
				t.Errorf("%s goes with the stack", id)
			}
			if l := local.Resources[id]; l.DeletionPolicy != "Delete" {
				t.Errorf("%s stays behind in the emulator: %q", id, l.DeletionPolicy)
			}
		}
	}
}

// Who is in the way of TLS is refused.
func TestPlainTransportIsDenied(t *testing.T) {
	denied := map[string]bool{}
	for _, kind := range []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"} {
		for _, p := range prod.of(kind) {
			for _, s := range list(at(p.Properties["PolicyDocument"], "Statement")) {
				if at(s, "Effect") == "Deny" && text(at(s, "Condition")) == `{"Bool":{"aws:SecureTransport":"false"}}` {
					for _, q := range append(list(p.Properties["Queues"]), p.Properties["Bucket"]) {
						denied[text(q)] = true
					}
				}
			}
		}
	}
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::SQS::Queue"} {
		for id := range prod.of(kind) {
			if !denied[text(map[string]any{"Ref": id})] {
				t.Errorf("%s may be asked without TLS", id)
			}
		}
	}
}

func TestSecretsAreGeneratedAndEncrypted(t *testing.T) {
	secrets := prod.of("AWS::SecretsManager::Secret")
	if len(secrets) != 3 {
		t.Errorf("%d secrets", len(secrets))
	}
	for id, s := range secrets {
		length, ok := at(s.Properties, "GenerateSecretString", "PasswordLength").(float64)
		if !ok || length < 24 || s.Properties["SecretString"] != nil || s.Properties["KmsKeyId"] == nil {
			t.Errorf("%s: %s", id, text(s.Properties))
		}
	}
}

// Env=local uses nothing that the free emulators lack.
func TestLocalUsesOnlyWhatTheEmulatorHas(t *testing.T) {
	services := []string{"ApiGateway", "Lambda", "DynamoDB", "Events", "Scheduler", "SQS", "S3", "KMS", "SecretsManager", "SSM", "IAM", "STS",
		"CloudWatch", "Logs", "SES"}
	for id, r := range local.Resources {
		if parts := strings.Split(r.Type, "::"); len(parts) != 3 || parts[0] != "AWS" || !slices.Contains(services, parts[1]) {
			t.Errorf("%s is a %s", id, r.Type)
		}
	}
	if n := len(local.of("AWS::Events::Archive")); n != 0 {
		t.Errorf("%d archives, which the emulator's CloudFormation does not have", n)
	}
}
