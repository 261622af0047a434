package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/cache/cachetest"
	"github.com/nowgo/agents/internal/cache/redis"
	"github.com/nowgo/agents/internal/tenant"
	"github.com/nowgo/agents/tests/env"
)

func TestMain(m *testing.M) { os.Exit(env.Main(m)) }

// past moves everything that the server keeps into the past, which is all that a passing time does to it.
var past = goredis.NewScript(`
for _, key in ipairs(redis.call('KEYS', 'nowgo:*')) do
	local sort, ttl = string.match(key, '^nowgo:{[^}]*}:(%a):'), redis.call('PTTL', key)
	if sort == 'b' then
		redis.call('SET', key, string.format('%.0f', redis.call('GET', key) - ARGV[1] * 1000), 'KEEPTTL')
	elseif sort == 'h' then
		for _, holder in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], holder) end
	elseif sort ~= 'v' and sort ~= 'c' then
		return redis.error_reply('what is ' .. key)
	end
	if ttl < 0 then return redis.error_reply(key .. ' never goes') end
	if ttl > tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ttl - ARGV[1]) else redis.call('DEL', key) end
end
return 1`)

func open(t *testing.T, s *env.RedisServer) *redis.Server {
	t.Helper()
	r, err := redis.Open(s.URL(), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// direct is a client of the server beside the adapter's.
func direct(t *testing.T, s *env.RedisServer) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func opener(t *testing.T) func(t *testing.T) (*redis.Server, func(time.Duration)) {
	s := env.Redis(t)
	return func(t *testing.T) (*redis.Server, func(time.Duration)) {
		c := direct(t, s)
		if err := c.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return open(t, s), func(d time.Duration) {
			if err := past.Run(t.Context(), c, nil, d.Milliseconds()).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCache(t *testing.T) {
	fresh := opener(t)
	cachetest.Run(t, func(t *testing.T) cachetest.Subject {
		r, pass := fresh(t)
		return cachetest.Subject{Cache: r, Pass: pass}
	})
}

func TestMeter(t *testing.T) {
	fresh := opener(t)
	cachetest.RunMeter(t, func(t *testing.T) cachetest.MeterSubject {
		r, pass := fresh(t)
		return cachetest.MeterSubject{Meter: r, Pass: pass}
	})
}

func TestTwoProcessesShareOneBucket(t *testing.T) {
	s := env.Redis(t)
	one, two := open(t, s), open(t, s)
	b := cache.Bucket{PerSecond: 1. / 3600, Burst: 3}
	for i, m := range []*redis.Server{one, two, one, two} {
		taken, err := m.Take(t.Context(), key("a"), b, 1)
		if err != nil || taken.OK != (i < 3) {
			t.Errorf("taken %d: %+v, %v", i, taken, err)
		}
	}
}

func TestNoKeyStaysForever(t *testing.T) {
	s := env.Redis(t)
	r, c := open(t, s), direct(t, s)
	r.Set(t.Context(), key("a"), []byte("x"), time.Hour)
	if _, err := r.Take(t.Context(), key("a"), cache.Bucket{PerSecond: 1, Burst: 5}, 1); err != nil {
		t.Fatal(err)
	}
	for _, lifetime := range []time.Duration{time.Hour, time.Second} {
		if in, err := r.Enter(t.Context(), key("a"), lifetime.String(), 9, lifetime); !in || err != nil {
			t.Fatal(in, err)
		}
	}
	if _, err := r.Count(t.Context(), key("a"), 1, time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]time.Duration{"v": time.Hour, "b": time.Second, "h": time.Hour, "c": time.Hour} {
		ttl, err := c.PTTL(t.Context(), "nowgo:{cli_one}:"+name+":kind:a").Result()
		if err != nil || ttl <= 0 || ttl > most || name != "b" && ttl < most/2 {
			t.Errorf("%s lives for %s, %v", name, ttl, err)
		}
	}
	if n, err := c.DBSize(t.Context()).Result(); n != 4 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestWhatIsNoAddress(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:6379", "http://x:s3cret@y", "redis://x:s3cret@[::1", "redis://u:s3cret@h:6379/zero", "redis://:s3cret@h/0?nonsense=1"} {
		_, err := redis.Open(address, slog.Default())
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func key(id string) cache.Key { return cache.Of("cli_one", "kind", id) }

// answers polls until the server is heard again.
func answers(t *testing.T, r *redis.Server) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		if _, err := r.Count(t.Context(), key("again"), 0, time.Minute); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// absent holds the adapter to what is promised of a server that does not answer, a hundred times over: without the circuit that would
// take ten seconds of a server that hangs.
func absent(t *testing.T, r *redis.Server) {
	t.Helper()
	began := time.Now()
	for range 20 {
		if kept, ok := r.Get(t.Context(), key("a")); ok {
			t.Fatalf("Get: %q", kept)
		}
		r.Set(t.Context(), key("a"), []byte("lost"), time.Minute)
		if _, err := r.Count(t.Context(), key("n"), 1, time.Minute); !errors.Is(err, cache.ErrNoAnswer) {
			t.Fatalf("Count: %v", err)
		}
		if taken, err := r.Take(t.Context(), key("b"), cache.Bucket{PerSecond: 1, Burst: 1}, 1); !errors.Is(err, cache.ErrNoAnswer) || taken.OK {
			t.Fatalf("Take: %+v, %v", taken, err)
		}
		if in, err := r.Enter(t.Context(), key("h"), "a", 1, time.Minute); !errors.Is(err, cache.ErrNoAnswer) || in {
			t.Fatalf("Enter: %v, %v", in, err)
		}
		r.Leave(t.Context(), key("h"), "a")
		r.Delete(t.Context(), key("a"))
	}
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("140 calls of a server that does not answer took %s: nobody left it alone", took)
	}
}

func TestAServerThatHangs(t *testing.T) {
	s := env.Redis(t)
	r := open(t, s)
	r.Set(t.Context(), key("a"), []byte("kept"), time.Minute)
	s.Signal(syscall.SIGSTOP)
	began := time.Now()
	if _, err := r.Count(t.Context(), key("n"), 1, time.Minute); !errors.Is(err, cache.ErrNoAnswer) || time.Since(began) > 2*time.Second {
		t.Errorf("the first call of a server that hangs: %v after %s", err, time.Since(began))
	}
	absent(t, r)
	s.Signal(syscall.SIGCONT)
	answers(t, r)
	r.Set(t.Context(), key("c"), []byte("new"), time.Minute)
	if kept, ok := r.Get(t.Context(), key("c")); !ok || string(kept) != "new" {
		t.Errorf("afterwards: %q, %v", kept, ok)
	}
}

func TestAServerThatIsGoneAndComesBack(t *testing.T) {
	s := env.Redis(t)
	r := open(t, s)
	r.Set(t.Context(), key("a"), []byte("kept"), time.Minute)
	if _, err := r.Count(t.Context(), key("n"), 5, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	absent(t, r)
	s.Start()
	answers(t, r)
	if _, ok := r.Get(t.Context(), key("a")); ok {
		t.Error("a server that was restarted empty has the value")
	}
	if n, err := r.Count(t.Context(), key("n"), 1, time.Minute); n != 1 || err != nil {
		t.Errorf("counted from %d, %v", n, err)
	}
	if taken, err := r.Take(t.Context(), key("b"), cache.Bucket{PerSecond: 1, Burst: 1}, 1); !taken.OK || err != nil {
		t.Errorf("the scripts, which the server has forgotten: %+v, %v", taken, err)
	}
}

func TestAServerThatIsFull(t *testing.T) {
	s := env.Redis(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	r := open(t, s)
	r.Set(t.Context(), key("kept"), []byte("kept"), time.Minute)
	r.Set(t.Context(), key("replaced"), []byte("old"), time.Minute)
	if in, err := r.Enter(t.Context(), key("h"), "a", 1, time.Minute); !in || err != nil {
		t.Fatal(in, err)
	}
	fill(t, r)
	if kept, ok := r.Get(t.Context(), key("kept")); !ok || string(kept) != "kept" {
		t.Errorf("what is kept: %q, %v", kept, ok)
	}
	r.Set(t.Context(), key("replaced"), bytes.Repeat([]byte("new"), 1<<19), time.Minute)
	if kept, ok := r.Get(t.Context(), key("replaced")); ok {
		t.Errorf("what could not be replaced: %q is still there", kept[:3])
	}
	for range 10 { // an error of its own is an answer: the server is not left alone
		if _, err := r.Count(t.Context(), key("n"), 1, time.Minute); !errors.Is(err, cache.ErrNoAnswer) {
			t.Errorf("Count: %v", err)
		}
	}
	if taken, err := r.Take(t.Context(), key("b"), cache.Bucket{PerSecond: 1, Burst: 1}, 1); !errors.Is(err, cache.ErrNoAnswer) || taken.OK {
		t.Errorf("Take: %+v, %v", taken, err)
	}
	if in, err := r.Enter(t.Context(), key("h"), "b", 2, time.Minute); !errors.Is(err, cache.ErrNoAnswer) || in {
		t.Errorf("Enter: %v, %v", in, err)
	}
	r.Leave(t.Context(), key("h"), "a")
	if kept, ok := r.Get(t.Context(), key("kept")); !ok || string(kept) != "kept" {
		t.Errorf("what is kept, still: %q, %v", kept, ok)
	}
	if n, err := direct(t, s).Exists(t.Context(), "nowgo:{cli_one}:h:kind:h").Result(); n != 0 || err != nil {
		t.Errorf("who left a full server is in it: %d, %v", n, err)
	}
}

// fill sets values until the server takes none, however small.
func fill(t *testing.T, r *redis.Server) {
	t.Helper()
	for size := 1 << 18; size > 0; size /= 2 {
		for i := 0; ; i++ {
			id := fmt.Sprintf("%d of %d", i, size)
			r.Set(t.Context(), key(id), make([]byte, size), time.Minute)
			if _, ok := r.Get(t.Context(), key(id)); !ok {
				break
			}
		}
	}
}

func TestClearForgetsOneClient(t *testing.T) {
	s := env.Redis(t)
	r := open(t, s)
	clients := []tenant.ID{"cli_one", "cli_one2", "cli_on", "cli_*", "cli_?ne", ""}
	for _, client := range clients {
		for i := range 30 {
			r.Set(t.Context(), cache.Of(client, "kind", fmt.Sprint(i)), []byte("x"), time.Hour)
		}
		if _, err := r.Count(t.Context(), cache.Of(client, "kind", "n"), 1, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	forgotten := map[tenant.ID]bool{}
	for _, gone := range []tenant.ID{"cli_one", "cli_*"} {
		if err := r.Clear(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		forgotten[gone] = true
		for _, client := range clients {
			_, ok := r.Get(t.Context(), cache.Of(client, "kind", "7"))
			n, err := r.Count(t.Context(), cache.Of(client, "kind", "n"), 0, time.Hour)
			if ok == forgotten[client] || (n == 0) != forgotten[client] || err != nil {
				t.Errorf("after %q was cleared %q has %v, %d, %v", gone, client, ok, n, err)
			}
		}
	}
	s.Kill()
	if err := r.Clear(t.Context(), "cli_one"); !errors.Is(err, cache.ErrNoAnswer) {
		t.Errorf("without a server: %v", err)
	}
}
