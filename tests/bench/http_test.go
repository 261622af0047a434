package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/app/monolith"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/tests/journey"
)

const (
	connections = 8
	rounds      = 7
	roundTime   = 2 * time.Second
)

// BenchmarkReadByID compares GET /v1/agents/{id} through the monolith, authorized, its log in a file, with a bare net/http handler that
// reads the same bytes from a bbolt file: the same connections ask each in turn, as fast as they are answered.
func BenchmarkReadByID(b *testing.B) {
	url, path, token := platform(b)
	header := "GET " + path + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " + token + "\r\nUser-Agent: bench\r\n\r\n"
	one := ask(b, strings.TrimPrefix(url, "http://"), []byte(header))
	bare := bareServer(b, path, one)
	if got := ask(b, bare, []byte(header)); !bytes.Equal(got, one) {
		b.Fatalf("the two do not answer alike: %s and %s", one, got)
	}
	var ours, theirs load
	for range rounds {
		ours.add(b, drive(b, strings.TrimPrefix(url, "http://"), []byte(header)))
		theirs.add(b, drive(b, bare, []byte(header)))
	}
	per := ours.ratios(theirs, func(r result) float64 { return float64(r.requests) })
	p99 := ours.ratios(theirs, func(r result) float64 { return float64(r.p99) })
	note(b, "read by id over HTTP, requests/s", fmt.Sprintf("%.0f", ours.perSecond()), fmt.Sprintf("%.0f", theirs.perSecond()), median(per), "≥ 0.5", median(per) >= 0.5)
	note(b, "read by id over HTTP, p99", ms(ours.p99()), ms(theirs.p99()), median(p99), "≤ 2.5", median(p99) <= 2.5)
	b.ReportMetric(median(per), "requests-ratio")
	b.ReportMetric(median(p99), "p99-ratio")
}

// platform starts the monolith in this process and makes an agent in it. It returns where it is, the agent's path and a token.
func platform(b *testing.B) (url, path, token string) {
	b.Helper()
	folder := b.TempDir()
	log := slog.New(slog.NewJSONHandler(logTo(b, filepath.Join(folder, "log")), nil))
	ctx, stop := context.WithCancel(context.Background())
	m, err := monolith.New(ctx, monolith.Config{Addr: "127.0.0.1:0", Data: filepath.Join(folder, "data"), AdminEmail: adminEmail,
		AdminPassword: adminPassword}, system.Real(), log)
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	d := journey.Deployment{URL: m.URL(), AdminEmail: adminEmail, AdminPassword: adminPassword}
	root := d.As(b, d.As(b, "").Must(200, "POST", "/v1/auth/sign-in", object{"email": adminEmail, "password": adminPassword}).Text("access_token"))
	invited := root.Must(201, "POST", "/v1/clients", object{"name": "Loja Azul", "slug": "loja-azul", "languages": []string{"pt-BR", "en"},
		"administrator": object{"email": "ana@loja.example", "name": "Ana"}})
	token = d.As(b, "").Must(200, "POST", "/v1/auth/invitations/accept", object{"token": invited.Text("invitation", "token"), "name": "Ana",
		"password": "um-segredo-bem-comprido-42"}).Text("access_token")
	ana := d.As(b, token)
	profile := ana.Must(201, "POST", "/v1/profiles", object{"name": "Loja Azul", "industry": "retail", "size": object{"employees": 120}}).Text("id")
	agent := ana.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	return m.URL(), "/v1/agents/" + agent, token
}

// bareServer answers with what it reads from a bbolt file, under the path as key. It returns its host and port.
func bareServer(b *testing.B, path string, body []byte) string {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	name := []byte("items")
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket(name)
		if err != nil {
			return err
		}
		return bucket.Put([]byte(path), body)
	})
	if err != nil {
		b.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/agents/{agent_id}", func(w http.ResponseWriter, r *http.Request) {
		err := db.View(func(tx *bbolt.Tx) error {
			w.Header().Set("Content-Type", "application/json")
			_, err := w.Write(tx.Bucket(name).Get([]byte(r.URL.Path)))
			return err
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			b.Error(err)
		}
	}()
	b.Cleanup(func() {
		if err := server.Close(); err != nil {
			b.Error(err)
		}
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return listener.Addr().String()
}

// result is of one round.
type result struct {
	requests int
	p99      time.Duration
	err      error
}

type load struct{ rounds []result }

func (l *load) add(b *testing.B, r result) {
	b.Helper()
	if r.err != nil {
		b.Fatal(r.err)
	}
	l.rounds = append(l.rounds, r)
}

func (l load) ratios(other load, of func(result) float64) []float64 {
	all := make([]float64, len(l.rounds))
	for i := range l.rounds {
		all[i] = of(l.rounds[i]) / of(other.rounds[i])
	}
	return all
}

func (l load) perSecond() float64 {
	all := make([]float64, len(l.rounds))
	for i, r := range l.rounds {
		all[i] = float64(r.requests) / roundTime.Seconds()
	}
	return median(all)
}

func (l load) p99() time.Duration {
	all := make([]time.Duration, len(l.rounds))
	for i, r := range l.rounds {
		all[i] = r.p99
	}
	return median(all)
}

// drive asks on all connections, for one round. Its client is a few reads and writes, since one as heavy as net/http's would hide
// what the servers cost behind its own cost.
func drive(b *testing.B, address string, request []byte) result {
	b.Helper()
	took := make([][]time.Duration, connections)
	errs := make([]error, connections)
	until := time.Now().Add(roundTime)
	var wg sync.WaitGroup
	for n := range connections {
		wg.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs[n] = err
				return
			}
			defer c.Close()
			for began := time.Now(); began.Before(until); {
				if _, errs[n] = c.ask(request); errs[n] != nil {
					return
				}
				now := time.Now()
				took[n] = append(took[n], now.Sub(began))
				began = now
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for n := range connections {
		if errs[n] != nil {
			return result{err: errs[n]}
		}
		all = append(all, took[n]...)
	}
	return result{requests: len(all), p99: quantile(all, 0.99)}
}

// ask makes one request on a connection of its own and returns the body.
func ask(b *testing.B, address string, request []byte) []byte {
	b.Helper()
	c, err := dial(address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	body, err := c.ask(request)
	if err != nil {
		b.Fatal(err)
	}
	return bytes.Clone(body)
}

// connection is a client that keeps its connection and reads answers that have a Content-Length.
type connection struct {
	net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(address string) (*connection, error) {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

// ask returns a body that is valid until the next call.
func (c *connection) ask(request []byte) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return nil, fmt.Errorf("answered with %s", status)
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) == len("\r\n") {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("no Content-Length: %w", os.ErrInvalid)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	_, err = io.ReadFull(c.in, c.body[:length])
	return c.body[:length], err
}
