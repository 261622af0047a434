package app_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/app"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/testkit"
)

var update = flag.Bool("update", false, "write testdata/openapi.json anew")

const golden = "testdata/openapi.json"

// openAPI returns the document of the whole platform.
func openAPI(t *testing.T) []byte {
	t.Helper()
	k := testkit.New(t)
	a, err := app.New(app.Ports{Table: k.Table, Blobs: k.Blobs, Cache: memory.New(k.System, 1<<20, 16),
		Meter: memory.NewMeter(k.System, 16), Secret: make([]byte, 32),
		System: k.System, Log: slog.New(slog.DiscardHandler), PublicURL: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	api, err := a.API(app.All()...)
	if err != nil {
		t.Fatal(err)
	}
	document, err := api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// What callers can see does not change unseen: a change of the API shows as a change of the committed document.
func TestOpenAPIIsTheCommittedOne(t *testing.T) {
	got := openAPI(t)
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the API is not what %s says (-committed +now); where that is meant: go test ./internal/app -update\n%s", golden,
			cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
}

type operation struct {
	Method, Path string
	ID           string `json:"operationId"`
	Summary      string
	Tags         []string
	Responses    map[string]struct {
		Content map[string]any
	}
}

// operations returns the document's operations by id.
func operations(t *testing.T, document []byte) map[string]operation {
	t.Helper()
	var d struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	all := map[string]operation{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			op.Method, op.Path = strings.ToUpper(method), path
			if _, twice := all[op.ID]; twice {
				t.Errorf("two operations are %q", op.ID)
			}
			all[op.ID] = op
		}
	}
	return all
}

func TestOpenAPIHoldsTheTableOfRoutesAndNothingElse(t *testing.T) {
	documented := operations(t, openAPI(t))
	for _, row := range route.Operations() {
		op, ok := documented[row.ID]
		if !ok {
			t.Errorf("%s is not documented", row.ID)
			continue
		}
		delete(documented, row.ID)
		if op.Method != row.Method || op.Path != row.Path || !slices.Equal(op.Tags, []string{string(row.Capability)}) {
			t.Errorf("%s is documented as %s %s of %v", row.ID, op.Method, op.Path, op.Tags)
		}
	}
	for id := range documented {
		t.Errorf("%s is documented but no route", id)
	}
}

func TestOpenAPISaysWhatEachOperationDoesAndHowItFails(t *testing.T) {
	for id, op := range operations(t, openAPI(t)) {
		if strings.TrimSpace(op.Summary) == "" {
			t.Errorf("%s has no summary", id)
		}
		succeeds := false
		for status, response := range op.Responses {
			code, err := strconv.Atoi(status)
			if err != nil {
				t.Errorf("%s answers %q", id, status)
				continue
			}
			succeeds = succeeds || code < http.StatusBadRequest
			types := slices.Collect(maps.Keys(response.Content))
			if code >= http.StatusBadRequest && !slices.Equal(types, []string{"application/problem+json"}) {
				t.Errorf("%s: %d is %v, not a problem", id, code, types)
			}
		}
		if !succeeds {
			t.Errorf("%s documents no success", id)
		}
	}
}
