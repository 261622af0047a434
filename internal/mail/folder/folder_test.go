package folder_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/folder"
	"github.com/nowgo/agents/internal/system"
)

func newFolder(t *testing.T) (*folder.Folder, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mail")
	f, err := folder.New(path, "NowGo <no-reply@nowgo.example>", system.Real())
	if err != nil {
		t.Fatal(err)
	}
	return f, path
}

func TestSentMailReadsBackWhole(t *testing.T) {
	f, path := newFolder(t)
	subject := "Convite para Confecções São João & Filhos — a maior loja de roupas do litoral norte inteiro"
	text := "Olá, João!\n\nAqui: https://x.example/a=b#token=é\n" + strings.Repeat("longa ", 60) + "\n.\nfim\n"
	html := "<p>Olá, João!</p>"
	if err := f.Send(t.Context(), mail.Message{To: "joao@loja.example", Subject: subject, Text: text, HTML: html}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(path, "*.eml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	if all, err := os.ReadDir(path); err != nil || len(all) != 1 {
		t.Errorf("something beside the mail was left in the folder: %v, %v", all, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r == '\n' }) {
			t.Errorf("line is not 7-bit within 998 bytes: %q", line)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || got != subject {
		t.Errorf("subject %q, %v, want %q", got, err, subject)
	}
	if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 || to[0].Address != "joao@loja.example" {
		t.Errorf("to %v, %v", to, err)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct{ kind, content string }{{"text/plain; charset=utf-8", text}, {"text/html; charset=utf-8", html}} {
		part, err := r.NextPart() // decodes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(string(content), "\r\n", "\n"); got != want.content || part.Header.Get("Content-Type") != want.kind {
			t.Errorf("part %q %q, want %q %q", part.Header.Get("Content-Type"), got, want.kind, want.content)
		}
	}
}

func TestNothingTypedBecomesAHeader(t *testing.T) {
	f, path := newFolder(t)
	for name, m := range map[string]mail.Message{
		"line break in the subject":   {To: "a@b.example", Subject: "hi\r\nBcc: eve@evil.example"},
		"bare newline in the subject": {To: "a@b.example", Subject: "hi\nBcc: eve@evil.example"},
		"line break in the address":   {To: "a@b.example\r\nBcc: eve@evil.example", Subject: "hi"},
		"two addresses":               {To: "a@b.example, eve@evil.example", Subject: "hi"},
		"display name":                {To: "Eve <a@b.example>", Subject: "hi"},
		"no address":                  {Subject: "hi"},
	} {
		if err := f.Send(t.Context(), m); !errors.Is(err, folder.ErrMessage) {
			t.Errorf("%s: error %v, want ErrMessage", name, err)
		}
	}
	if all, err := os.ReadDir(path); err != nil || len(all) != 0 {
		t.Errorf("folder holds %v, %v, want nothing", all, err)
	}
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
