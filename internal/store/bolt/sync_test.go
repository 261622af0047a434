package bolt

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSync proves from the system calls of a process that each acknowledgement comes after the syncs that cover it. The kill test
// cannot: what was not synced survives a killed process in the page cache.
func TestSync(t *testing.T) {
	for role, want := range map[string]bool{"write some": true, "write some without syncing": false} {
		t.Run(role, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "table.db")
			calls := trace(t, role, path)
			acknowledged, unsynced := 0, []string(nil)
			for i, c := range calls {
				if id := acknowledgement(c); id != "" {
					acknowledged++
					if err := synced(calls[:i], c.start, path, id); err != nil {
						unsynced = append(unsynced, err.Error())
					}
				}
			}
			if acknowledged != 36 {
				t.Fatalf("%d acknowledgements in the trace, want 36", acknowledged)
			}
			if want && len(unsynced) > 0 {
				t.Errorf("acknowledged before it was durable:\n%s", strings.Join(unsynced, "\n"))
			}
			if !want && len(unsynced) != acknowledged { // without this the test could be blind
				t.Errorf("of %d commits that were never synced, %d were noticed", acknowledged, len(unsynced))
			}
		})
	}
}

// systemCall is one line of the trace, or two; start and end are on one time line.
type systemCall struct {
	name, args string
	start, end int // lines of the trace; end is 0 where it did not succeed
}

// trace runs a child under strace and returns its system calls.
func trace(t *testing.T, role, path string) []systemCall {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is not installed: apt-get install strace")
	}
	cmd := child(t, role, path, "sync")
	file := filepath.Join(t.TempDir(), "trace")
	cmd.Args = append([]string{"strace", "-f", "-y", "-s", "300000", "-e", "trace=fdatasync,fsync,pwrite64,write", "-o", file, "--"},
		cmd.Path)
	var err error
	if cmd.Path, err = exec.LookPath("strace"); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := parseTrace(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return calls
}

var (
	begun   = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	resumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	result  = regexp.MustCompile(`\) += (-?\d+)[^"]*$`)
)

// parseTrace reads what strace -f -o writes: a line for each call or, where another thread came between, two.
func parseTrace(f *os.File) ([]systemCall, error) {
	var calls []systemCall
	open := map[string]int{} // thread → its unfinished call
	s := bufio.NewScanner(f)
	s.Buffer(nil, 64<<20)
	for line := 1; s.Scan(); line++ {
		text := s.Text()
		at, rest := 0, ""
		if m := resumed.FindStringSubmatch(text); m != nil {
			at, rest = open[m[1]], m[3]
		} else if m := begun.FindStringSubmatch(text); m != nil {
			at, rest = len(calls), m[3]
			calls = append(calls, systemCall{name: m[2], args: m[3], start: line})
			open[m[1]] = at
		} else {
			continue // signals and exits
		}
		if m := result.FindStringSubmatch(rest); m != nil {
			if n, err := strconv.Atoi(m[1]); err != nil {
				return nil, err
			} else if n >= 0 {
				calls[at].end = line
			}
		}
	}
	return calls, s.Err()
}

var printed = regexp.MustCompile(`^1<[^>]*>, "(sync-\d+-\d+-)\\n"`)

// acknowledgement returns the id that the call prints, if it does.
func acknowledgement(c systemCall) string {
	if m := printed.FindStringSubmatch(c.args); c.name == "write" && m != nil {
		return m[1]
	}
	return ""
}

// synced looks, among the calls that began before an acknowledgement, for the write of the item's page, a sync that began after
// it, the write of a page header that began after that, and another sync after it; each ended before the next began.
func synced(before []systemCall, now int, path, id string) error {
	data := earliest(before, 0, now, func(c systemCall) bool {
		return c.name == "pwrite64" && strings.Contains(c.args, path+">") && strings.Contains(c.args, id)
	})
	sync := earliest(before, data, now, func(c systemCall) bool { return isSync(c, path) })
	header := earliest(before, sync, now, func(c systemCall) bool { return isHeader(c, path) })
	last := earliest(before, header, now, func(c systemCall) bool { return isSync(c, path) })
	for i, at := range []int{data, sync, header, last} {
		if at < 0 {
			return fmt.Errorf("%s: %s is missing", id, []string{"its data", "the data's sync", "its header", "the header's sync"}[i])
		}
	}
	return nil
}

// earliest returns the line on which the first matching call ended that began after one line and ended before another, or -1.
func earliest(calls []systemCall, after, before int, match func(systemCall) bool) int {
	if after < 0 {
		return -1
	}
	for _, c := range calls {
		if c.start > after && c.end != 0 && c.end < before && match(c) {
			return c.end
		}
	}
	return -1
}

func isSync(c systemCall, path string) bool {
	return (c.name == "fdatasync" || c.name == "fsync") && strings.Contains(c.args, path+">")
}

var headerWrite = regexp.MustCompile(`, (0|4096|16384|65536)(\) +=| <unfinished)`)

// isHeader reports whether the call writes one of the two metas: the first or second page.
func isHeader(c systemCall, path string) bool {
	return c.name == "pwrite64" && strings.Contains(c.args, path+">") && headerWrite.MatchString(c.args) &&
		strings.Contains(c.args, `\355\332\f\355`)
}
