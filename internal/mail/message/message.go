// Package message writes mails as they travel (RFC 5322, RFC 2045 and on), for every adapter.
//
// It uses the standard library's mime packages alone. The usual mail library brings html/template along, which keeps every
// method of every linked SDK alive in a function's binary, and what is needed here is two parts and eight headers.
package message

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/system"
)

// Writer writes the mails of one sender. It may be used concurrently.
type Writer struct {
	from netmail.Address
	sys  system.System
}

// NewWriter returns a writer of mails from an address, with or without a name (RFC 5322 §3.4).
func NewWriter(from string, sys system.System) (Writer, error) {
	address, err := netmail.ParseAddress(from)
	if err != nil || !ascii(address.Address) {
		return Writer{}, fmt.Errorf("mail: %q is no sender's address: %w", from, errors.Join(err, mail.ErrMessage))
	}
	return Writer{*address, sys}, nil
}

// maxSubject keeps a subject within one line (RFC 5322 §2.1.1), in bytes.
const maxSubject = 900

// From is the sender's address, without a name: the envelope's.
func (w Writer) From() string { return w.from.Address }

// Written is a mail as it travels: lines that end in CRLF, at most 998 bytes each, of ASCII but for an address that is not (RFC 6532).
type Written struct {
	ID  string // the ULID of its Message-ID
	To  string // the envelope's recipient
	Raw []byte
}

// Write returns the message with its two alternatives (RFC 2046 §5.1.4), the plain one first. Errors: [mail.ErrMessage].
func (w Writer) Write(m mail.Message) (Written, error) {
	to, err := netmail.ParseAddress(m.To)
	if err != nil || to.Name != "" || to.Address != m.To || len(m.Subject) > maxSubject || strings.ContainsFunc(m.To+m.Subject, control) {
		return Written{}, mail.ErrMessage // without its cause, which names the address
	}
	id := w.sys.NewULID()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	err = errors.Join(parts.SetBoundary("nowgo-"+w.sys.NewID("part")), alternative(parts, "text/plain", m.Text),
		alternative(parts, "text/html", m.HTML), parts.Close())
	if err != nil {
		return Written{}, fmt.Errorf("mail: %w", err)
	}
	_, host, _ := strings.Cut(w.from.Address, "@")
	var out bytes.Buffer
	for _, h := range [][2]string{
		{"Date", w.sys.Now().UTC().Format(time.RFC1123Z)},
		{"From", w.from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Message-ID", "<" + id + "@" + host + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834 §5: nobody's absence note answers it
		{"MIME-Version", "1.0"},
		{"Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": parts.Boundary()})},
	} {
		out.WriteString(h[0] + ": " + fold(h[1]) + "\r\n")
	}
	out.WriteString("\r\n")
	out.Write(body.Bytes())
	return Written{id, to.Address, out.Bytes()}, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func ascii(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e }) }

// fold breaks a header's value between encoded words, so that those of a long subject each have their line (RFC 2047 §2).
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
