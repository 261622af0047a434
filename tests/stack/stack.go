// Package stack deploys the whole platform to the emulator, as `make local` does, for the tests that talk to it: the real
// functions behind the emulated API Gateway, with its authorizer, table, change stream, bus and queues.
//
// It is deployed at most once per test process, to the emulator that tests/env starts for that process:
//
//	func TestMain(m *testing.M) { os.Exit(env.Main(m)) }
//
//	func TestOnTheStack(t *testing.T) { s := stack.Deploy(t); … }
package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/nowgo/agents/tests/env"
)

// name of the stack that env=local makes.
const name = "nowgo-local"

// patience is how long building and deploying may take on a machine that does other things too.
const patience = 10 * time.Minute

// Stack is the deployed platform.
type Stack struct {
	APIURL   string `json:"ApiUrl"` // without a slash at the end
	Table    string `json:"TableName"`
	Bus      string `json:"BusName"`
	Bucket   string `json:"BlobBucket"`
	Endpoint string `json:"-"` // of the emulator

	AdministratorEmail    string `json:"-"` // of the first global administrator
	AdministratorPassword string `json:"-"`

	AdministratorSecret string
}

var deployed struct {
	sync.Mutex
	stack *Stack
	err   error
}

// Deploy builds the functions and deploys them, or returns what another test has deployed. It fails the test with what the
// build or the deployment said.
func Deploy(t testing.TB) *Stack {
	t.Helper()
	endpoint := env.MiniStack(t)
	deployed.Lock()
	defer deployed.Unlock()
	if deployed.stack == nil && deployed.err == nil {
		deployed.stack, deployed.err = deploy(t.Context(), endpoint, t.TempDir())
	}
	if deployed.err != nil {
		t.Fatalf("the stack: %v", deployed.err)
	}
	return deployed.stack
}

func deploy(ctx context.Context, endpoint, out string) (*Stack, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	root, err := env.Root()
	if err != nil {
		return nil, err
	}
	if err := run(ctx, root, nil, "make", "--silent", "build", "ENV=local", "OUT="+out); err != nil {
		return nil, err
	}
	if err := run(ctx, root, []string{"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=" + env.Region, "CDK_OUT=" + out,
		"NOWGO_FUNCTIONS=" + filepath.Join(out, "functions")}, "infra/deploy", "local"); err != nil {
		return nil, err
	}
	s, err := read(filepath.Join(out, "outputs.json"))
	if err != nil {
		return nil, err
	}
	s.Endpoint = endpoint
	return s, s.readAdministrator(ctx)
}

// run runs a program at the root of the module; what it said is in the error.
func run(ctx context.Context, root string, env []string, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = root
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") { // of the make that runs the tests
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	cmd.WaitDelay = 10 * time.Second
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, said)
	}
	return nil
}

// read returns the stack's outputs as the CDK wrote them.
func read(path string) (*Stack, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var outputs map[string]*Stack
	if err := json.Unmarshal(content, &outputs); err != nil {
		return nil, fmt.Errorf("outputs: %w", err)
	}
	s := outputs[name]
	if s == nil || s.APIURL == "" || s.Table == "" || s.Bus == "" || s.Bucket == "" || s.AdministratorSecret == "" {
		return nil, fmt.Errorf("outputs: something of %s is missing: %s", name, content)
	}
	return s, nil
}

// readAdministrator learns who the first administrator is, as whoever deploys the platform does.
func (s *Stack) readAdministrator(ctx context.Context) error {
	out, err := secretsmanager.NewFromConfig(env.AWS(s.Endpoint)).GetSecretValue(ctx,
		&secretsmanager.GetSecretValueInput{SecretId: &s.AdministratorSecret})
	if err != nil {
		return err
	}
	var who struct{ Email, Password string }
	if err := json.Unmarshal([]byte(aws.ToString(out.SecretString)), &who); err != nil {
		return fmt.Errorf("administrator: %w", err)
	}
	s.AdministratorEmail, s.AdministratorPassword = who.Email, who.Password
	return nil
}
