package bench

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/env"
	"github.com/nowgo/agents/tests/readme"
)

// row is a line of the table.
type row struct{ what, ours, theirs, ratio, target, met string }

var report struct {
	sync.Mutex
	rows []row
}

// note adds a measurement to the table. The target is a bound on the ratio: at least it, or at most.
func note(b *testing.B, what, ours, theirs string, ratio float64, target string, met bool) {
	b.Helper()
	answer := "yes"
	if !met {
		answer = "NO"
	}
	report.Lock()
	defer report.Unlock()
	report.rows = append(report.rows, row{what, ours, theirs, fmt.Sprintf("%.2f", ratio), target, answer})
}

var update = flag.Bool("update", false, "put the table into the README as well")

func TestMain(m *testing.M) {
	flag.Parse()
	code := env.Main(m)
	if len(report.rows) > 0 {
		var table bytes.Buffer
		printReport(&table)
		fmt.Printf("\n%s\n", &table)
		if err := publish(table.Bytes()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// publish puts the table into the README, if that is asked for.
func publish(table []byte) error {
	root, err := env.Root()
	if err != nil || !*update {
		return err
	}
	path := filepath.Join(root, "README.md")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content, ok := readme.Put(content, "bench", table)
	if !ok {
		return errors.New("the README has no place for the table, between <!-- bench --> and <!-- /bench -->")
	}
	return os.WriteFile(path, content, 0o600)
}

func printReport(w io.Writer) {
	table := append([]row{{"what", "ours", "theirs", "ratio", "target", "met"}}, report.rows...)
	cells := func(r row) []string { return []string{r.what, r.ours, r.theirs, r.ratio, r.target, r.met} }
	width := make([]int, 6)
	for _, r := range table {
		for i, c := range cells(r) {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	fmt.Fprintf(w, "%s %s, %d processors, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for n, r := range table {
		for i, c := range cells(r) {
			fmt.Fprintf(w, "| %s%s ", c, strings.Repeat(" ", width[i]-len([]rune(c))))
		}
		fmt.Fprintln(w, "|")
		if n == 0 {
			for _, wide := range width {
				fmt.Fprintf(w, "|%s", strings.Repeat("-", wide+2))
			}
			fmt.Fprintln(w, "|")
		}
	}
}

// median and quantile are of a copy of what they are given, which must not be empty.
func median[T float64 | time.Duration](of []T) T { return quantile(of, 0.5) }

func quantile[T float64 | time.Duration](of []T, q float64) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
