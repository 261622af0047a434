// Package env starts the servers that tests talk to, DynamoDB Local and MiniStack, from the tools that `make setup` fetched
// into the folder .tools at the root of the module (or into the folder that NOWGO_TOOLS names).
//
// Each server is started at most once per test process, on a free port of 127.0.0.1, keeps everything in memory and ends
// with the process:
//
//	func TestMain(m *testing.M) { os.Exit(env.Main(m)) }
//
//	func TestTable(t *testing.T) {
//		api := dynamodb.NewFromConfig(env.AWS(env.DynamoDBLocal(t)))
//
// [Redis] is started anew for each test that asks, since those stop it.
//
// A tool that is missing fails the test, with what to do; nothing is skipped.
package env

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is the region that the servers are asked in.
const Region = "us-east-1"

// AWS returns a configuration for clients of the server at the endpoint. S3 clients need UsePathStyle besides.
func AWS(endpoint string) aws.Config {
	return aws.Config{Region: Region, BaseEndpoint: aws.String(endpoint), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// Main runs the tests of a package and then stops what they started. It returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if err := stopAll(); err != nil {
		fmt.Fprintln(os.Stderr, "tests/env:", err)
		return max(code, 1)
	}
	return code
}

var (
	dynamoDBLocal = &server{name: "DynamoDB Local", health: "/", command: func(tools, port string) (command, error) {
		folder := filepath.Join(tools, "dynamodb-local")
		if jars, err := filepath.Glob(filepath.Join(folder, "DynamoDBLocal*.jar")); err != nil || len(jars) == 0 {
			return command{}, errors.Join(fmt.Errorf("no DynamoDBLocal.jar in %s", folder), err)
		}
		return command{path: "java", args: []string{"-Xmx768m", "-XX:TieredStopAtLevel=1", "-Djava.library.path=" + folder,
			"-cp", filepath.Join(folder, "*"), "com.amazonaws.services.dynamodbv2.local.main.ServerRunner",
			"-inMemory", "-sharedDb", "-disableTelemetry", "-port", port}}, nil
	}}
	miniStack = &server{name: "MiniStack", health: "/_ministack/health", command: func(tools, port string) (command, error) {
		path := filepath.Join(tools, "venv", "bin", "ministack")
		if _, err := os.Stat(path); err != nil {
			return command{}, err
		}
		// The functions that it runs inherit AWS_ENDPOINT_URL. The listeners on fixed ports are off, so that several can run.
		return command{path: path, env: []string{"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + port, "AWS_ENDPOINT_URL=http://localhost:" + port,
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=" + Region,
			"IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0"}}, nil
	}}
)

// DynamoDBLocal returns the endpoint of a running DynamoDB Local, such as http://127.0.0.1:40001.
func DynamoDBLocal(t testing.TB) string {
	t.Helper()
	return dynamoDBLocal.endpoint(t)
}

// MiniStack returns the endpoint of a running MiniStack. All packages of a test process share it: name things apart.
func MiniStack(t testing.TB) string {
	t.Helper()
	return miniStack.endpoint(t)
}

var running struct {
	sync.Mutex
	stop []func() error
}

func stopAll() error {
	running.Lock()
	defer running.Unlock()
	var errs []error
	for _, stop := range running.stop {
		errs = append(errs, stop())
	}
	running.stop = nil
	return errors.Join(errs...)
}

// Tools returns the folder of the fetched tools.
func Tools() (string, error) {
	if dir := os.Getenv("NOWGO_TOOLS"); dir != "" {
		return dir, nil
	}
	root, err := Root()
	return filepath.Join(root, ".tools"), err
}

// Root returns the root of the module: the nearest folder above the working one that holds a go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working folder")
		}
		dir = parent
	}
}
