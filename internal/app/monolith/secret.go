package monolith

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nowgo/agents/internal/system"
)

// loadSecret reads the platform's secret, which seals cursors and kept answers, and makes it at the first start. The file must be
// its owner's alone.
func loadSecret(path string, sys system.System) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createSecret(path, sys)
	case err != nil:
		return nil, fmt.Errorf("platform secret: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("platform secret: %s can be read by others: chmod 600 it", path)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("platform secret: %w", err)
	}
	if len(secret) < 32 {
		return nil, fmt.Errorf("platform secret: %s has %d bytes, not 32 or more: restore it from the backup", path, len(secret))
	}
	return secret, nil
}

// createSecret writes a new secret beside its place and moves it there, so that a crash leaves all of it or nothing.
func createSecret(path string, sys system.System) ([]byte, error) {
	secret := []byte(sys.NewSecret())
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("platform secret: %w", err)
	}
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("platform secret: %w", err)
	}
	if err := errors.Join(os.Rename(part, path), syncFolder(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("platform secret: %w", err)
	}
	return secret, nil
}

// syncFolder makes durable which names a folder has.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
