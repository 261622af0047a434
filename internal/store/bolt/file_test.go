package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/storetest"
)

// tryOpen opens the file and closes it again.
func tryOpen(t *testing.T, cfg Config) error {
	t.Helper()
	cfg.System, cfg.SweepEvery = storetest.NewClock().System(), -1
	table, err := Open(t.Context(), cfg)
	if err != nil {
		return err
	}
	return table.Close()
}

// filled returns the bytes of a table with some hundred items.
func filled(t testing.TB) []byte {
	t.Helper()
	table := openTable(t, Config{})
	for i := range 100 {
		if err := commitOne(table, owner, fmt.Sprintf("%03d", i)); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := table.Backup(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// boltFile returns the bytes of a bbolt file that fill made.
func boltFile(t *testing.T, fill func(tx *bbolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bolt")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenRefuses(t *testing.T) {
	good := filled(t)
	changed := func(change func(b []byte)) []byte {
		b := bytes.Clone(good)
		change(b)
		return b
	}
	format := func(value []byte) []byte {
		return boltFile(t, func(tx *bbolt.Tx) error {
			return errors.Join(layOut(tx), tx.Bucket(meta).Put(formatKey, value))
		})
	}
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"an empty file":                 {nil, ErrCorrupt},
		"a text":                        {[]byte("client_id,name\n1,Loja Azul\n"), ErrForeign},
		"zeros":                         {make([]byte, 1<<16), ErrForeign},
		"another program's bbolt":       {boltFile(t, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("etcd")); return err }), ErrForeign},
		"a bbolt file with nothing":     {boltFile(t, func(*bbolt.Tx) error { return nil }), ErrForeign},
		"a newer format":                {format([]byte{0, 0, 0, 9}), ErrNewer},
		"no format":                     {format(nil), ErrCorrupt},
		"format 0":                      {format([]byte{0, 0, 0, 0}), ErrCorrupt},
		"cut within the first page":     {good[:1000], ErrCorrupt},
		"cut behind the first pages":    {good[:3*4096], ErrCorrupt},
		"cut at its end":                {good[:len(good)-1], ErrCorrupt},
		"both headers bent":             {changed(func(b []byte) { b[16+20]++; b[4096+16+20]++ }), ErrCorrupt},
		"a bucket missing":              {boltFile(t, func(tx *bbolt.Tx) error { return errors.Join(layOut(tx), tx.DeleteBucket(items)) }), ErrCorrupt},
		"everything but headers zeroed": {changed(func(b []byte) { clear(b[2*4096:]) }), ErrCorrupt},
		"pages in each other's place":   {changed(func(b []byte) { copy(b[2*4096:], bytes.Repeat(b[len(b)-4096:], len(b)/4096-2)) }), ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "table.db")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tryOpen(t, Config{Path: path}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, c.file) {
				t.Errorf("the file was changed: %d bytes of %d, %v", len(now), len(c.file), err)
			}
			if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
				t.Errorf("something was left beside it: %v, %v", left, err)
			}
		})
	}
	t.Run("a folder", func(t *testing.T) {
		if err := tryOpen(t, Config{Path: t.TempDir()}); err == nil {
			t.Error("it opened")
		}
	})
	t.Run("a folder that is not there", func(t *testing.T) {
		if err := tryOpen(t, Config{Path: filepath.Join(t.TempDir(), "no", "table.db")}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

// TestOpenSurvivesOneHeader: a crash in the middle of writing a header leaves the other.
func TestOpenSurvivesOneHeader(t *testing.T) {
	for page := range 2 {
		b := filled(t)
		clear(b[page*4096 : page*4096+100])
		path := filepath.Join(t.TempDir(), "table.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		verifyItems(t, openTable(t, Config{Path: path}), []string{"000", "099"})
	}
}

// TestDamagedPages damages a file at random places: there may be errors of the right kind, and nothing worse.
func TestDamagedPages(t *testing.T) {
	good := filled(t)
	r := rand.New(rand.NewPCG(2026, 11))
	for range 60 {
		b := bytes.Clone(good)
		at := 2*4096 + r.IntN(len(b)-2*4096-64)
		for i := range 1 + r.IntN(64) {
			b[at+i] = byte(r.Uint32())
		}
		path := filepath.Join(t.TempDir(), "table.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := useAll(t, path); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrForeign) {
			t.Errorf("damaged at %d: %v", at, err)
		}
	}
}

// useAll opens the file and calls everything once. An item that is read must be whole.
func useAll(t *testing.T, path string) error {
	table, err := Open(t.Context(), Config{Path: path, System: storetest.NewClock().System(), SweepEvery: -1,
		Consumers: []string{"relay"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var errs []error
	for i := range 100 {
		id := fmt.Sprintf("%03d", i)
		it, err := table.Get(t.Context(), owner, "k#"+id)
		if err == nil && string(it.Summary) != `"`+id+`"` {
			errs = append(errs, fmt.Errorf("k#%s reads %s", id, it.Summary))
		}
		if !errors.Is(err, store.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	_, err = table.Query(t.Context(), owner, store.Query{Index: store.ByParent, Prefix: "p#", Limit: 1000})
	_, err2 := table.Changes(t.Context(), "relay", 1000)
	errs = append(errs, err, err2, table.Sweep(t.Context()), table.Backup(t.Context(), io.Discard), commitOne(table, owner, "new"),
		table.Close())
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
	}
	return nil
}

func TestOpenWhileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	cmd := child(t, "hold", path, "")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("open\n"))); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, Config{Path: path}); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	if err := tryOpen(t, Config{Path: path}); err != nil {
		t.Errorf("after the other process ended: %v", err)
	}
}

func TestNewFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "table.db")
	openTable(t, Config{Path: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside the table: %v, %v", left, err)
	}
}

func TestBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, filled(t), 0o600); err != nil {
		t.Fatal(err)
	}
	table := openTable(t, Config{Path: path, Consumers: []string{"relay"}})
	verifyItems(t, table, []string{"000", "050", "099"})
	verifyStream(t, table, []string{"000", "050", "099"})

	ctx, cancel := context.WithCancel(t.Context())
	if err := table.Backup(ctx, writerFunc(func(b []byte) (int, error) { cancel(); return len(b), nil })); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	broken := errors.New("pipe")
	if err := table.Backup(t.Context(), writerFunc(func([]byte) (int, error) { return 0, broken })); !errors.Is(err, broken) {
		t.Errorf("a pipe that broke: got %v", err)
	}
	// Commits go on while a backup is stuck.
	stuck := writerFunc(func(b []byte) (int, error) {
		if err := commitOne(table, owner, fmt.Sprint("meanwhile", len(b))); err != nil && !errors.As(err, new(*store.ConditionError)) {
			return 0, err
		}
		return len(b), nil
	})
	if err := table.Backup(t.Context(), stuck); err != nil {
		t.Error(err)
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
