package monolith

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/mail/folder"
	"github.com/nowgo/agents/internal/mail/smtp"
	"github.com/nowgo/agents/internal/system"
)

func TestMailIsSentAsTheEnvironmentSays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mail")
	const from = "no-reply@lojaazul.example"
	for where, want := range map[string]any{"": nil, path: &folder.Folder{}, "smtp://u:hunter2@mail.example.com": &smtp.Server{},
		"smtps://mail.example.com:465": &smtp.Server{}} {
		got, err := sender(where, from, system.Real())
		if err != nil || typeName(got) != typeName(want) {
			t.Errorf("%q: %T, %v, want %T", where, got, err, want)
		}
	}
	if _, err := sender(path, "", system.Real()); err != nil {
		t.Errorf("a folder without a sender: %v", err)
	}
	for where, from := range map[string]string{"smtp://u:hunter2@mail.example.com": "", "smtp://u:hunter2@mail.example.com/x": from,
		"http://hunter2@mail.example.com": from, "ses:": from, path: "nobody"} {
		if s, err := sender(where, from, system.Real()); err == nil || s != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q from %q: %v, %v", where, from, s, err)
		}
	}
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return ""
	case *folder.Folder:
		return "folder"
	case *smtp.Server:
		return "smtp"
	}
	return "other"
}
