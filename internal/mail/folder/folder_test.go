package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/folder"
	"github.com/nowgo/agents/internal/mail/mailtest"
	"github.com/nowgo/agents/internal/system"
)

func newFolder(t *testing.T) (*folder.Folder, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mail")
	f, err := folder.New(path, mailtest.From, system.Real())
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

func TestFolder(t *testing.T) {
	mailtest.Run(t, func(t *testing.T) mailtest.Box {
		f, path := newFolder(t)
		return mailtest.Box{Sender: f, Received: func(t *testing.T) []mailtest.Received { return read(t, path) }}
	})
}

func read(t *testing.T, path string) (all []mailtest.Received) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".eml" {
			t.Errorf("something beside the mail was left in the folder: %s", e.Name())
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
		}
		raw, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		r, err := mailtest.Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	f, path := newFolder(t)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Send(t.Context(), mail.Message{To: "a@b.example", Subject: "hi"}); err == nil {
		t.Error("no error for a folder that has gone")
	}
}

func TestSenderMustBeAnAddress(t *testing.T) {
	for _, from := range []string{"", "NowGo", "a@b.example, c@d.example", "a@b.example\r\nBcc: e@evil.example", "joão@nowgo.example"} {
		if _, err := folder.New(t.TempDir(), from, system.Real()); err == nil {
			t.Errorf("%q is taken for a sender", from)
		}
	}
}
