package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/route"
)

func TestEveryQueueWorkerHasItsRule(t *testing.T) {
	for _, w := range route.Workers() {
		if w.Trigger != route.Queue {
			continue
		}
		var want any
		if err := json.Unmarshal([]byte(w.Pattern), &want); err != nil {
			t.Fatal(err)
		}
		rule := only(t, "Rule"+w.Name)
		if d := cmp.Diff(want, rule.Properties["EventPattern"]); d != "" {
			t.Errorf("%s: %s", w.Name, d)
		}
		target := list(rule.Properties["Targets"])[0]
		if !strings.Contains(text(at(target, "Arn")), "Queue"+w.Name) ||
			!strings.Contains(text(at(target, "DeadLetterConfig", "Arn")), "DeadLetters"+w.Name) {
			t.Errorf("%s: target %s", w.Name, text(target))
		}
	}
}

// Every queue that somebody works off gives up in the end, into a queue that somebody watches.
func TestEveryQueueHasDeadLetters(t *testing.T) {
	watched := ""
	for _, a := range prod.of("AWS::CloudWatch::Alarm") {
		if a.Properties["MetricName"] == "ApproximateNumberOfMessagesVisible" {
			watched += text(a.Properties["Dimensions"])
		}
	}
	for id, q := range prod.of("AWS::SQS::Queue") {
		if strings.HasPrefix(id, "DeadLetters") {
			if !strings.Contains(watched, id) {
				t.Errorf("nobody watches %s", id)
			}
			continue
		}
		if !strings.Contains(text(at(q.Properties, "RedrivePolicy", "deadLetterTargetArn")), "DeadLetters") {
			t.Errorf("%s never gives up", id)
		}
	}
}

func TestSourcesFailMessageByMessage(t *testing.T) {
	for id, m := range prod.of("AWS::Lambda::EventSourceMapping") {
		if text(m.Properties["FunctionResponseTypes"]) != `["ReportBatchItemFailures"]` {
			t.Errorf("%s fails whole batches", id)
		}
		if !strings.Contains(id, "Stream") {
			continue
		}
		if m.Properties["BisectBatchOnFunctionError"] != true || m.Properties["MaximumRetryAttempts"] == nil ||
			!strings.Contains(text(at(m.Properties, "DestinationConfig", "OnFailure", "Destination")), "DeadLetters") {
			t.Errorf("one client's poison stalls the others: %s", text(m.Properties))
		}
		want := `[{"Pattern":"{\"eventName\":[\"INSERT\"],\"dynamodb\":{\"Keys\":{\"sk\":{\"S\":[{\"prefix\":\"event#\"}]}}}}"}]`
		if got := text(at(m.Properties, "FilterCriteria", "Filters")); !sameFilter(got, want) {
			t.Errorf("filter %s, want %s", got, want)
		}
	}
}

// sameFilter compares filters whatever the order of their keys.
func sameFilter(a, b string) bool {
	decode := func(s string) (out []any) {
		var filters []struct{ Pattern string }
		if json.Unmarshal([]byte(s), &filters) != nil {
			return nil
		}
		for _, f := range filters {
			var pattern any
			if json.Unmarshal([]byte(f.Pattern), &pattern) != nil {
				return nil
			}
			out = append(out, pattern)
		}
		return out
	}
	x, y := decode(a), decode(b)
	return len(x) > 0 && cmp.Equal(x, y)
}

func TestEveryFunctionIsWatched(t *testing.T) {
	watched := map[string]bool{}
	for _, a := range prod.of("AWS::CloudWatch::Alarm") {
		name, _ := a.Properties["MetricName"].(string)
		watched[name+text(at(list(a.Properties["Dimensions"])[0], "Value"))] = true
	}
	for id, f := range prod.of("AWS::Lambda::Function") {
		for _, metric := range []string{"Errors", "Throttles"} {
			if !watched[metric+text(map[string]any{"Ref": id})] {
				t.Errorf("nobody watches the %s of %s", metric, id)
			}
		}
		if text(f.Properties["Architectures"]) != `["arm64"]` || f.Properties["Runtime"] != "provided.al2023" {
			t.Errorf("%s runs on %s", id, text(f.Properties["Architectures"]))
		}
		if at(f.Properties, "LoggingConfig", "LogGroup") == nil {
			t.Errorf("%s has no log group of its own", id)
		}
	}
	for id, l := range prod.of("AWS::Logs::LogGroup") {
		if l.Properties["RetentionInDays"] != 90.0 {
			t.Errorf("%s keeps its logs for %v days", id, l.Properties["RetentionInDays"])
		}
	}
}

// A function is told the names of what its role reaches, and no others.
func TestEnvironmentNamesWhatTheRoleReaches(t *testing.T) {
	for _, name := range FunctionNames() {
		n := NeedsOf(name)
		var env map[string]any
		for id, f := range prod.of("AWS::Lambda::Function") {
			if strings.HasPrefix(id, "Function"+name) {
				env, _ = at(f.Properties, "Environment", "Variables").(map[string]any)
			}
		}
		for variable, want := range map[string]bool{
			"NOWGO_ENV": true, "NOWGO_TABLE": n.Clients || n.Directory != None || n.Trail, "NOWGO_PUBLIC_URL": n.Registrar,
			"NOWGO_BLOBS": n.Clients, "NOWGO_DATA_ROLE_ARN": n.Clients, "NOWGO_BUS": n.Publish,
			"NOWGO_REGISTRAR_ROLE_ARN": n.Registrar, "NOWGO_SIGNING_KEYS_SECRET": n.SigningKeys, "NOWGO_PLATFORM_SECRET": n.Platform,
			"NOWGO_ADMINISTRATOR_SECRET": n.Administrator, "NOWGO_FAILURES": name == "relay",
			"NOWGO_KMS_KEY_ARN": n.Seal || n.Prove, "NOWGO_BACKUP_DAYS": n.Backups,
		} {
			if _, ok := env[variable]; ok != want {
				t.Errorf("%s: %s is there: %v, want %v", name, variable, ok, want)
			}
		}
	}
}
