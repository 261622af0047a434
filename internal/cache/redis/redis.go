// Package redis is the cache and the meter in a Redis server (5 or later, or what speaks its protocol), shared by all processes of a
// deployment. It stands on redis/go-redis, the field's usual client (2 MB of a binary), and sony/gobreaker.
//
// Keys are `nowgo:{client}:sort:kind:id`, each part escaped as in a query (RFC 3986 §2.1), so that no two keys are one. The braces make a
// client's keys one slot of a Redis cluster. Times are the server's, so that the clocks of the processes do not matter.
//
// What has no answer after 100 ms behaves as an empty cache and as a meter with [cache.ErrNoAnswer]. After three such calls in a row
// the server is left alone for a second; then one call tries again. A server that is full answers, with an error: what it
// keeps can be read, and what could not be replaced is forgotten.
//
// A value that was replaced or deleted while the server did not answer is there again afterwards, for the rest of its lifetime: no use
// may be wrong for that long.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/sony/gobreaker/v2"

	"github.com/nowgo/agents/internal/cache"
)

const (
	timeout   = 100 * time.Millisecond // of a call, connecting included
	failures  = 3                      // in a row, and the server is left alone
	respite   = time.Second            // for so long
	poolSize  = 64                     // connections
	shortest  = time.Millisecond       // of a lifetime that Redis takes
	separator = ":"
)

// The client's own lines would be one for each connection that fails; the circuit's say the same once.
func init() { logging.Disable() }

// Server is a Redis server as the cache and the meter. It may be used concurrently. Make it with [Open].
type Server struct {
	client  *redis.Client
	breaker *gobreaker.CircuitBreaker[any]
}

var (
	_ cache.Cache = (*Server)(nil)
	_ cache.Meter = (*Server)(nil)
)

// Open returns the server at a URL such as redis://user:secret@host:6379/0, or rediss://… for TLS. It connects when it is first asked, so
// that a process starts without its cache. The error never holds the URL, which may hold a password.
func Open(address string, log *slog.Logger) (*Server, error) {
	o, err := redis.ParseURL(address)
	if err != nil {
		var inside *url.Error
		if errors.As(err, &inside) {
			err = inside.Err
		}
		return nil, fmt.Errorf("not the URL of a Redis server, such as redis://host:6379/0: %w", err)
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = timeout, timeout, timeout, timeout
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	o.PoolSize, o.MaxActiveConns = poolSize, poolSize
	o.Protocol, o.DisableIdentity = 2, true // no hellos that older servers and proxies refuse
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12
	}
	breaker := gobreaker.NewCircuitBreaker[any](gobreaker.Settings{Name: "redis", Timeout: respite,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		IsSuccessful: answered,
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller went away
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("cache", slog.String("from", from.String()), slog.String("to", to.String()))
		}})
	return &Server{client: redis.NewClient(o), breaker: breaker}, nil
}

// Close ends the connections.
func (s *Server) Close() error { return s.client.Close() }

// answered reports whether the server answered, be it with an error of its own. One that is still reading its file has not.
func answered(err error) bool {
	var said redis.Error
	return err == nil || errors.As(err, &said) && !redis.HasErrorPrefix(err, "LOADING")
}

// do asks the server within the timeout, unless it is left alone just now. Its error wraps [cache.ErrNoAnswer], or is redis.Nil.
func (s *Server) do(ctx context.Context, ask func(context.Context) (any, error)) (any, error) {
	answer, err := s.breaker.Execute(func() (any, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return ask(ctx)
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("%w: %w", cache.ErrNoAnswer, err)
	}
	return answer, err
}

// The sorts of what is kept under a key.
const (
	value   = "v"
	bucket  = "b"
	holders = "h"
	count   = "c"
)

// name returns the key's name in the server. [url.QueryEscape] leaves neither a brace nor the separator in a part.
func name(sort string, key cache.Key) string {
	return "nowgo:{" + url.QueryEscape(string(key.Client())) + "}" + separator + sort + separator +
		url.QueryEscape(key.Kind()) + separator + url.QueryEscape(key.ID())
}

// Get implements [cache.Cache].
func (s *Server) Get(ctx context.Context, key cache.Key) ([]byte, bool) {
	answer, err := s.do(ctx, func(ctx context.Context) (any, error) { return s.client.Get(ctx, name(value, key)).Bytes() })
	if err != nil {
		return nil, false
	}
	kept, ok := answer.([]byte)
	return kept, ok
}

// Set implements [cache.Cache]. A server that is full keeps neither the value nor the one that it would have replaced.
func (s *Server) Set(ctx context.Context, key cache.Key, kept []byte, lifetime time.Duration) {
	if lifetime < shortest {
		s.Delete(ctx, key)
		return
	}
	_, err := s.do(ctx, func(ctx context.Context) (any, error) {
		return nil, s.client.Set(ctx, name(value, key), kept, lifetime).Err()
	})
	if err != nil && answered(err) {
		s.Delete(ctx, key)
	}
}

// Delete implements [cache.Cache].
func (s *Server) Delete(ctx context.Context, key cache.Key) {
	s.attempt(ctx, func(ctx context.Context) error { return s.client.Del(ctx, name(value, key)).Err() })
}

// attempt asks for what its lifetime does later, where the server does not answer. It reports whether the server did.
func (s *Server) attempt(ctx context.Context, ask func(context.Context) error) bool {
	_, err := s.do(ctx, func(ctx context.Context) (any, error) { return nil, ask(ctx) })
	return err == nil
}
