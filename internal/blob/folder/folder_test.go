package folder_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/nowgo/agents/internal/blob"
	"github.com/nowgo/agents/internal/blob/blobtest"
	"github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/system"
)

func open(t *testing.T, dir string) *folder.Store {
	t.Helper()
	s, err := folder.Open(dir, system.Real())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestFolder(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, filepath.Join(t.TempDir(), "blobs")) })
}

// TestOthersCannotRead holds that files are 0600 and folders 0700, the top one included.
func TestOthersCannotRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "blobs")
	if err := open(t, dir).Put(t.Context(), "cli_one", "b/c", []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLinksLeadNowhere holds that a link planted in a client's folder does not give what is outside.
func TestLinksLeadNowhere(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "cli_one")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if b, err := s.Get(t.Context(), "cli_one", "secret"); err == nil {
		t.Errorf("read %q through a link", b)
	}
	if err := s.Put(t.Context(), "cli_one", "planted", []byte("x")); err == nil {
		t.Error("wrote through a link")
	}
	if names, err := s.List(t.Context(), "cli_one", "", ""); err == nil && len(names) > 0 {
		t.Errorf("listed %v through a link", names)
	}
}

// TestLeftovers holds that a file half written when the process died is not seen, and does not keep the name from being written.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Put(t.Context(), "cli_one", "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cli_one", ".tmp-dead"), []byte("h"), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := s.List(t.Context(), "cli_one", "", ""); err != nil || len(names) != 1 {
		t.Errorf("lists %v, %v", names, err)
	}
}
