package access_test

import (
	"maps"
	"testing"
	"testing/fstest"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

func files(text string) fstest.MapFS {
	return fstest.MapFS{"policies/x.cedar": {Data: []byte(text)}}
}

var admin = tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.ClientAdmin}

// Cedar passes over a policy that it cannot evaluate. A forbid that is passed over must not become a permission.
func TestAPolicyThatFailsDenies(t *testing.T) {
	const permit = `@id("p") permit (principal, action == Action::"get-agent", resource);`
	for name, c := range map[string]struct {
		policy string
		want   bool
	}{
		"nothing fails":              {permit, true},
		"a forbid fails":             {permit + `@id("f") forbid (principal, action == Action::"get-agent", resource) when { resource.colour == "red" };`, false},
		"a permit fails":             {permit + `@id("f") permit (principal, action == Action::"get-agent", resource) when { principal.shoes > 3 };`, false},
		"a general forbid fails":     {permit + `@id("f") forbid (principal, action, resource) when { context.weather };`, false},
		"another operation's fails":  {permit + `@id("f") forbid (principal, action == Action::"get-me", resource) when { context.weather };`, true},
		"nothing permits":            {`@id("f") forbid (principal, action == Action::"get-agent", resource) when { false };`, false},
		"permitted and forbidden":    {permit + `@id("f") forbid (principal, action == Action::"get-agent", resource);`, false},
		"only a general one permits": {`@id("p") permit (principal, action, resource);`, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := access.From(files(c.policy))
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Decide(admin, "get-agent", access.Resource{Client: "cli_a"}); got.Allow != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestBrokenPoliciesAreNotLoaded(t *testing.T) {
	for name, policy := range map[string]string{
		"a syntax error":          `permit (principal, action, resource`,
		"no id":                   `permit (principal, action == Action::"get-agent", resource);`,
		"an id twice":             `@id("p") permit (principal, action, resource); @id("p") forbid (principal, action, resource);`,
		"an action of some type":  `@id("p") permit (principal, action == User::"get-agent", resource);`,
		"actions of another type": `@id("p") permit (principal, action in [Action::"get-agent", User::"x"], resource);`,
	} {
		if _, err := access.From(files(policy)); err == nil {
			t.Errorf("%s is loaded", name)
		}
	}
}

// everything is every policy, as Cedar takes it.
func everything(t *testing.T) *cedar.PolicySet {
	t.Helper()
	all := cedar.NewPolicySet()
	entries, err := access.Files.ReadDir("policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := access.Files.ReadFile("policies/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		list, err := cedar.NewPolicyListFromBytes(e.Name(), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			all.Add(cedar.PolicyID(p.Annotations()["id"]), p)
		}
	}
	return all
}

// Only the policies that can apply to an operation are evaluated, and the answer is that of all of them together.
func TestOnlyWhatCanApplyIsEvaluated(t *testing.T) {
	d, all := newDecider(t), everything(t)
	total := len(maps.Collect(all.All()))
	most := 0
	for _, op := range route.Operations() {
		asked := map[cedar.PolicyID]bool{}
		for _, id := range d.Policies(op.ID) {
			asked[id] = true
		}
		most = max(most, len(asked))
		people := unlike()
		for _, role := range tenant.Roles() {
			people[string(role)] = tenant.Principal{Client: "cli_a", User: "usr_1", Role: role}
		}
		people["nobody"] = tenant.Principal{}
		for name, p := range people {
			for _, r := range []access.Resource{{Client: "cli_a"}, {Client: "cli_b"},
				{Type: d.Kind(op.ID), ID: "agt_1", Client: "cli_a", Agent: "agt_1", Profile: "pro_1"}} {
				entities, request, ok := d.Request(p, op.ID, r)
				if !ok {
					t.Fatalf("%s: no question", op.ID)
				}
				verdict, why := cedar.Authorize(all, entities, request)
				if got := d.Decide(p, op.ID, r); got.Allow != (verdict == cedar.Allow) || len(why.Errors) > 0 {
					t.Errorf("%s: %s on %+v: %+v, by all policies %v %v", name, op.ID, r, got, verdict, why)
				}
				for _, reason := range why.Reasons {
					if !asked[reason.PolicyID] {
						t.Errorf("%s: %s decides and is not asked", op.ID, reason.PolicyID)
					}
				}
			}
		}
	}
	if most*2 > total {
		t.Errorf("%d of %d policies are evaluated for one operation", most, total)
	}
}

// Whoever asks why is told in their language, of every policy there is.
func TestEveryPolicyIsDescribed(t *testing.T) {
	for id, p := range everything(t).All() {
		for _, name := range []string{"description", "descricao"} {
			if len(p.Annotations()[types.AnnotationKey(name)]) < 10 {
				t.Errorf("%s has no @%s", id, name)
			}
		}
	}
}
