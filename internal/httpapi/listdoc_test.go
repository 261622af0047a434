package httpapi_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/nowgo/agents/internal/httpapi"
)

// A cursor can be refused, so that every list documents it.
func TestListsDocumentTheBadCursor(t *testing.T) {
	p := start(t, httpapi.RegisterMonitoring, func(a *httpapi.API) {
		// The page alone is an input too.
		httpapi.Register(a, httpapi.Op{ID: "list-clients"}, func(context.Context, *httpapi.PageQuery) (httpapi.List[book], error) {
			return httpapi.List[book]{}, nil
		}, httpapi.Body[httpapi.List[book]])
	})
	res := p.do(t, "", "GET", "/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
			Responses  map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(res.body, &doc); err != nil {
		t.Fatal(err)
	}
	lists := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for _, param := range op.Parameters {
				if param.Name != "cursor" {
					continue
				}
				lists++
				if _, ok := op.Responses["400"]; !ok {
					t.Errorf("%s %s does not document 400", method, path)
				}
			}
		}
	}
	if lists == 0 {
		t.Error("no list in the document")
	}
}
