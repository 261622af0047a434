package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/nowgo/agents/internal/mail"
	"github.com/nowgo/agents/internal/mail/mailtest"
	"github.com/nowgo/agents/internal/system"
)

// server is a real mail server on 127.0.0.1 that keeps what it is given.
type server struct {
	addr  string
	trust *tls.Config

	mu       sync.Mutex
	raw      []string
	to       []string
	plain    int // mails that came without TLS
	accepted func(to string) error
}

const (
	user     = "nowgo"
	password = "segredo do servidor"
)

// start starts a server whose port speaks TLS from the first byte where implicit, and otherwise offers STARTTLS where offers is set.
func start(t *testing.T, implicit, offers bool) *server {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, of example.com and 127.0.0.1
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	s := &server{trust: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}}
	config := &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}
	srv := smtp.NewServer(s)
	srv.Domain, srv.AllowInsecureAuth = "mail.example.com", !implicit && !offers
	if offers {
		srv.TLSConfig = config
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(listener) }()
	t.Cleanup(func() {
		// Serve may not have heard of the listener yet, so that it is closed beside the server.
		for _, err := range []error{srv.Close(), listener.Close(), <-done} {
			if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, smtp.ErrServerClosed) {
				t.Error(err)
			}
		}
	})
	return s
}

// sender returns the adapter for a URL whose host is found at the server's address.
func (s *server) sender(t *testing.T, url string) *Server {
	t.Helper()
	out, err := New(url, mailtest.From, system.Real(), s.trust)
	if err != nil {
		t.Fatal(err)
	}
	out.addr = s.addr
	return out
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, secure := c.TLSConnectionState()
	return &session{server: s, secure: secure}, nil
}

type session struct {
	*server
	secure, known bool
	to            string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, u, p string) error {
		if s.known = u == user && p == password; !s.known {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such account: " + u}
		}
		return nil
	}), nil
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.accepted != nil {
		if err := s.accepted(to); err != nil {
			return err
		}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw, s.server.to = append(s.raw, string(raw)), append(s.server.to, s.to)
	if !s.secure {
		s.plain++
	}
	return err
}

func (s *server) received(t *testing.T) (all []mailtest.Received) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, raw := range s.raw {
		r, err := mailtest.Read([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if s.to[i] != r.To {
			t.Errorf("the envelope says %q, the mail %q", s.to[i], r.To)
		}
		all = append(all, r)
	}
	return all
}

func TestServers(t *testing.T) {
	const login = user + ":segredo%20do%20servidor@"
	for name, c := range map[string]struct {
		url              string
		implicit, offers bool
		plain            bool
	}{
		"STARTTLS":                  {"smtp://" + login + "mail.example.com:587", false, true, false},
		"TLS from the first byte":   {"smtps://" + login + "mail.example.com", true, false, false},
		"plain, on this machine":    {"smtp://" + login + "127.0.0.1:25", false, false, true},
		"plain, on this machine v6": {"smtp://" + login + "[::1]:25", false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			mailtest.Run(t, func(t *testing.T) mailtest.Box {
				s := start(t, c.implicit, c.offers)
				t.Cleanup(func() {
					if !c.plain && s.plain > 0 {
						t.Errorf("%d mails came without TLS", s.plain)
					}
				})
				return mailtest.Box{Sender: s.sender(t, c.url), Received: s.received}
			})
		})
	}
}

var hello = mail.Message{To: "ana@loja.example", Subject: "hi", Text: "t\n", HTML: "h\n"}

func TestNothingIsSaidInTheClear(t *testing.T) {
	s := start(t, false, false) // it offers no STARTTLS, as somebody in between would make it seem
	for _, url := range []string{"smtp://nowgo:segredo@mail.example.com", "smtps://nowgo:segredo@mail.example.com"} {
		ctx, cancel := context.WithCancel(t.Context())
		if strings.HasPrefix(url, "smtps") { // such a server waits for us to speak
			s = start(t, false, true)
		}
		if err := s.sender(t, url).Send(ctx, hello); err == nil {
			t.Errorf("%s: sent without TLS", url)
		}
		cancel()
	}
	if got := s.received(t); len(got) != 0 {
		t.Errorf("sent: %+v", got)
	}
}

func TestTheServersNameIsChecked(t *testing.T) {
	for _, implicit := range []bool{true, false} {
		s := start(t, implicit, true)
		s.trust.ServerName = "" // the URL's
		url := map[bool]string{true: "smtps", false: "smtp"}[implicit] + "://nowgo:segredo@mail.elsewhere.test"
		if err := s.sender(t, url).Send(t.Context(), hello); !errors.As(err, new(x509.HostnameError)) {
			t.Errorf("%s: %v, want HostnameError", url, err)
		}
	}
}

func TestErrorsNameNoOne(t *testing.T) {
	s := start(t, false, true)
	s.accepted = func(to string) error {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user " + to}
	}
	for name, c := range map[string][2]string{
		"unknown recipient": {user + ":segredo%20do%20servidor@", "550 5.1.1"},
		"wrong password":    {user + ":errada@", "535 5.7.8"},
		"no login":          {"", "502"},
	} {
		err := s.sender(t, "smtp://"+c[0]+"mail.example.com").Send(t.Context(), hello)
		if err == nil || !strings.Contains(err.Error(), c[1]) || strings.Contains(err.Error(), "ana@") || strings.Contains(err.Error(), "errada") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerThatDoesNotAnswer(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		cancel()
		if err == nil {
			_, err = io.ReadAll(conn) // until the client hangs up
		}
		gone <- errors.Join(err, listener.Close())
	}()
	s := &server{addr: listener.Addr().String()}
	if err := s.sender(t, "smtp://127.0.0.1").Send(ctx, hello); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
}

func TestURLs(t *testing.T) {
	for url, addr := range map[string]string{
		"smtp://mail.example.com":         "mail.example.com:587",
		"smtps://mail.example.com":        "mail.example.com:465",
		"smtps://u:p@mail.example.com:99": "mail.example.com:99",
		"smtp://localhost":                "localhost:25",
		"smtp://[::1]:2525/":              "[::1]:2525",
		"http://mail.example.com":         "",
		"smtp://":                         "",
		"smtp:mail.example.com":           "",
		"smtp://u:hunter2@h/path":         "",
		"smtp://u:hunter2@h?tls=no":       "",
		"smtp://u:hunter2@h:port":         "",
		"smtp://u:hunter2%zz@h":           "",
		"":                                "",
	} {
		s, err := New(url, mailtest.From, system.Real(), nil)
		if (addr == "") != errors.Is(err, ErrURL) || addr != "" && s.addr != addr {
			t.Errorf("%q: %+v, %v, want %q", url, s, err, addr)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error holds the password: %v", url, err)
		}
	}
}
