package redis

import (
	"context"
	_ "embed" // the scripts
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/nowgo/agents/internal/cache"
)

// The scripts run as one step each. They are told no time: they ask their server.
var (
	//go:embed take.lua
	takeText string
	//go:embed enter.lua
	enterText string
	//go:embed count.lua
	countText string

	takeScript  = redis.NewScript(takeText)
	enterScript = redis.NewScript(enterText)
	countScript = redis.NewScript(countText)
)

// run runs a script on one key. All scripts answer with an integer.
func (s *Server) run(ctx context.Context, script *redis.Script, key string, args ...any) (int64, error) {
	answer, err := s.do(ctx, func(ctx context.Context) (any, error) {
		return script.Run(ctx, s.client, []string{key}, args...).Int64()
	})
	n, _ := answer.(int64)
	return n, err
}

// Take implements [cache.Meter]. The script does what [cache.Bucket.Take] does, and answers with how long the bucket needed to be full
// before: from that this process finds the same result.
func (s *Server) Take(ctx context.Context, key cache.Key, b cache.Bucket, n int) (cache.Taken, error) {
	if err := b.Check(n); err != nil {
		return cache.Taken{}, err
	}
	interval := b.Interval().Microseconds()
	missing, err := s.run(ctx, takeScript, name(bucket, key), int64(b.Burst)*interval, int64(n)*interval)
	if err != nil {
		return cache.Taken{}, err
	}
	now := time.Unix(0, 0)
	_, taken := b.Take(now.Add(time.Duration(missing)*time.Microsecond), now, n)
	return taken, nil
}

// Enter implements [cache.Meter].
func (s *Server) Enter(ctx context.Context, key cache.Key, holder string, most int, lifetime time.Duration) (bool, error) {
	in, err := s.run(ctx, enterScript, name(holders, key), holder, most, lifetime.Milliseconds())
	return in == 1, err
}

// Leave implements [cache.Meter].
func (s *Server) Leave(ctx context.Context, key cache.Key, holder string) {
	s.attempt(ctx, func(ctx context.Context) error { return s.client.ZRem(ctx, name(holders, key), holder).Err() })
}

// Count implements [cache.Meter].
func (s *Server) Count(ctx context.Context, key cache.Key, by int64, lifetime time.Duration) (int64, error) {
	return s.run(ctx, countScript, name(count, key), by, max(lifetime, shortest).Milliseconds())
}
