package bolt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/system"
)

// Config says which file to open and how. Path and System are needed.
type Config struct {
	Path   string // of the file; its folder must exist
	System system.System
	// Consumers are those of the change stream: each has a durable cursor, and holds back what it has not acknowledged. A new one
	// begins at the oldest change that is kept. A consumer that is no longer named keeps its cursor but holds nothing back.
	Consumers []string
	// SweepEvery is the time between two sweeps; 0 is a minute, below 0 is never.
	SweepEvery time.Duration
	Log        *slog.Logger // of what fails in the background; nil is slog.Default

	migrations []migration // instead of the package's; tests only
	noSync     bool        // tests only, to see that they notice
}

// Table is the embedded table. It implements [store.Table], may be used concurrently, and must be closed.
type Table struct {
	db   *bbolt.DB
	file *os.File
	now  func() time.Time
	log  *slog.Logger

	stream *stream

	mu     sync.RWMutex // held for reading while a job is put into the queue
	closed bool
	queue  chan *job
	done   chan struct{} // closed when Close begins
	tasks  sync.WaitGroup

	// Of the writer goroutine alone, and of Close after it has ended.
	batch  []*job
	broken error // why nothing is written any more
	wedged bool  // bbolt did not give its lock back
	commit func(*bbolt.Tx) error
}

var _ store.Table = (*Table)(nil)

// Open opens the table in the file, and makes the file if there is none. It waits a second for a file that another process has
// open. Errors: [ErrLocked], [ErrForeign], [ErrCorrupt], [ErrNewer], ctx's, those of the file system; the file is left as it
// was. A file of an older format is migrated first.
func Open(ctx context.Context, cfg Config) (*Table, error) {
	t, err := open(ctx, &cfg)
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", cfg.Path, err)
	}
	return t, nil
}

func open(ctx context.Context, cfg *Config) (*Table, error) {
	if cfg.migrations == nil {
		cfg.migrations = migrations
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := create(cfg.Path); err != nil {
		return nil, err
	}
	db, file, err := openFile(ctx, cfg.Path, cfg)
	if err != nil {
		return nil, err
	}
	t := &Table{db: db, file: file, now: cfg.System.Now, log: cfg.Log, queue: make(chan *job, maxJobs), done: make(chan struct{}),
		commit: (*bbolt.Tx).Commit}
	if t.log == nil {
		t.log = slog.Default()
	}
	err = guard(func() error {
		if err := migrate(db, cfg.migrations); err != nil {
			return err
		}
		t.stream, err = openStream(db, cfg.Consumers)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, guard(db.Close))
	}
	t.tasks.Go(t.write)
	if every := cfg.SweepEvery; every >= 0 {
		if every == 0 {
			every = time.Minute
		}
		t.tasks.Go(func() { t.sweepEvery(every) })
	}
	return t, nil
}

// Close writes the commits that wait, and closes the file. Later calls of the table's methods return [ErrClosed] (as
// [store.ErrUnavailable]); a second Close does nothing.
func (t *Table) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	close(t.done)
	close(t.queue)
	t.mu.Unlock()
	t.tasks.Wait()
	if t.wedged { // db.Close would wait forever; the file's lock goes with the file
		return errors.Join(t.broken, t.file.Close())
	}
	if err := guard(t.db.Close); err != nil {
		return fmt.Errorf("bolt: close: %w", err)
	}
	return nil
}
