package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

const (
	lockWait  = time.Second
	lockRetry = 20 * time.Millisecond
	// mapped is the address space kept for the file. Growing beyond it waits for every reader, a backup's too.
	mapped = min(1<<34, math.MaxInt>>1)
)

// openFile opens the file at path, which must be there, and returns the database and the file beneath. The file is locked before
// the first byte of it is read, and nothing is written to it.
func openFile(ctx context.Context, path string, cfg *Config) (*bbolt.DB, *os.File, error) {
	var file *os.File
	options := &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapped, NoStatistics: true, NoSync: cfg.noSync,
		OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(path, flag&^os.O_CREATE, mode)
			if err != nil {
				return nil, err
			}
			file = f
			// bbolt locks the same open file again, which succeeds at once.
			if err := lock(ctx, f); err != nil {
				return nil, err
			}
			return f, inspect(f)
		},
	}
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, options)
		return err
	})
	if err == nil {
		return db, file, nil
	}
	if file != nil { // bbolt has not seen it, or has given up
		if closeErr := file.Close(); closeErr != nil && !errors.Is(closeErr, os.ErrClosed) {
			err = errors.Join(err, closeErr)
		}
	}
	return nil, nil, err
}

// lock takes the exclusive lock of the open file, or returns [ErrLocked] after a second.
func lock(ctx context.Context, f *os.File) error {
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for deadline := time.Now().Add(lockWait); ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return fmt.Errorf("lock: %w", err)
		case time.Now().After(deadline):
			return ErrLocked
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// create makes a new table at path unless there is a file. It appears there whole: a crash on the way leaves nothing that looks
// like a damaged table.
func create(path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	if err := f.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(f.Name(), 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(layOut), db.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) { // somebody else was first: theirs it is
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes the names in the folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
