package app_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const base = "http://nowgo.example/openapi.json"

// pointer escapes the parts of a JSON pointer in a fragment (RFC 6901 §6).
func pointer(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "%", "%25").Replace(p))
	}
	return b.String()
}

// schemas returns every schema of an OpenAPI document by its pointer: the components, those of parameters, bodies and answers,
// and all that are within these.
func schemas(document map[string]any) map[string]map[string]any {
	found := map[string]map[string]any{}
	var schema func(at string, value any)
	schema = func(at string, value any) {
		s, ok := value.(map[string]any)
		if !ok {
			return
		}
		found[at] = s
		for name, property := range object(s["properties"]) {
			schema(at+pointer("properties", name), property)
		}
		schema(at+"/items", s["items"])
		schema(at+"/additionalProperties", s["additionalProperties"])
	}
	for name, s := range object(object(document["components"])["schemas"]) {
		schema(pointer("components", "schemas", name), s)
	}
	// Outside the components a schema is the value of a `schema`, and no key of OpenAPI's own has another meaning there.
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v {
				if key == "schema" {
					schema(at+"/schema", inner)
				} else {
					walk(at+pointer(key), inner)
				}
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s/%d", at, i), inner)
			}
		}
	}
	walk("/paths", document["paths"])
	return found
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// types are a schema's types.
func types(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var all []string
		for _, name := range t {
			all = append(all, fmt.Sprint(name))
		}
		return all
	}
	return nil
}

// unfit says what keeps a caller from knowing what a value of the schema at the pointer looks like; "" where nothing does.
func unfit(at string, schema map[string]any) string {
	if _, ok := schema["$ref"]; ok {
		return ""
	}
	has := types(schema)
	if len(has) == 0 {
		return "no type"
	}
	name := at[strings.LastIndex(at, "/")+1:]
	switch {
	case slices.Contains(has, "array") && schema["items"] == nil:
		return "an array of anything"
	case slices.Contains(has, "array") && slices.Contains(has, "null") && name == "items":
		return "a list that may be null"
	case slices.Contains(has, "object") && schema["properties"] == nil && schema["additionalProperties"] == nil:
		return "an object of anything"
	case strings.HasSuffix(name, "_at") && schema["format"] != "date-time":
		return "a time without its format"
	case name == "email" && schema["format"] != "email" && !strings.Contains(at, "/SignInBody/") && !strings.Contains(at, "/ForgotBody/"): // any text may try
		return "an address without its format"
	}
	return ""
}

func TestOpenAPISchemas(t *testing.T) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPI(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(base, value); err != nil {
		t.Fatal(err)
	}
	all := schemas(object(value))
	examples := 0
	for at, schema := range all {
		if problem := unfit(at, schema); problem != "" {
			t.Errorf("%s: %s", at, problem)
		}
		compiled, err := compiler.Compile(base + "#" + at)
		if err != nil {
			t.Errorf("%s is no JSON Schema: %v", at, err)
			continue
		}
		shown, _ := schema["examples"].([]any)
		if fallback, ok := schema["default"]; ok {
			shown = append(shown, fallback)
		}
		for _, example := range shown {
			examples++
			if err := compiled.Validate(example); err != nil {
				t.Errorf("%s: its example or default %v is not one: %v", at, example, err)
			}
		}
	}
	if len(all) < 500 || examples < 40 {
		t.Errorf("looked at %d schemas and %d examples: the document has more", len(all), examples)
	}
}

func TestUnfitSchemasAreFound(t *testing.T) {
	for at, schema := range map[string]map[string]any{
		"/a/b":     {"description": "anything"},
		"/a/tags":  {"type": "array"},
		"/a/items": {"type": []any{"array", "null"}, "items": map[string]any{"type": "string"}},
		"/a/c":     {"type": "object"},
		"/a/at_at": {"type": "string"},
		"/a/email": {"type": "string"},
	} {
		if unfit(at, schema) == "" {
			t.Errorf("%s: %v passes", at, schema)
		}
	}
}
