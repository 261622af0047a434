// Package folder sends mail by writing it into a folder, one `.eml` file (RFC 5322) for each message: for trying the platform, for
// tests, and for a mail server that picks files up.
//
// It uses the standard library's mime packages alone. The usual mail library brings html/template along, which keeps every
// method of every linked SDK alive in a function's binary, and what is needed here is two parts and five headers.
package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/system"
)

// Folder is a [mail.Sender]. It may be used concurrently, by several processes too.
type Folder struct {
	path string
	from netmail.Address
	sys  system.System
}

// ErrMessage is returned for a message that cannot be a mail: no single address to send it to, or a subject with control
// characters, which could add headers.
var ErrMessage = errors.New("mail: not a message that can be sent")

// New returns a sender into the folder at path, which it makes (0700) where it is missing. From is the sender's address, with or
// without a name (RFC 5322 §3.4).
func New(path, from string, sys system.System) (*Folder, error) {
	address, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("mail: sender %q: %w", from, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Folder{path: path, from: *address, sys: sys}, nil
}

// Send implements [mail.Sender]. The file is readable by its owner alone (0600), takes its name, `<ULID>.eml`, only when it is whole
// and on the disk, and sorts by the time it was sent.
func (f *Folder) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id := f.sys.NewULID()
	raw, err := f.encode(m, id)
	if err != nil {
		return err
	}
	if err := f.write(filepath.Join(f.path, id+".eml"), raw); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

func (f *Folder) write(path string, raw []byte) (err error) {
	tmp, err := os.CreateTemp(f.path, ".sending-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(raw)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// encode returns the message as RFC 5322 with two alternatives (RFC 2046 §5.1.4), the plain one first.
func (f *Folder) encode(m mail.Message, id string) ([]byte, error) {
	to, err := netmail.ParseAddress(m.To)
	if err != nil || to.Name != "" || strings.ContainsFunc(m.To+m.Subject, control) {
		return nil, ErrMessage
	}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	err = errors.Join(w.SetBoundary("nowgo-"+f.sys.NewID("part")), alternative(w, "text/plain", m.Text),
		alternative(w, "text/html", m.HTML), w.Close())
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	_, host, _ := strings.Cut(f.from.Address, "@")
	var out bytes.Buffer
	for _, h := range [][2]string{
		{"Date", f.sys.Now().UTC().Format(time.RFC1123Z)},
		{"From", f.from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Message-ID", "<" + id + "@" + host + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834 §5: nobody's absence note answers it
		{"MIME-Version", "1.0"},
		{"Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": w.Boundary()})},
	} {
		out.WriteString(h[0] + ": " + fold(h[1]) + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(parts.Bytes())
	return out.Bytes(), nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// fold breaks a header's value at spaces, so that the encoded words of a long subject each have their line (RFC 2047 §2).
func fold(s string) string { return strings.ReplaceAll(s, "?= =?", "?=\r\n =?") }

func alternative(w *multipart.Writer, kind, content string) error {
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {kind + "; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(part)
	_, err = q.Write([]byte(strings.ReplaceAll(strings.ReplaceAll(content, "\r\n", "\n"), "\n", "\r\n")))
	return errors.Join(err, q.Close())
}
