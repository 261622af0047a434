package access_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

const schemaFile = "policies/schema.cedarschema"

func loadSchema(t *testing.T) *resolved.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s schema.Schema
	s.SetFilename(schemaFile)
	if err := s.UnmarshalCedar(text); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// validPolicies is the validator of Cedar's library, and what it does not look at: that the members of an enumeration exist.
func validPolicies(s *resolved.Schema, text string) error {
	v := validate.New(s)
	list, err := cedar.NewPolicyListFromBytes("", []byte(text))
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := v.Policy(string(p.Annotations()["id"]), (*ast.Policy)(p.AST())); err != nil {
			return err
		}
		raw, err := p.MarshalJSON()
		if err != nil {
			return err
		}
		var tree any
		if err := json.Unmarshal(raw, &tree); err != nil {
			return err
		}
		if err := members(s, tree); err != nil {
			return err
		}
	}
	return nil
}

func members(s *resolved.Schema, tree any) error {
	var children []any
	switch node := tree.(type) {
	case []any:
		children = node
	case map[string]any:
		kind, _ := node["type"].(string)
		id, _ := node["id"].(string)
		if enum, ok := s.Enums[types.EntityType(kind)]; ok && !slices.Contains(enum.Values, types.NewEntityUID(types.EntityType(kind), types.String(id))) {
			return fmt.Errorf("%s is no %s", id, kind)
		}
		children = slices.Collect(maps.Values(node))
	}
	for _, child := range children {
		if err := members(s, child); err != nil {
			return err
		}
	}
	return nil
}

func TestPoliciesAreValid(t *testing.T) {
	s := loadSchema(t)
	entries, err := access.Files.ReadDir("policies")
	if err != nil || len(entries) < 10 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		text, err := access.Files.ReadFile("policies/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := validPolicies(s, string(text)); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
}

// What the schema is for: each of these parses, and would never permit or forbid what it seems to.
func TestTheSchemaFindsMistakes(t *testing.T) {
	s := loadSchema(t)
	for name, policy := range map[string]string{
		"a typo in an attribute":            `permit (principal is User, action == Action::"get-agent", resource) when { principal.restrcted };`,
		"a typo in a resource's attribute":  `forbid (principal is User, action == Action::"get-agent", resource is Agent) when { resource.profle == "x" };`,
		"a typo in the context":             `permit (principal is User, action == Action::"get-agent", resource) when { context.inscope };`,
		"an attribute that may be absent":   `permit (principal is User, action == Action::"get-agent", resource) when { principal.within.contains("x") };`,
		"an unknown action":                 `permit (principal is User, action == Action::"get-agnet", resource);`,
		"an unknown action in a condition":  `permit (principal is User, action, resource) when { action == Action::"get-agnet" };`,
		"an unknown role":                   `permit (principal in Role::"client_admn", action == Action::"get-agent", resource);`,
		"an unknown role in a condition":    `permit (principal is User, action == Action::"get-agent", resource) when { principal in Role::"client_admn" };`,
		"an unknown type":                   `permit (principal is Usr, action == Action::"get-agent", resource);`,
		"a type that it is never upon":      `permit (principal is User, action == Action::"get-agent", resource is Conversation);`,
		"a principal that never comes":      `permit (principal is Anonymous, action == Action::"get-agent", resource);`,
		"another type of value":             `permit (principal is User, action == Action::"get-agent", resource) when { principal.client == true };`,
		"nobody's attribute":                `permit (principal, action == Action::"sign-in", resource) when { principal.restricted };`,
		"an attribute of some of its types": `permit (principal is User, action == Action::"get-agent", resource) when { resource.agent == "x" };`,
	} {
		if err := validPolicies(s, `@id("x")`+policy); err == nil {
			t.Errorf("%s is not found", name)
		}
	}
	if err := validPolicies(s, `@id("x") permit (principal is User, action == Action::"get-agent", resource is Agent) when { resource.agent == "x" };`); err != nil {
		t.Errorf("without a mistake: %v", err)
	}
}

// The schema, internal/route and the decider agree on what there is.
func TestTheSchemaKnowsEveryOperation(t *testing.T) {
	s, d := loadSchema(t), newDecider(t)
	known := map[string]bool{}
	for _, op := range route.Operations() {
		known[op.ID] = true
		action, ok := s.Actions[types.NewEntityUID("Action", types.String(op.ID))]
		if !ok || action.AppliesTo == nil {
			t.Errorf("%s has no action %q", schemaFile, op.ID)
			continue
		}
		if got := slices.Contains(action.AppliesTo.Principals, "Anonymous"); got != op.Public {
			t.Errorf("%s: nobody may ask: %v, public: %v", op.ID, got, op.Public)
		}
		want := []types.EntityType{"Client"}
		if kind := d.Kind(op.ID); kind != "Client" {
			want = append(want, types.EntityType(kind))
		}
		if !slices.Equal(action.AppliesTo.Resources, want) {
			t.Errorf("%s is upon %v by the schema, %v by the decider", op.ID, action.AppliesTo.Resources, want)
		}
	}
	for action := range s.Actions {
		if !known[string(action.ID)] {
			t.Errorf("%s has an action %q that is no operation", schemaFile, action.ID)
		}
	}
	var roles []string
	for _, id := range s.Enums["Role"].Values {
		roles = append(roles, string(id.ID))
	}
	for _, role := range tenant.Roles() {
		if !slices.Contains(roles, string(role)) || len(roles) != len(tenant.Roles()) {
			t.Errorf("roles %s, without %s", strings.Join(roles, ", "), role)
		}
	}
}

// What policies were validated against is what they are asked with.
func TestQuestionsKeepToTheSchema(t *testing.T) {
	s, d := loadSchema(t), newDecider(t)
	v := validate.New(s)
	people := unlike()
	for _, role := range tenant.Roles() {
		people[string(role)] = tenant.Principal{Client: "cli_a", User: "usr_1", Role: role}
	}
	for name, p := range people {
		for _, op := range route.Operations() {
			if _, ok := s.Actions[types.NewEntityUID("Action", types.String(op.ID))]; !ok {
				continue // TestTheSchemaKnowsEveryOperation says so
			}
			things := []access.Resource{{Client: "cli_a"}, {}}
			switch kind := d.Kind(op.ID); kind {
			case "Profile":
				things = append(things, access.Resource{Type: kind, ID: "pro_1", Client: "cli_a"})
			case "Agent":
				things = append(things, access.Resource{Type: kind, ID: "agt_1", Profile: "pro_1", Client: "cli_b"})
			case "Conversation":
				things = append(things, access.Resource{Type: kind, ID: "cnv_1", Agent: "agt_2", Profile: "pro_1", Client: "cli_a"},
					access.Resource{Type: kind, Agent: "agt_2", Profile: "pro_1", Client: "cli_a", Owner: "usr_1"})
			}
			for _, r := range things {
				entities, request, ok := d.Request(p, op.ID, r)
				if !ok {
					t.Fatalf("%s: %s: no question about %+v", name, op.ID, r)
				}
				if err := v.Entities(entities); err != nil {
					t.Errorf("%s: %s: %v", name, op.ID, err)
				}
				if err := v.Request(request); err != nil {
					t.Errorf("%s: %s: %v", name, op.ID, err)
				}
			}
		}
	}
}
