package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

// template is what CloudFormation is given, as JSON decodes it.
type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

type resource struct {
	Type           string
	Properties     map[string]any
	DependsOn      any
	DeletionPolicy string
}

// of returns the resources of a type, by their ids.
func (t template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// prod and local are synthesized once for all tests of the package, and apart, which is staging with everything switched on.
var prod, local, apart template

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer jsii.Close()
	functions, err := os.MkdirTemp("", "functions")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(functions)
	for _, name := range FunctionNames() {
		if err := os.Mkdir(filepath.Join(functions, name), 0o700); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(functions, name, "bootstrap"), []byte(name), 0o700); err != nil {
			panic(err)
		}
	}
	prod, local = synthesize("prod", functions), synthesize("local", functions)
	apart = synthesize("staging", functions, "NOWGO_REDIS", on, "NOWGO_TENANT_ISOLATION", on, "NOWGO_MAIL_FROM", "no-reply@nowgo.example")
	return m.Run()
}

func synthesize(env, functions string, vars ...string) template {
	known := map[string]string{"NOWGO_ADMIN_EMAIL": "ana@nowgo.example", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566/",
		"NOWGO_PUBLIC_URL": "https://nowgo.example"}
	for i := 0; i+1 < len(vars); i += 2 {
		known[vars[i]] = vars[i+1]
	}
	settings, err := SettingsOf(env, func(name string) string { return known[name] })
	if err != nil {
		panic(err)
	}
	settings.Functions = functions
	p, err := NewPlatform(awscdk.NewApp(nil), settings)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(assertions.Template_FromStack(p.stack, nil).ToJSON())
	if err != nil {
		panic(err)
	}
	var t template
	if err := json.Unmarshal(text, &t); err != nil {
		panic(err)
	}
	return t
}

// list returns a value that CloudFormation takes alone or as a list, as a list.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

// at walks down the keys of nested objects; nil where one is missing.
func at(v any, keys ...string) any {
	for _, k := range keys {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[k]
	}
	return v
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
