package eventtest_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/events/eventtest"
	"github.com/nowgo/agents/events/schemas"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/route"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func object(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(content, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestSamples holds that every type's sample meets its schema, is exactly what its Go struct and the audit body write, names an
// operation that exists, and is of the type it is named for.
func TestSamples(t *testing.T) {
	for _, name := range events.Types() {
		t.Run(name, func(t *testing.T) {
			content := sample(t, name)
			if err := eventtest.Validate(content); err != nil {
				t.Fatal(err)
			}
			var body audit.Body
			if err := json.Unmarshal(content, &body); err != nil {
				t.Fatal(err)
			}
			written, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(object(t, written), object(t, content)) {
				t.Errorf("the audit body writes %s", written)
			}
			if _, ok := route.Find(body.Action); !ok && body.Action != "" {
				t.Errorf("there is no operation %s", body.Action)
			}
			if body.Type != name {
				t.Errorf("the sample is of type %s", body.Type)
			}
		})
	}
}

// TestEveryTypeHasBoth holds that each type has a schema and a sample, and that there are none of a type that is not.
func TestEveryTypeHasBoth(t *testing.T) {
	types := slices.Clone(events.Types())
	slices.Sort(types)
	if compact := slices.Compact(slices.Clone(types)); len(compact) != len(types) {
		t.Error("a type is in the catalog twice")
	}
	for folder, besides := range map[string][]string{"schemas": {"body"}, "testdata": nil} {
		files, err := filepath.Glob(filepath.Join("..", folder, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, file := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
		}
		want := append(slices.Clone(types), besides...)
		slices.Sort(want)
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("%s has %v, want %v", folder, names, want)
		}
	}
}

// TestDamageIsRefused holds, for every type, that a body with a field more, one less, or one of another type is refused.
func TestDamageIsRefused(t *testing.T) {
	for _, name := range events.Types() {
		t.Run(name, func(t *testing.T) {
			optional := map[string]bool{"client_id": true, "request_id": true, "private_commitment": true, "analysis_id": true, "languages": true,
				"fields": name == events.TypeConfigurationDrafted, "previous_version": name == events.TypeAgentPublished,
				"plan": name == events.TypeClientUpdated}
			optional["languages"] = name == events.TypeDocumentAdded
			body := object(t, sample(t, name))
			refused(t, body, "a field more", func(o map[string]any) { o["email"] = "ana@example.com" })
			for field := range body {
				refused(t, body, "another type of "+field, func(o map[string]any) { o[field] = []any{map[string]any{}} })
				if !optional[field] {
					refused(t, body, "without "+field, func(o map[string]any) { delete(o, field) })
				}
			}
			change, ok := body["change"].(map[string]any)
			if !ok {
				t.Fatal("no change")
			}
			within := func(damage func(map[string]any)) func(map[string]any) {
				return func(o map[string]any) {
					c := maps.Clone(change)
					damage(c)
					o["change"] = c
				}
			}
			refused(t, body, "a field more in the change", within(func(c map[string]any) { c["name"] = "Ana" }))
			for field := range change {
				refused(t, body, "another type of change."+field, within(func(c map[string]any) { c[field] = []any{map[string]any{}} }))
				if !optional[field] {
					refused(t, body, "without change."+field, within(func(c map[string]any) { delete(c, field) }))
				}
			}
		})
	}
}

func refused(t *testing.T, body map[string]any, what string, damage func(map[string]any)) {
	t.Helper()
	o := maps.Clone(body)
	damage(o)
	content, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if eventtest.Validate(content) == nil {
		t.Errorf("%s: accepted %s", what, content)
	}
}

func TestUnknownType(t *testing.T) {
	if err := eventtest.Validate([]byte(`{"type":"agent.dreamt"}`)); !errors.Is(err, eventtest.ErrUnknownType) {
		t.Errorf("got %v", err)
	}
	if _, err := events.Decode("agent.dreamt", []byte(`{}`)); err == nil {
		t.Error("decoded a type that is not")
	}
	if _, err := events.Decode(events.TypeAgentPublished, []byte(`{"published_version":"1"}`)); err == nil {
		t.Error("decoded a version that is a text")
	}
}

// TestNoTextIsFree holds that schemas are closed and leave no text without an enumeration or a pattern (invariant 4: what is
// personal has no place in what is published).
func TestNoTextIsFree(t *testing.T) {
	for _, name := range append([]string{"body"}, events.Types()...) {
		content, err := schemas.Files.ReadFile(name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		checkClosed(t, name, object(t, content))
	}
}

func checkClosed(t *testing.T, where string, schema map[string]any) {
	t.Helper()
	if schema["type"] == "string" && schema["enum"] == nil && schema["pattern"] == nil {
		t.Errorf("%s: a text without an enumeration or a pattern", where)
	}
	if schema["type"] == "object" && schema["additionalProperties"] != false && where != "body.change" {
		t.Errorf("%s: an object that is open", where)
	}
	properties, _ := schema["properties"].(map[string]any)
	for name, inner := range properties {
		if o, ok := inner.(map[string]any); ok {
			checkClosed(t, where+"."+name, o)
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		checkClosed(t, where+"[]", items)
	}
}
