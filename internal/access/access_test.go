package access_test

import (
	"flag"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/access"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

func newDecider(t testing.TB) *access.Decider {
	t.Helper()
	d, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// INVARIANT 7: an operation without a row in the policies is denied to everybody; there is none such.
func TestEveryOperationHasAPolicyAndEveryPolicyAnOperation(t *testing.T) {
	d := newDecider(t)
	for _, op := range route.Operations() {
		if !d.Covered(op.ID) {
			t.Errorf("no permit names %s", op.ID)
		}
	}
	if unknown := d.Unknown(); len(unknown) > 0 {
		t.Errorf("policies name operations that do not exist: %v", unknown)
	}
}

func TestPublicOperationsAreThoseThatAnybodyMayDo(t *testing.T) {
	d := newDecider(t)
	for _, op := range route.Operations() {
		if got := d.GrantOf("", op.ID) == access.Yes; got != op.Public {
			t.Errorf("%s: nobody may do it: %v, public: %v", op.ID, got, op.Public)
		}
	}
}

func TestDenyByDefault(t *testing.T) {
	d := newDecider(t)
	admin := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.ClientAdmin}
	own := access.Resource{Client: "cli_a"}
	cases := map[string]struct {
		p         tenant.Principal
		operation string
		r         access.Resource
	}{
		"an operation that does not exist":     {admin, "drop-tables", own},
		"an empty operation":                   {admin, "", own},
		"a role that does not exist":           {tenant.Principal{Client: "cli_a", User: "usr_1", Role: "root"}, "get-agent", own},
		"a user without a role":                {tenant.Principal{Client: "cli_a", User: "usr_1"}, "get-me", own},
		"a role without a user":                {tenant.Principal{Client: "cli_a", Role: tenant.ClientAdmin}, "get-agent", own},
		"nobody":                               {tenant.Principal{}, "get-agent", access.Resource{}},
		"another client's resource":            {admin, "get-agent", access.Resource{Client: "cli_b"}},
		"a platform resource":                  {admin, "get-agent", access.Resource{}},
		"a resource type that nobody heard of": {admin, "create-client", access.Resource{Type: "Moon", Client: "cli_a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := d.Decide(c.p, c.operation, c.r); got.Allow {
				t.Errorf("allowed by %v", got.Policies)
			}
		})
	}
}

func TestConversationsBelongToSomebody(t *testing.T) {
	d := newDecider(t)
	const allow, deny = true, false
	cases := []struct {
		name      string
		role      tenant.Role
		operation string
		owner     string
		want      bool
	}{
		{"a user reads their own", tenant.StandardUser, "get-conversation", "usr_1", allow},
		{"a user does not read another's", tenant.StandardUser, "get-conversation", "usr_2", deny},
		{"a user does not read nobody's", tenant.StandardUser, "list-messages", "", deny},
		{"a user does not close another's", tenant.StandardUser, "close-conversation", "usr_2", deny},
		{"a user does not list everybody's", tenant.StandardUser, "list-conversations", "", deny},
		{"a user does not list another's", tenant.StandardUser, "list-conversations", "usr_2", deny},
		{"a user lists their own", tenant.StandardUser, "list-conversations", "usr_1", allow},
		{"a manager lists everybody's", tenant.AgentManager, "list-conversations", "", allow},
		{"a manager reads another's", tenant.AgentManager, "list-messages", "usr_2", allow},
		{"a manager closes another's", tenant.AgentManager, "close-conversation", "usr_2", allow},
		{"a manager does not speak for another", tenant.AgentManager, "send-message", "usr_2", deny},
		{"an administrator does not speak for another", tenant.ClientAdmin, "send-message", "usr_2", deny},
		{"a manager speaks for themselves", tenant.AgentManager, "send-message", "usr_1", allow},
		{"nobody speaks where nobody owns", tenant.ClientAdmin, "send-message", "", deny},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: c.role}
			got := d.Decide(p, c.operation, access.Resource{Type: "Conversation", Client: "cli_a", Owner: c.owner})
			if got.Allow != c.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDecisionNamesItsPolicies(t *testing.T) {
	d := newDecider(t)
	p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.StandardUser}
	if got := d.Decide(p, "get-agent", access.Resource{Client: "cli_a"}); !slices.Equal(got.Policies, []string{"agents-read"}) {
		t.Errorf("allowed by %v", got.Policies)
	}
	if got := d.Decide(p, "get-agent", access.Resource{Client: "cli_b"}); !slices.Equal(got.Policies, []string{"own-client-only"}) {
		t.Errorf("denied by %v", got.Policies)
	}
}

func TestConcurrentDecisionsAgree(t *testing.T) {
	d := newDecider(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, op := range route.Operations() {
				d.GrantOf(tenant.AgentManager, op.ID)
			}
		})
	}
	wg.Wait()
	if got := d.GrantOf(tenant.AgentManager, "generate-agent"); got != access.Yes {
		t.Errorf("got %s", got)
	}
}

// The golden is the table of the README.
func TestMarkdown(t *testing.T) {
	const file = "testdata/matrix.md"
	got := newDecider(t).Markdown()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the matrix has changed; run the test with -rewrite and read the difference:\n%s", got)
	}
}

func BenchmarkDecide(b *testing.B) {
	d := newDecider(b)
	p := tenant.Principal{Client: "cli_a", User: "usr_1", Role: tenant.StandardUser}
	b.ReportAllocs()
	for b.Loop() {
		d.Decide(p, "get-agent", access.Resource{Client: "cli_a"})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		newDecider(b)
	}
}
