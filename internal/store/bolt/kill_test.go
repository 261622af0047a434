package bolt

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/keys"
)

// TestKill kills a process that commits, 50 times, on one growing file. Nothing that it was told is durable may be missing.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	var all []string
	for round := range 50 {
		cmd := child(t, "write forever", path, fmt.Sprintf("round%02d", round))
		acknowledged := runUntilKilled(t, cmd, rand.N(80*time.Millisecond))
		all = append(all, acknowledged...)
		table := openTable(t, Config{Path: path, Consumers: []string{"relay"}})
		verifyItems(t, table, acknowledged)
		if round == 49 {
			t.Logf("%d acknowledged commits", len(all))
			verifyItems(t, table, all)
			verifyStream(t, table, all)
		}
		if err := table.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	if len(all) < 100 {
		t.Errorf("only %d commits were acknowledged: the test proves little", len(all))
	}
}

// runUntilKilled starts the child, kills it some time after its first acknowledgement, and returns the ids it printed.
func runUntilKilled(t *testing.T, cmd *exec.Cmd, after time.Duration) (ids []string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil { // what has no end of line was not printed whole
			break
		}
		if len(ids) == 0 {
			time.AfterFunc(after, func() {
				if err := cmd.Process.Kill(); err != nil {
					t.Errorf("kill: %v", err)
				}
			})
		}
		ids = append(ids, strings.TrimSpace(line))
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.String() != "signal: killed" {
		t.Fatalf("the child ended by itself: %v", cmd.ProcessState)
	}
	return ids
}

// verifyItems requires each commit's item, its entry in the index, and its event.
func verifyItems(t *testing.T, table *Table, ids []string) {
	t.Helper()
	for _, id := range ids {
		for _, sk := range []string{"k#" + id, keys.Event(0, id)} {
			if it, err := table.Get(t.Context(), owner, sk); err != nil || it.Version != 1 {
				t.Errorf("%s: %+v, %v", sk, it, err)
			}
		}
		page, err := table.Query(t.Context(), owner, store.Query{Index: store.ByParent, Prefix: "p#" + id, Limit: 2})
		if err != nil || len(page.Items) != 1 {
			t.Errorf("%s has %d entries in the index, %v", id, len(page.Items), err)
		}
	}
}

// verifyStream requires each commit's event in the change stream, once, and sequences without a gap.
func verifyStream(t *testing.T, table *Table, ids []string) {
	t.Helper()
	seen := map[string]int{}
	last := uint64(0)
	for {
		found, err := table.Changes(t.Context(), "relay", store.MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		for _, c := range found {
			if c.Sequence != last+1 || c.Partition != owner {
				t.Fatalf("change %d of %q after %d", c.Sequence, c.Partition, last)
			}
			last = c.Sequence
			seen[c.Item.SK]++
		}
		if err := table.Acknowledge(t.Context(), "relay", last); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		if n := seen[keys.Event(0, id)]; n != 1 {
			t.Errorf("the event of %s is %d times in the stream", id, n)
		}
	}
}
