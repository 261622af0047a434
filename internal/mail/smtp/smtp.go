// Package smtp sends mail through a server named by a URL (RFC 5321, submission as in RFC 6409 and RFC 8314). Nothing but a server on
// this machine is spoken to without TLS.
//
// github.com/emersion/go-smtp is the kept-up client (net/smtp is frozen); its server is what the tests talk to.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/message"
	"github.com/nowgo/agents/internal/system"
)

// timeout is how long a mail may take from the connection to the server's acceptance.
const timeout = 30 * time.Second

// ErrURL is wrapped by the error of a URL that names no mail server.
var ErrURL = errors.New("mail: not the URL of a mail server")

// Server is a [mail.Sender] that makes a connection for each mail. It may be used concurrently.
type Server struct {
	addr     string
	host     string
	security security
	auth     *url.Userinfo // nil: without
	tls      *tls.Config
	writer   message.Writer
}

type security uint8

const (
	startTLS    security = iota // smtp: the connection becomes a TLS one before anything is said
	implicitTLS                 // smtps
	local                       // smtp to this machine: plain
)

// New returns a sender through the server of a URL, `smtp://user:password@host:587` or `smtps://user:password@host:465`; ports may be
// left out, and the user where the server asks for none. From is the sender's address, with or without a name. Trust is nil but in
// tests: the roots and the names that TLS is checked with. Errors: [ErrURL], which tells no password.
func New(rawURL, from string, sys system.System, trust *tls.Config) (*Server, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: want smtp://user:password@host:port or smtps://…", ErrURL) // without its cause, which holds the password
	}
	s := &Server{host: u.Hostname(), auth: u.User, tls: trust.Clone()}
	if s.tls == nil {
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if s.tls.ServerName == "" {
		s.tls.ServerName = s.host
	}
	port := u.Port()
	switch {
	case u.Scheme == "smtps":
		s.security, s.addr = implicitTLS, net.JoinHostPort(s.host, or(port, "465"))
	case u.Scheme == "smtp" && thisMachine(s.host):
		s.security, s.addr = local, net.JoinHostPort(s.host, or(port, "25"))
	case u.Scheme == "smtp":
		s.security, s.addr = startTLS, net.JoinHostPort(s.host, or(port, "587"))
	default:
		return nil, fmt.Errorf("%w: scheme %q", ErrURL, u.Scheme)
	}
	s.writer, err = message.NewWriter(from, sys)
	return s, err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func thisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Send implements [mail.Sender]. It ends with ctx, and after 30 seconds at the latest.
func (s *Server) Send(ctx context.Context, m mail.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	written, err := s.writer.Write(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.send(ctx, written); err != nil {
		return errors.Join(ctx.Err(), discreet(err))
	}
	return nil
}

func (s *Server) send(ctx context.Context, w message.Written) (err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { closed <- conn.Close() })
	defer func() {
		if !stop() {
			err = errors.Join(err, ignoreClosed(<-closed))
		}
	}()
	c, err := s.greet(ctx, conn)
	if err != nil {
		return errors.Join(err, ignoreClosed(conn.Close()))
	}
	if err := s.submit(c, w); err != nil {
		return errors.Join(err, ignoreClosed(c.Close()))
	}
	if c.Quit() != nil { // the mail was accepted before: how the server says goodbye changes nothing
		return ignoreClosed(c.Close())
	}
	return nil
}

// greet returns a client whose connection is as safe as the URL asks for.
func (s *Server) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	switch s.security {
	case implicitTLS:
		secure := tls.Client(conn, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return smtp.NewClient(secure), nil
	case startTLS:
		return smtp.NewClientStartTLS(conn, s.tls)
	}
	return smtp.NewClient(conn), nil
}

func (s *Server) submit(c *smtp.Client, w message.Written) error {
	if s.auth != nil {
		password, _ := s.auth.Password()
		if err := c.Auth(sasl.NewPlainClient("", s.auth.Username(), password)); err != nil {
			return err
		}
	}
	utf8 := strings.ContainsFunc(w.To, func(r rune) bool { return r > 0x7e }) // RFC 6531
	if err := c.Mail(s.writer.From(), &smtp.MailOptions{Size: int64(len(w.Raw)), UTF8: utf8}); err != nil {
		return err
	}
	if err := c.Rcpt(w.To, nil); err != nil {
		return err
	}
	data, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(w.Raw); err != nil {
		return errors.Join(err, data.Close())
	}
	return data.Close()
}

// discreet returns err without the server's own words, which may name the recipient or the account.
func discreet(err error) error {
	var said *smtp.SMTPError
	if errors.As(err, &said) {
		return fmt.Errorf("mail: the server answered %d %d.%d.%d", said.Code, said.EnhancedCode[0], said.EnhancedCode[1], said.EnhancedCode[2])
	}
	return fmt.Errorf("mail: %w", err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
