package capacity

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/readme"
)

var update = flag.Bool("update", false, "write the table of capacity anew")

const golden = "testdata/capacity.md"

// kind says what an operation may cost.
type kind struct {
	name string
	ok   func(use) bool
}

var (
	nodata = kind{"nothing", func(u use) bool { return u == use{} }}
	byID   = kind{"one consistent read", reads(1)}
	twice  = kind{"two consistent reads", reads(2)}
	listed = kind{"one query", queries(0, 1)}
	// Whose conversation it is decides whether it is shown.
	ofOne = kind{"one consistent read, one query", queries(1, 1)}
	// The platform's list of clients is spread over 16 partitions.
	spread = kind{"16 queries", queries(0, 16)}
	// INVARIANT 2: one transaction holds the change and its event.
	change  = kind{"one transaction", func(u use) bool { return u.transactions == 1 }}
	verdict = kind{"one consistent read", reads(1)}
	turn    = kind{"at most four reads, two transactions", func(u use) bool { return u.reads() <= 4 && u.transactions == 2 }}
	// The first question that a process gets for an agent fills its caches: the configuration, the documents, their passages.
	cold   = kind{"a turn, and the agent's passages once", func(u use) bool { return u.gets+u.batches <= 4 && u.transactions == 2 }}
	search = kind{"one consistent read", reads(1)}
)

func reads(n int) func(use) bool {
	return func(u use) bool { return u.gets+u.batches == n && u.queries == 0 && u.transactions == 0 }
}

func queries(reads, queries int) func(use) bool {
	return func(u use) bool { return u.gets+u.batches == reads && u.queries == queries && u.transactions == 0 }
}

type measurement struct {
	operation string
	kind      kind
	use       use
}

func TestOperationsAskOfTheTableWhatWasPromised(t *testing.T) {
	measurements := mainJob(t)
	seen := map[string]bool{}
	for _, m := range measurements {
		id, _, _ := strings.Cut(m.operation, ",")
		seen[id] = true
		if _, ok := route.Find(id); !ok && id != "authorizer" {
			t.Errorf("%s is no operation", id)
		}
		if !m.kind.ok(m.use) {
			t.Errorf("%s may cost %s; it costs %+v", m.operation, m.kind.name, m.use)
		}
	}
	for _, o := range route.Operations() {
		if !seen[o.ID] {
			t.Errorf("%s is not measured", o.ID)
		}
	}
	table := render(measurements)
	held(t, golden, table, func([]byte) ([]byte, bool) { return table, true })
	root, err := env.Root()
	if err != nil {
		t.Fatal(err)
	}
	held(t, filepath.Join(root, "README.md"), table, func(content []byte) ([]byte, bool) { return readme.Put(content, "capacity", table) })
}

// held requires the file to be what with makes of it, or makes it so with -update. Only the README may not be there yet.
func held(t *testing.T, path string, table []byte, with func([]byte) ([]byte, bool)) {
	t.Helper()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && (*update || path != golden) {
		if path != golden {
			return
		}
		err = nil
	}
	if err != nil {
		t.Fatal(err)
	}
	want, ok := with(content)
	switch {
	case !ok:
		t.Errorf("%s has no place for the table, between <!-- capacity --> and <!-- /capacity -->", path)
	case *update:
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
	case !bytes.Equal(content, want):
		t.Errorf("%s does not have the table of now (go test ./tests/capacity -update writes it):\n%s", path, table)
	}
}

func render(measurements []measurement) []byte {
	var b bytes.Buffer
	b.WriteString("| operation | reads | read units | transactions | write units | promised |\n|---|--:|--:|--:|--:|---|\n")
	for _, m := range measurements {
		u := m.use
		fmt.Fprintf(&b, "| %s | %d | %g | %d | %g | %s |\n", m.operation, u.reads(), u.read, u.transactions, u.write, m.kind.name)
	}
	b.WriteString("\nCounted on DynamoDB Local, which charges a transaction up to twice what the service does.\n")
	return b.Bytes()
}

// job is the main job under way, and what was measured of it.
type job struct {
	t   *testing.T
	p   *platform
	all []measurement
}

// do measures one call. A process reads a client's plan every 15 seconds, with whatever request comes: here with one before it.
func (j *job) do(operation string, k kind, status int, who tenant.Principal, method, path string, body any, headers ...string) object {
	j.t.Helper()
	j.p.pass()
	if who.Client != "" {
		j.p.must(j.t, 200, who, "GET", "/v1/client", nil)
	}
	var answer object
	used := j.p.measured(func() { answer = j.p.must(j.t, status, who, method, path, body, headers...) })
	j.all = append(j.all, measurement{operation, k, used})
	return answer
}

// raw measures a call that is not answered with JSON.
func (j *job) raw(operation string, k kind, path string) {
	j.t.Helper()
	j.p.pass()
	used := j.p.measured(func() {
		w := httptest.NewRecorder()
		j.p.handler.ServeHTTP(w, httptest.NewRequestWithContext(j.t.Context(), "GET", path, http.NoBody))
		if w.Code != http.StatusOK {
			j.t.Fatalf("%s: status %d", path, w.Code)
		}
	})
	j.all = append(j.all, measurement{operation, k, used})
}

// enter measures the authorizer's verdict on a token it sees for the first time.
func (j *job) enter(operation string, token string) tenant.Principal {
	j.t.Helper()
	var who tenant.Principal
	j.p.pass()
	used := j.p.measured(func() { who = j.p.verdict(j.t, token) })
	if operation != "" {
		j.all = append(j.all, measurement{operation, verdict, used})
	}
	return who
}
