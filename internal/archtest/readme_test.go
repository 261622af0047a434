package archtest

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/access"
)

var update = flag.Bool("update", false, "write the generated parts of the README anew")

// The README's tables are what the code says: the matrix of the policies, the counts of tests/capacity.
func TestReadmeShowsWhatIs(t *testing.T) {
	const path = "../../README.md"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	capacity, err := os.ReadFile("../../tests/capacity/testdata/capacity.md")
	if err != nil {
		t.Fatal(err)
	}
	decider, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	for marker, want := range map[string]string{"matrix": decider.Markdown(), "capacity": string(capacity)} {
		before, rest, found := strings.Cut(readme, "<!-- "+marker+" -->\n")
		got, after, closed := strings.Cut(rest, "<!-- /"+marker+" -->")
		if !found || !closed {
			t.Fatalf("the README has no place for %s", marker)
		}
		if *update {
			readme = before + "<!-- " + marker + " -->\n" + want + "<!-- /" + marker + " -->" + after
		} else if got != want {
			t.Errorf("the README's %s is not what it is now: go test ./internal/archtest -update", marker)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(readme), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
