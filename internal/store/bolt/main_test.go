package bolt

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/nowgo/agents/internal/store/storetest"
)

// TestMain plays a child process where a test started one.
func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := runChild(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestTable(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Fixture {
		clock := storetest.NewClock()
		return storetest.Fixture{Table: openTable(t, Config{System: clock.System()}), Clock: clock}
	})
}

// openTable opens a table that the test closes. What the configuration lacks is filled in: a new file, a clock, no sweeps.
func openTable(t testing.TB, cfg Config) *Table {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "table.db")
	}
	if cfg.System.Now == nil {
		cfg.System = storetest.NewClock().System()
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = -1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	table, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return table
}
