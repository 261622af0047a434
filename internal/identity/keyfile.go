package identity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nowgo/agents/internal/system"
)

// LoadKeyFile reads the key document at path; where nothing is there it makes one, readable by its owner alone (0600). It
// refuses a file that others can read, and one that is no key document; the error says what to do.
func LoadKeyFile(path string, sys system.System) (*KeySet, error) {
	document, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path, sys); err != nil {
			return nil, fmt.Errorf("signing keys: cannot create %s: %w", path, err)
		}
		document, err = readKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	keys, err := ParseKeys(document)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %s is damaged: restore it from a backup, or move it away to have new keys made "+
			"(access tokens of the last 15 minutes then stop working): %w", path, err)
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	document, err := readPrivate(f)
	return document, errors.Join(err, f.Close())
}

func readPrivate(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.Name())
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): run chmod 600 on it", f.Name(), perm)
	}
	return io.ReadAll(io.LimitReader(f, maxKeys+1))
}

// createKeyFile puts a whole document in place or none: a half-written file can't take the name, and of two processes that
// start at once one wins and the other reads what the winner wrote.
func createKeyFile(path string, sys system.System) (err error) {
	document, err := GenerateKeys(sys)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(document)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
