package isolation

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// operation is one of the OpenAPI document.
type operation struct {
	id, method, path string
	variables        []string
	queries          []string
	headers          []string
	body             bool
}

type openAPI []operation

func (o operation) takesHeader(name string) bool { return slices.Contains(o.headers, name) }
func (o operation) takesQuery(name string) bool  { return slices.Contains(o.queries, name) }

// document reads the deployment's own OpenAPI document.
func (w *world) document(t testing.TB) {
	t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			ID         string `json:"operationId"`
			Parameters []struct {
				Name string `json:"name"`
				In   string `json:"in"`
			} `json:"parameters"`
			RequestBody json.RawMessage `json:"requestBody"`
		} `json:"paths"`
	}
	decode(t, w.must(t, "", "GET", "/openapi.json", nil), &d)
	for path, methods := range d.Paths {
		for method, m := range methods {
			o := operation{id: m.ID, method: strings.ToUpper(method), path: path, body: len(m.RequestBody) > 0}
			for _, p := range m.Parameters {
				switch p.In {
				case "path":
					o.variables = append(o.variables, p.Name)
				case "query":
					o.queries = append(o.queries, p.Name)
				case "header":
					o.headers = append(o.headers, p.Name)
				}
			}
			w.documents = append(w.documents, o)
		}
	}
	slices.SortFunc(w.documents, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	if len(w.documents) == 0 {
		t.Fatal("the document has no operation")
	}
}

func decode(t testing.TB, a answer, v any) {
	t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		t.Fatalf("%.300s: %v", a.raw, err)
	}
}
