package journey

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/ndjson"
)

const (
	adminEmail    = "root@nowgo.example"
	adminPassword = "a-long-enough-first-password"
	startTime     = 30 * time.Second
	stopTime      = 30 * time.Second
)

// BuildMonolith builds the monolith into a folder of the test and returns the binary's path.
func BuildMonolith(t testing.TB) string {
	t.Helper()
	root, err := env.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "monolith")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./functions/monolith")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// Process is a running monolith.
type Process struct {
	URL  string
	Data string
	Out  string // what it printed until it was ready
	cmd  *exec.Cmd
	log  *lockedBuffer
}

// StartMonolith starts the binary on a free port over the data folder and waits until it says where it is. Vars are further
// environment variables, as NAME=value; without NOWGO_RATE_SHARE=1 nobody meets a rate.
func StartMonolith(t testing.TB, binary, folder string, vars ...string) *Process {
	t.Helper()
	p := &Process{Data: folder, log: &lockedBuffer{}}
	p.cmd = exec.Command(binary)
	p.cmd.Env = append(os.Environ(), append([]string{"NOWGO_ADDR=127.0.0.1:0", "NOWGO_DATA=" + folder,
		"NOWGO_ADMIN_EMAIL=" + adminEmail, "NOWGO_ADMIN_PASSWORD=" + adminPassword,
		"NOWGO_RATE_SHARE=1000"}, vars...)...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	timeout := time.After(startTime)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatalf("the monolith ended before it was ready: %s", p.log)
			}
			p.Out += line + "\n"
			if url, found := strings.CutPrefix(strings.TrimSpace(line), "API "); found {
				p.URL = strings.TrimSpace(url)
			}
			if strings.HasPrefix(strings.TrimSpace(line), "3. ") {
				go func() { // the pipe must not fill up
					for range lines {
					}
				}()
				return p
			}
		case <-timeout:
			t.Fatalf("the monolith was not ready in %s: %s", startTime, p.log)
		}
	}
}

// Stop sends SIGTERM and returns the exit status.
func (p *Process) Stop(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(stopTime):
		t.Fatalf("the monolith did not end in %s: %s", stopTime, p.log)
		return -1
	}
}

// Log is what it has written on standard error so far.
func (p *Process) Log() string { return p.log.String() }

func (p *Process) kill() {
	if p.cmd.ProcessState == nil {
		// Both errors mean that it has ended already.
		if err := p.cmd.Process.Kill(); err == nil {
			if err := p.cmd.Wait(); err != nil {
				return
			}
		}
	}
}

// Deployment is the running monolith as the journey sees it.
func (p *Process) Deployment() Deployment {
	return Deployment{URL: p.URL, AdminEmail: adminEmail, AdminPassword: adminPassword,
		Archived: func(_ context.Context, client string) ([]json.RawMessage, error) {
			return archivedInFolder(filepath.Join(p.Data, "blobs", client, "events"))
		}}
}

func archivedInFolder(folder string) ([]json.RawMessage, error) {
	var out []json.RawMessage
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".ndjson.gz") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		bodies, err := ndjson.Read(bytes.NewReader(content))
		out = append(out, bodies...)
		return err
	})
	return out, err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
