// Package mailtest is the suite that every adapter of the mail port passes: what was sent arrives, and nothing typed becomes a header.
package mailtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/nowgo/agents/internal/mail"
)

// From is the sender's address that adapters under test are made with.
const From = "NowGo Agentes <no-reply@nowgo.example>"

// Received is a mail as its reader has it.
type Received struct {
	From, To      string // addresses alone
	Subject       string
	Text, HTML    string // with lines that end in LF
	AutoSubmitted string
}

// Box is an adapter, and where its mails arrive.
type Box struct {
	Sender mail.Sender
	// Received returns every mail that has arrived since the box was made, in any order.
	Received func(t *testing.T) []Received
}

// Run runs the suite; open returns an empty box each time.
func Run(t *testing.T, open func(t *testing.T) Box) {
	t.Run("a mail reads back whole", func(t *testing.T) { readsBackWhole(t, open(t)) })
	t.Run("lines that a mail server could take for its own", func(t *testing.T) { keepsAwkwardLines(t, open(t)) })
	t.Run("nothing typed becomes a header", func(t *testing.T) { refusesHeaders(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { sendsAtOnce(t, open(t)) })
	t.Run("a caller who has gone", func(t *testing.T) { heedsItsContext(t, open(t)) })
}

func readsBackWhole(t *testing.T, b Box) {
	m := mail.Message{To: "joao+1@loja.example",
		Subject: "Convite para Confecções São João & Filhos — a maior loja de roupas do litoral norte inteiro",
		Text:    "Olá, João!\n\nAqui: https://x.example/a=b#token=é\n" + strings.Repeat("longa ", 600) + "\nfim\n",
		HTML:    "<!doctype html>\n<p>Olá, <b>João</b>! " + strings.Repeat("é", 2000) + "</p>\n"}
	if err := b.Sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := b.Received(t)
	if len(got) != 1 {
		t.Fatalf("%d mails, want 1", len(got))
	}
	want := Received{"no-reply@nowgo.example", m.To, m.Subject, m.Text, m.HTML, "auto-generated"}
	if got[0] != want {
		t.Errorf("got\n%+v\nwant\n%+v", got[0], want)
	}
}

func keepsAwkwardLines(t *testing.T, b Box) {
	m := mail.Message{To: "ana@loja.example", Subject: "ASCII only =?utf-8?q?not_encoded?=",
		Text: ".\n..\n.fim\nFrom here\nQUIT\n\n=20 = =\ntrailing space \n\ttab\n--nowgo\n", HTML: "<p>.</p>\n.\n"}
	if err := b.Sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := b.Received(t)
	if len(got) != 1 || got[0].Text != m.Text || got[0].HTML != m.HTML {
		t.Errorf("got %+v, want %+v", got, m)
	}
}

func refusesHeaders(t *testing.T, b Box) {
	for name, m := range map[string]mail.Message{
		"line break in the subject":   {To: "a@b.example", Subject: "hi\r\nBcc: eve@evil.example"},
		"bare newline in the subject": {To: "a@b.example", Subject: "hi\nBcc: eve@evil.example"},
		"bare return in the subject":  {To: "a@b.example", Subject: "hi\rBcc: eve@evil.example"},
		"NUL in the subject":          {To: "a@b.example", Subject: "hi\x00"},
		"endless subject":             {To: "a@b.example", Subject: strings.Repeat("w", 2000)},
		"line break in the address":   {To: "a@b.example\r\nBcc: eve@evil.example", Subject: "hi"},
		"command in the address":      {To: "a@b.example>\r\nRCPT TO:<eve@evil.example", Subject: "hi"},
		"two addresses":               {To: "a@b.example, eve@evil.example", Subject: "hi"},
		"display name":                {To: "Eve <a@b.example>", Subject: "hi"},
		"no address":                  {Subject: "hi"},
	} {
		err := b.Sender.Send(t.Context(), m)
		if !errors.Is(err, mail.ErrMessage) {
			t.Errorf("%s: error %v, want ErrMessage", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "b.example") {
			t.Errorf("%s: the error names the address: %v", name, err)
		}
	}
	if got := b.Received(t); len(got) != 0 {
		t.Errorf("sent: %+v", got)
	}
}

func sendsAtOnce(t *testing.T, b Box) {
	const n = 8
	errs := make([]error, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			errs[i] = b.Sender.Send(t.Context(), mail.Message{To: fmt.Sprintf("p%d@loja.example", i), Subject: fmt.Sprint(i), Text: "t\n", HTML: "h\n"})
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, r := range b.Received(t) {
		seen[r.To] = r.Subject
	}
	for i := range n {
		if seen[fmt.Sprintf("p%d@loja.example", i)] != fmt.Sprint(i) {
			t.Errorf("mail %d is missing or mixed up: %v", i, seen)
		}
	}
}

func heedsItsContext(t *testing.T, b Box) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Sender.Send(ctx, mail.Message{To: "a@b.example", Subject: "hi"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if got := b.Received(t); len(got) != 0 {
		t.Errorf("sent: %+v", got)
	}
}

// Read returns a mail as its reader has it, and an error for one that breaks RFC 5322's limits or that is not 7-bit.
func Read(raw []byte) (Received, error) {
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r == '\n' || r == '\r' }) {
			return Received{}, fmt.Errorf("line is not 7-bit within 998 bytes: %q", line)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return Received{}, err
	}
	var r Received
	r.AutoSubmitted = m.Header.Get("Auto-Submitted")
	if _, err := m.Header.Date(); err != nil {
		return r, err
	}
	if r.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return r, err
	}
	for header, into := range map[string]*string{"From": &r.From, "To": &r.To} {
		list, err := m.Header.AddressList(header)
		if err != nil || len(list) != 1 {
			return r, fmt.Errorf("%s %q: %w", header, m.Header.Get(header), errors.Join(err, mail.ErrMessage))
		}
		*into = list[0].Address
	}
	return r, r.body(m)
}

func (r *Received) body(m *netmail.Message) error {
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return fmt.Errorf("content type %q: %w", kind, errors.Join(err, mail.ErrMessage))
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct {
		kind string
		into *string
	}{{"text/plain; charset=utf-8", &r.Text}, {"text/html; charset=utf-8", &r.HTML}} {
		part, err := parts.NextPart() // decodes quoted-printable
		if err != nil {
			return err
		}
		content, err := io.ReadAll(part)
		if err != nil || part.Header.Get("Content-Type") != want.kind {
			return fmt.Errorf("part %q, want %q: %w", part.Header.Get("Content-Type"), want.kind, errors.Join(err, mail.ErrMessage))
		}
		*want.into = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than two parts: %w", errors.Join(err, mail.ErrMessage))
	}
	return nil
}
