package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/env"
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

func TestMain(m *testing.M) {
	code := env.Main(m)
	if len(report.rows) > 0 {
		printReport(os.Stdout)
	}
	os.Exit(code)
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
	fmt.Fprintf(w, "\n%s %s, %d processors, %s\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
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
	fmt.Fprintln(w)
}

// median and quantile are of a copy of what they are given, which must not be empty.
func median[T float64 | time.Duration](of []T) T { return quantile(of, 0.5) }

func quantile[T float64 | time.Duration](of []T, q float64) T {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
