// Package folder keeps files in a folder of the machine: one sub-folder for each client. Writing is atomic (a temporary file,
// synced, then renamed, then the folder synced), and nothing outside the folder can be reached: names are checked, and
// every access goes through an [os.Root], which follows no link that leads out.
package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

const (
	filePerm   = 0o600
	folderPerm = 0o700
	temporary  = ".tmp-" // the prefix of files being written; no name has it
)

// Store keeps files in a folder. It may be used concurrently. Make it with [Open].
type Store struct {
	root *os.Root
	sys  system.System
}

var _ blob.Store = (*Store)(nil)

// Open returns the store in the given folder, which it makes (0700) where it is missing. Close it when done.
func Open(dir string, sys system.System) (*Store, error) {
	if err := os.MkdirAll(dir, folderPerm); err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	return &Store{root, sys}, nil
}

// Close lets go of the folder.
func (s *Store) Close() error { return s.root.Close() }

// Put implements [blob.Store]. Errors: [blob.ErrBadName], [blob.ErrTooLarge], those of the file system.
func (s *Store) Put(ctx context.Context, client tenant.ID, name string, content []byte) error {
	if err := blob.CheckName(client, name); err != nil {
		return err
	}
	if len(content) > blob.MaxSize {
		return blob.ErrTooLarge
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	file := path.Join(string(client), name)
	if err := s.makeFolders(path.Dir(file)); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	written := path.Join(path.Dir(file), temporary+s.sys.NewSecret())
	if err := s.write(written, content); err != nil {
		return fmt.Errorf("folder: %w", errors.Join(err, ignoreMissing(s.root.Remove(written))))
	}
	if err := s.root.Rename(written, file); err != nil {
		return fmt.Errorf("folder: %w", errors.Join(err, ignoreMissing(s.root.Remove(written))))
	}
	return s.syncFolder(path.Dir(file))
}

// write makes a new file with the content and syncs it.
func (s *Store) write(file string, content []byte) error {
	f, err := s.root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

// makeFolders makes the folder and those above it, syncing each parent of one it made.
func (s *Store) makeFolders(dir string) error {
	if dir == "." {
		return nil
	}
	if err := s.makeFolders(path.Dir(dir)); err != nil {
		return err
	}
	switch err := s.root.Mkdir(dir, folderPerm); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	return s.syncFolder(path.Dir(dir))
}

func (s *Store) syncFolder(dir string) error {
	f, err := s.root.Open(dir)
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	return nil
}

// Get implements [blob.Store]. Errors: [blob.ErrBadName], [blob.ErrNotFound], those of the file system.
func (s *Store) Get(ctx context.Context, client tenant.ID, name string) ([]byte, error) {
	if err := errors.Join(blob.CheckName(client, name), ctx.Err()); err != nil {
		return nil, err
	}
	f, err := s.root.Open(path.Join(string(client), name))
	if err != nil {
		return nil, asPort(err)
	}
	content, err := io.ReadAll(io.LimitReader(f, blob.MaxSize+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, asPort(err)
	}
	if len(content) > blob.MaxSize {
		return nil, blob.ErrTooLarge
	}
	return content, nil
}

// asPort turns what the file system says of a missing file, or of a folder in its place, into the port's error.
func asPort(err error) error {
	if missing(err) {
		return blob.ErrNotFound
	}
	return fmt.Errorf("folder: %w", err)
}

// Delete implements [blob.Store]. Errors: [blob.ErrBadName], those of the file system.
func (s *Store) Delete(ctx context.Context, client tenant.ID, name string) error {
	if err := errors.Join(blob.CheckName(client, name), ctx.Err()); err != nil {
		return err
	}
	file := path.Join(string(client), name)
	info, err := s.root.Lstat(file)
	if err != nil || info.IsDir() {
		return ignoreMissing(err)
	}
	if err := s.root.Remove(file); err != nil {
		return ignoreMissing(err)
	}
	return s.syncFolder(path.Dir(file))
}

// List implements [blob.Store]. Errors: [blob.ErrBadName], those of the file system.
func (s *Store) List(ctx context.Context, client tenant.ID, prefix, after string) ([]string, error) {
	if err := errors.Join(blob.CheckPrefix(client, prefix), blob.CheckPrefix(client, after), ctx.Err()); err != nil {
		return nil, err
	}
	var names []string
	err := s.walk(ctx, string(client), prefix, func(name string) {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	})
	if err != nil {
		return nil, err
	}
	// Folders sort by their own names, files by their whole ones: `a-` is before `a/`, the folder a is not.
	slices.Sort(names)
	return names[:min(len(names), blob.MaxList)], nil
}

// walk calls do with the names of a client's files, leaving out folders that cannot hold one with the prefix.
func (s *Store) walk(ctx context.Context, client, prefix string, do func(name string)) error {
	return fs.WalkDir(s.root.FS(), client, func(file string, entry fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			return ignoreMissing(err)
		}
		name := strings.TrimPrefix(file, client+"/")
		switch {
		case file == client:
		case entry.IsDir():
			if folder := name + "/"; !strings.HasPrefix(folder, prefix) && !strings.HasPrefix(prefix, folder) {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), temporary):
			do(name)
		}
		return nil
	})
}

func ignoreMissing(err error) error {
	if err == nil || missing(err) {
		return nil
	}
	return fmt.Errorf("folder: %w", err)
}
