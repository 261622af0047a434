package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nowgo/agents/internal/system"
)

// KeyFile is the key document in a file that is its owner's alone (0600).
type KeyFile struct{ path string }

// OpenKeyFile returns the key file at path; where nothing is there it makes one with a first key. Errors are those of [LoadKeyFile].
func OpenKeyFile(path string, sys system.System) (*KeyFile, error) {
	if _, err := LoadKeyFile(path, sys); err != nil {
		return nil, err
	}
	return &KeyFile{path}, nil
}

// Load returns the document, for a [KeyRing].
func (f *KeyFile) Load(context.Context) ([]byte, error) { return readKeyFile(f.path) }

// Read returns the document and its version, which is its hash.
func (f *KeyFile) Read(context.Context) (document []byte, version string, err error) {
	document, err = readKeyFile(f.path)
	sum := sha256.Sum256(document)
	return document, hex.EncodeToString(sum[:]), err
}

// Replace puts next in the file's place, all of it and durably or nothing. It returns [ErrKeysMoved] where the file is no longer at the
// version. It is for one process and one goroutine, as which the monolith holds the data folder.
func (f *KeyFile) Replace(ctx context.Context, version string, next []byte) error {
	_, now, err := f.Read(ctx)
	if err != nil {
		return err
	}
	if now != version {
		return ErrKeysMoved
	}
	part, err := writeKeyFile(filepath.Dir(f.path), next)
	if err != nil {
		return err
	}
	if err := os.Rename(part, f.path); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return syncFolder(filepath.Dir(f.path))
}

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
	part, err := writeKeyFile(filepath.Dir(path), document)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(part)) }()
	if err = os.Link(part, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// writeKeyFile writes a document to a file without a name that anybody knows (0600), durably, and returns its path. It leaves nothing
// where it fails.
func writeKeyFile(folder string, document []byte) (string, error) {
	f, err := os.CreateTemp(folder, ".keys-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(document)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
