package env_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

func TestServersAnswerOnOneEndpointEach(t *testing.T) {
	for name, start := range map[string]func(testing.TB) string{"DynamoDB Local": env.DynamoDBLocal, "MiniStack": env.MiniStack} {
		t.Run(name, func(t *testing.T) {
			endpoint := start(t)
			if again := start(t); again != endpoint {
				t.Errorf("started twice: %s and %s", endpoint, again)
			}
			if !strings.HasPrefix(endpoint, "http://127.0.0.1:") {
				t.Errorf("not on the loopback address: %s", endpoint)
			}
			api := dynamodb.NewFromConfig(env.AWS(endpoint))
			if _, err := api.ListTables(t.Context(), &dynamodb.ListTablesInput{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// refusal is a test that only notes why it was failed.
type refusal struct {
	testing.TB
	why string
}

func (r *refusal) Helper() {}

func (r *refusal) Fatalf(format string, args ...any) {
	r.why = fmt.Sprintf(format, args...)
	panic(r)
}

func TestAMissingToolSaysWhatToDo(t *testing.T) {
	t.Setenv("NOWGO_TOOLS", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	starts := env.Unstarted()
	starts["Redis"] = func(t testing.TB) string { return env.Redis(t).URL() }
	for name, start := range starts {
		r := &refusal{TB: t}
		func() {
			defer func() {
				if p := recover(); p != nil && p != any(r) {
					panic(p)
				}
			}()
			start(r)
		}()
		if !strings.Contains(r.why, "make setup") {
			t.Errorf("%s without its tool: %q", name, r.why)
		}
	}
}
