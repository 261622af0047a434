package monolith

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nowgo/agents/internal/app"
	blobfolder "github.com/nowgo/agents/internal/blob/folder"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/cache/redis"
	"github.com/nowgo/agents/internal/denial"
	"github.com/nowgo/agents/internal/envelope/local"
	"github.com/nowgo/agents/internal/erasure"
	"github.com/nowgo/agents/internal/httpapi"
	"github.com/nowgo/agents/internal/identity"
	"github.com/nowgo/agents/internal/keykeeper"
	"github.com/nowgo/agents/internal/relay"
	"github.com/nowgo/agents/internal/settings"
	"github.com/nowgo/agents/internal/store/bolt"
	"github.com/nowgo/agents/internal/system"
)

const (
	drainTime    = 20 * time.Second // for requests under way when the process is told to end
	cacheBytes   = 128 << 20
	cacheEntries = 1 << 16
	meterEntries = 1 << 16
)

// Main runs the monolith until SIGINT or SIGTERM. What keeps it from starting is one line on standard error and status 2.
func Main() {
	e := settings.FromProcess()
	cfg := ReadConfig(e)
	if err := e.Err(); err != nil {
		settings.Fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := newLines(os.Stderr)
	err := run(ctx, cfg, slog.New(slog.NewJSONHandler(log, nil)))
	if err := errors.Join(err, log.Close()); err != nil {
		settings.Fail(err)
	}
}

func run(ctx context.Context, cfg Config, log *slog.Logger) error {
	m, err := New(ctx, cfg, system.Real(), log)
	if err != nil {
		return err
	}
	m.Welcome(os.Stdout)
	return m.Run(ctx)
}

// Monolith is the whole platform in this process.
type Monolith struct {
	cfg       Config
	listener  net.Listener
	server    *http.Server
	table     *bolt.Table
	blobs     *blobfolder.Store
	loop      *relay.Loop
	keeper    keykeeper.Keeper
	denials   *denial.Recorder
	eraser    *erasure.Worker
	log       *slog.Logger
	redis     *redis.Server // nil: caches are in memory
	email     string
	generated string // the administrator's password, where it was made just now
}

// New opens the data folder, the port and the table, and composes the platform. Nothing is left behind where it fails.
func New(ctx context.Context, cfg Config, sys system.System, log *slog.Logger) (_ *Monolith, err error) {
	m := &Monolith{cfg: cfg, email: cfg.AdminEmail, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if m.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr); err != nil {
		return m, fmt.Errorf("cannot listen on %s: %w (NOWGO_ADDR chooses another address)", cfg.Addr, err)
	}
	if m.cfg.PublicURL == "" {
		m.cfg.PublicURL = "http://" + m.listener.Addr().String()
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return m, fmt.Errorf("cannot use the data folder: %w (NOWGO_DATA chooses another)", err)
	}
	if err := m.open(ctx, sys, log); err != nil {
		return m, err
	}
	a, err := m.compose(ctx, sys, log)
	if err != nil {
		return m, err
	}
	if _, m.generated, err = a.Identity.EnsureGlobalAdmin(ctx, cfg.AdminEmail, cfg.AdminPassword); err != nil {
		return m, fmt.Errorf("cannot make the administrator of NOWGO_ADMIN_EMAIL: %w", err)
	}
	m.eraser = a.Eraser(app.Erasure{Rows: m.table})
	m.denials = a.Denials
	h, err := a.Handler(app.All()...)
	if err != nil {
		return m, err
	}
	trusted, err := parseProxies(cfg.Proxies)
	if err != nil {
		return m, err
	}
	m.server = &http.Server{Handler: trusted.behind(httpapi.Authenticate(a.Authorizer.Verdict, h)), ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return m, nil
}

func (m *Monolith) open(ctx context.Context, sys system.System, log *slog.Logger) (err error) {
	if m.table, err = bolt.Open(ctx, bolt.Config{Path: filepath.Join(m.cfg.Data, "nowgo.db"), System: sys, Log: log,
		Consumers: consumers()}); err != nil {
		return err
	}
	if m.blobs, err = blobfolder.Open(filepath.Join(m.cfg.Data, "blobs"), sys); err != nil {
		return err
	}
	m.loop, err = newLoop(m.table, m.blobs, sys, log)
	return err
}

func (m *Monolith) compose(ctx context.Context, sys system.System, log *slog.Logger) (*app.App, error) {
	file, err := identity.OpenKeyFile(filepath.Join(m.cfg.Data, "signing-keys.json"), sys)
	if err != nil {
		return nil, err
	}
	keys, err := identity.NewKeyRing(ctx, file.Load, sys, log)
	if err != nil {
		return nil, err
	}
	m.keeper = keykeeper.Keeper{Keys: file, Table: m.table, System: sys, Log: log}
	secret, err := loadSecret(filepath.Join(m.cfg.Data, "platform-secret"), sys)
	if err != nil {
		return nil, err
	}
	ports := app.Ports{Table: m.table, Blobs: m.blobs, Cache: memory.New(sys, cacheBytes, cacheEntries),
		Meter: memory.NewMeter(sys, meterEntries), RateShare: m.cfg.RateShare, Keys: keys,
		Secret: secret, System: sys, Log: log, PublicURL: m.cfg.PublicURL, Ready: m.table.Ready}
	if ports.Envelope, err = local.New(sys, secret); err != nil {
		return nil, err
	}
	if m.cfg.RedisURL != "" {
		if m.redis, err = redis.Open(m.cfg.RedisURL, log); err != nil {
			return nil, fmt.Errorf("NOWGO_REDIS_URL is %w", err)
		}
		ports.Cache, ports.Meter = m.redis, m.redis
	}
	if ports.Mail, err = sender(m.cfg.Mail, m.cfg.MailFrom, sys); err != nil {
		return nil, err
	}
	return app.New(ports)
}

// URL is where the platform answers.
func (m *Monolith) URL() string { return "http://" + m.listener.Addr().String() }

// Welcome prints where the platform is and what to try.
func (m *Monolith) Welcome(w io.Writer) {
	fmt.Fprintf(w, "NowGo Agents Platform is ready.\n\n  API    %s\n  Docs   %s/docs\n  Data   %s\n", m.URL(), m.URL(), m.cfg.Data)
	fmt.Fprintf(w, "  Admin  %s\n", m.email)
	if m.generated != "" {
		fmt.Fprintf(w, "  Password (made now, shown this once)  %s\n", m.generated)
	}
	fmt.Fprintf(w, `
Next:
  1. Sign in:          curl -s %[1]s/v1/auth/sign-in -H 'Content-Type: application/json' -d '{"email":"%[2]s","password":"…"}'
  2. Create a client:  curl -s %[1]s/v1/clients -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
       -d '{"name":"Loja Azul","slug":"loja-azul","languages":["pt-BR","en"],"administrator":{"email":"ana@lojaazul.example","name":"Ana"}}'
  3. Accept the invitation that the answer holds, and go on at %[1]s/docs
`, m.URL(), m.email)
}

// Run serves until ctx ends, then lets requests under way finish, carries the events there are, and closes the table.
func (m *Monolith) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { m.loop.Run(work) })
	background.Go(func() { m.keeper.Loop(work, time.Hour) })
	background.Go(func() { m.denials.Run(work) })
	background.Go(func() { m.erase(work) })
	served := make(chan error, 1)
	go func() { served <- m.server.Serve(m.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err = m.server.Shutdown(drain)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	stop()
	background.Wait()
	return errors.Join(err, m.close())
}

func (m *Monolith) close() error {
	var errs []error
	if m.listener != nil {
		if err := m.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if m.table != nil {
		errs = append(errs, m.table.Close())
	}
	if m.redis != nil {
		errs = append(errs, m.redis.Close())
	}
	if m.blobs != nil {
		errs = append(errs, m.blobs.Close())
	}
	return errors.Join(errs...)
}
