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
	// Where one is read to find the other, or both are in different partitions.
	twice  = kind{"two consistent reads", reads(2)}
	thrice = kind{"three consistent reads", reads(3)}
	listed = kind{"one query", queries(0, 1)}
	// Whose conversation it is, or whether there is such a user, decides whether it is shown.
	ofOne = kind{"one consistent read, one query", queries(1, 1)}
	// A search walks through names and through addresses, whose users are read beside them.
	found = kind{"two queries, one consistent read", queries(1, 2)}
	// The platform's list of clients is spread over 16 partitions.
	spread = kind{"at most 16 queries", func(u use) bool { return u.queries <= 16 && queries(0, u.queries)(u) }}
	// INVARIANT 2: one transaction holds the change and its event.
	change = kind{"one transaction", transactions(1)}
	turn   = kind{"at most four reads, two transactions", func(u use) bool { return u.reads() <= 4 && u.transactions == 2 }}
	// The first question that a process gets for an agent fills its caches: the configuration, the documents, their passages.
	cold = kind{"a turn, and the agent's passages once", func(u use) bool { return u.gets+u.batches <= 4 && u.transactions == 2 }}
	// The client's administrators are told by mail, and how that went is recorded.
	told = kind{"two transactions", transactions(2)}
	// Once an hour it is written down that a key was used.
	noted = kind{"one consistent read, one transaction", func(u use) bool { return u.gets+u.batches == 1 && u.queries == 0 && u.transactions == 1 }}
	// A process finds out once where a key is, and it is the key's first use.
	placed = kind{"two consistent reads, one transaction", func(u use) bool { return u.gets+u.batches == 2 && u.queries == 0 && u.transactions == 1 }}
)

// ending is the promise of what puts a person out: sessions are found by a query for each client, and end in transactions of their own,
// of 40 sessions at most, after the change that keeps the person out. Here n clients have some.
func ending(n int) kind {
	return kind{"one transaction, and one for each client with sessions", transactions(1 + n)}
}

func transactions(n int) func(use) bool { return func(u use) bool { return u.transactions == n } }

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
	measurements := mainJob(t, newPlatform(t, "capacity"))
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

// others is how many clients more there are where costs are looked at again: more than the platform's list has partitions, and
// than a page of it has entries.
const others = 30

func TestNoOperationsCostGrowsWithTheNumberOfClients(t *testing.T) {
	few, crowd := newPlatform(t, "few"), newPlatform(t, "crowd")
	crowd.populate(t, others)
	alone, among := mainJob(t, few), mainJob(t, crowd)
	if len(alone) != len(among) {
		t.Fatalf("%d measurements, and %d among many clients", len(alone), len(among))
	}
	for i, m := range among {
		before := alone[i]
		if m.operation != before.operation {
			t.Fatalf("%s is measured in the place of %s", m.operation, before.operation)
		}
		if m.operation == "list-clients" { // which has more to show, and ends sooner
			if !m.kind.ok(m.use) || m.use.queries > before.use.queries {
				t.Errorf("%s: %+v among many clients, %+v else", m.operation, m.use, before.use)
			}
			continue
		}
		if m.use != before.use {
			t.Errorf("%s: %+v among many clients, %+v else", m.operation, m.use, before.use)
		}
	}
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
	b.WriteString("| operation | reads | read units | transactions | rows written | promised |\n|---|--:|--:|--:|--:|---|\n")
	for _, m := range measurements {
		u := m.use
		fmt.Fprintf(&b, "| %s | %d | %g | %d | %d | %s |\n", m.operation, u.reads(), u.read, u.transactions, u.rows, m.kind.name)
	}
	b.WriteString("\nRows written are those of the transactions, with the event's and those that are only checked: two write units for each kilobyte\n" +
		"that a row begins, and more for each index that shows it.\n")
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
		j.p.must(j.t, 200, tenant.Principal{Client: who.Client, User: "usr_any", Role: tenant.ClientAdmin, Session: "ses_any"}, "GET", "/v1/client", nil)
	}
	return j.first(operation, k, status, who, method, path, body, headers...)
}

// first is do without a request before it.
func (j *job) first(operation string, k kind, status int, who tenant.Principal, method, path string, body any, headers ...string) object {
	j.t.Helper()
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

// enter measures the authorizer's verdict on a credential; without an operation it only asks for it.
func (j *job) enter(operation string, k kind, token string) tenant.Principal {
	j.t.Helper()
	var who tenant.Principal
	j.p.pass()
	used := j.p.measured(func() { who = j.p.verdict(j.t, token) })
	if operation != "" {
		j.all = append(j.all, measurement{operation, k, used})
	}
	return who
}
