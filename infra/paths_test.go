package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nowgo/agents/internal/route"
)

func TestResources(t *testing.T) {
	const a, b = route.Capability("a"), route.Capability("b")
	op := func(line string, c route.Capability) route.Operation {
		method, path, _ := strings.Cut(line, " ")
		return route.Operation{ID: line, Method: method, Path: path, Capability: c}
	}
	public := func(line string, c route.Capability) route.Operation {
		o := op(line, c)
		o.Public = true
		return o
	}
	cases := []struct {
		name       string
		operations []route.Operation
		want       []string
	}{
		{"one capability takes all below its path",
			[]route.Operation{op("GET /v1/x", a), op("POST /v1/x", a), op("GET /v1/x/{id}", a), op("POST /v1/x/{id}/do", a)},
			[]string{"/{proxy+} ANY a"}},
		{"two capabilities side by side have a greedy resource each",
			[]route.Operation{op("GET /v1/x", a), op("GET /v1/x/{id}", a), op("GET /v1/y", b)},
			[]string{"/v1/x ANY a", "/v1/x/{proxy+} ANY a", "/v1/y ANY b"}},
		{"another capability below a variable leaves no room for a greedy resource beside the variable",
			[]route.Operation{op("GET /x", a), op("GET /x/import", a), op("GET /x/{id}", a), op("GET /x/{id}/y", b),
				op("GET /x/{id}/z", a), op("GET /w", b)},
			[]string{"/w ANY b", "/x ANY a", "/x/import ANY a", "/x/{id} ANY a", "/x/{id}/y ANY b", "/x/{id}/{proxy+} ANY a"}},
		{"a public operation stands beside the greedy resource",
			[]route.Operation{public("POST /auth/in", a), op("POST /auth/out", a), op("GET /w", b)},
			[]string{"/auth/in ANY a public", "/auth/{proxy+} ANY a", "/w ANY b"}},
		{"a public method of a path does not open the others",
			[]route.Operation{public("GET /x", a), op("POST /x", a), op("GET /w", b)},
			[]string{"/w ANY b", "/x GET a public, ANY a"}},
		{"two capabilities on one path have a method each",
			[]route.Operation{op("GET /x", a), op("POST /x", b)},
			[]string{"/x GET a, POST b"}},
		{"a public variable path is not covered by a greedy resource",
			[]route.Operation{op("GET /x", a), public("GET /x/{id}", a), op("GET /x/y", a), op("GET /w", b)},
			[]string{"/w ANY b", "/x ANY a", "/x/y ANY a", "/x/{id} ANY a public"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Resources(c.operations)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range got {
				lines = append(lines, line(r))
			}
			if d := cmp.Diff(c.want, lines); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestResourcesRefusesWhatTheGatewayCannotHold(t *testing.T) {
	for name, operations := range map[string][]route.Operation{
		"one variable under two names": {{Method: "GET", Path: "/x/{id}"}, {Method: "GET", Path: "/x/{name}/y"}},
		"one operation twice":          {{Method: "GET", Path: "/x"}, {Method: "GET", Path: "/x"}},
	} {
		if got, err := Resources(operations); err == nil {
			t.Errorf("%s: no error, but %v", name, got)
		}
	}
}

// Every operation of the platform reaches its own capability, and asks the authorizer unless it is public.
func TestResourcesOfThePlatform(t *testing.T) {
	resources, err := Resources(route.Operations())
	if err != nil {
		t.Fatal(err)
	}
	if len(resources) > 60 {
		t.Errorf("%d resources: the gateway takes 300, and the functions' policies less", len(resources))
	}
	variables := map[string]string{}
	for _, r := range resources {
		parts := strings.Split(r.Path, "/")
		for i, part := range parts {
			parent := strings.Join(parts[:i], "/")
			if strings.HasPrefix(part, "{") {
				if other := variables[parent]; other != "" && other != part {
					t.Errorf("%s has two variable children: %s and %s", parent, part, other)
				}
				variables[parent] = part
			}
		}
	}
	for _, o := range route.Operations() {
		got, ok := reach(resources, o.Method, o.Path)
		if !ok || got.Capability != o.Capability || got.Public != o.Public {
			t.Errorf("%s %s reaches %+v (%v), want %s, public %v", o.Method, o.Path, got, ok, o.Capability, o.Public)
		}
	}
}

// reach finds the method that API Gateway would choose: part by part a literal before a variable before a greedy one.
func reach(resources []Resource, verb, path string) (Method, bool) {
	best, bestRank := Resource{}, ""
	for _, r := range resources {
		if rank, ok := match(r.Path, path); ok && rank > bestRank {
			best, bestRank = r, rank
		}
	}
	for _, m := range best.Methods {
		if m.Verb == verb {
			return m, true
		}
	}
	for _, m := range best.Methods {
		if m.Verb == Any {
			return m, true
		}
	}
	return Method{}, false
}

// match reports whether a resource takes a path, with a rank in which a literal part weighs more than a variable one.
func match(resource, path string) (rank string, ok bool) {
	want, have := strings.Split(resource, "/"), strings.Split(path, "/")
	for i, part := range want {
		switch {
		case i >= len(have):
			return "", false
		case part == Greedy:
			return rank + "1", true
		case strings.HasPrefix(part, "{"):
			rank += "2"
		case part == have[i]:
			rank += "3"
		default:
			return "", false
		}
	}
	return rank, len(want) == len(have)
}

func line(r Resource) string {
	var methods []string
	for _, m := range r.Methods {
		s := fmt.Sprintf("%s %s", m.Verb, m.Capability)
		if m.Public {
			s += " public"
		}
		methods = append(methods, s)
	}
	return r.Path + " " + strings.Join(methods, ", ")
}
