package journey

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nowgo/agents/tests/env"
)

// INVARIANT 10: a client that asks for ten times its quota is held to it, and the others are not.
func TestFairness(t *testing.T) {
	p := StartMonolith(t, BuildMonolith(t), t.TempDir(), "NOWGO_RATE_SHARE=1")
	d := p.Deployment()
	companies := make([]company, 5)
	for i := range companies {
		companies[i] = onboard(t, d, "Loja", unique("loja"))
	}
	greedy := starter(t, d, companies[0])
	t.Run("one client over its rate", func(t *testing.T) { oneOver(t, companies) })
	t.Run("a key over its own rate", func(t *testing.T) { keyOver(t, companies[1]) })
	t.Run("strangers", func(t *testing.T) { strangers(t, d, companies[1]) })
	t.Run("usage", func(t *testing.T) { usage(t, greedy, companies[1]) })
	if status := p.Stop(t); status != 0 {
		t.Errorf("ended with status %d: %s", status, p.Log())
	}
}

// starter gives a client the smallest plan and waits until that is in force: 15 seconds.
func starter(t *testing.T, d Deployment, c company) company {
	root := signIn(t, d, d.AdminEmail, d.AdminPassword)
	seen := root.Must(200, "GET", "/v1/clients/"+c.id, nil)
	if plan := seen.Text("plan"); plan != "standard" {
		t.Errorf("a client of whom nothing was said has the plan %q", plan)
	}
	root.Must(200, "PATCH", "/v1/clients/"+c.id, object{"plan": "starter"}, "If-Match", seen.Header.Get("ETag"))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		now := c.admin.Do("GET", "/v1/client", nil).Header.Get("RateLimit-Policy")
		if now == `"requests";q=40;w=2` {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("the change of plan is not in force: %s", now)
		}
	}
}

// oneOver lets the first company ask for ten times the 20 requests a second of its plan, for three seconds, beside the others at 10 each.
func oneOver(t *testing.T, companies []company) {
	const (
		length = 3 * time.Second
		rate   = 20
		burst  = 40
	)
	var wg sync.WaitGroup
	counts := make([]map[int]int, len(companies))
	began := time.Now()
	var took time.Duration // of the greedy one, until its last answer
	for i, c := range companies {
		c.admin.t = t
		every := time.Second / 10
		if i == 0 {
			every = time.Second / (10 * rate)
		}
		wg.Go(func() {
			counts[i] = paced(c, length, every)
			if i == 0 {
				took = time.Since(began)
			}
		})
	}
	wg.Wait()
	admitted, refused := counts[0][200], counts[0][429]
	if most := burst + int(took.Seconds()*rate) + 1; admitted > most || admitted < rate*2 {
		t.Errorf("%d of the greedy one's admitted within %s: a bucket of %d and %d a second", admitted, took, burst, rate)
	}
	if refused < admitted || admitted+refused != sum(counts[0]) {
		t.Errorf("the greedy one's answers: %v", counts[0])
	}
	for _, others := range counts[1:] {
		if others[200] == 0 || others[200] != sum(others) {
			t.Errorf("another's answers: %v", others)
		}
	}
	over := refuse(t, companies[0].admin)
	if after, err := strconv.Atoi(over.Header.Get("Retry-After")); err != nil || after != 1 {
		t.Errorf("Retry-After: %q", over.Header.Get("Retry-After"))
	}
	if got := over.Header.Get("RateLimit"); !strings.HasPrefix(got, `"requests";r=0;t=`) {
		t.Errorf("RateLimit: %s", got)
	}
	t.Logf("in %s: greedy %v, others %v", took.Round(time.Millisecond), counts[0], counts[1:])
}

func sum(counts map[int]int) int {
	all := 0
	for _, n := range counts {
		all += n
	}
	return all
}

// paced asks at a steady pace, whether answers have come or not, and counts the statuses.
func paced(c company, length, every time.Duration) map[int]int {
	statuses := make(chan int, int(length/every)+1)
	var wg sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
		wg.Go(func() { statuses <- c.admin.Do("GET", "/v1/client", nil).Status })
	}
	wg.Wait()
	close(statuses)
	counts := map[int]int{}
	for s := range statuses {
		counts[s]++
	}
	return counts
}

// refuse asks until it is refused.
func refuse(t *testing.T, c *Caller) Answer {
	t.Helper()
	for range 2000 {
		if a := c.Do("GET", "/v1/client", nil); a.Status == http.StatusTooManyRequests {
			if code := a.Text("code"); code != "rate_limited" {
				t.Errorf("refused with %s", code)
			}
			return a
		}
	}
	t.Fatal("never refused")
	return Answer{}
}

func keyOver(t *testing.T, c company) {
	c.admin.t = t
	made := c.admin.Must(201, "POST", "/v1/api-keys", object{"name": "slow", "role": "agent_manager", "rate": 3,
		"scopes": []string{"get-own-client"}})
	key := c.d.As(t, made.Text("key"))
	for range 3 {
		key.Must(200, "GET", "/v1/client", nil)
	}
	over := key.Refused(429, "rate_limited", "GET", "/v1/client", nil)
	if got := over.Header.Get("RateLimit-Policy"); got != `"key";q=3;w=60` {
		t.Errorf("RateLimit-Policy: %s", got)
	}
	both := c.admin.Must(200, "GET", "/v1/client", nil).Header
	if got := both.Get("RateLimit-Policy"); got != `"requests";q=200;w=2` {
		t.Errorf("its client's RateLimit-Policy: %s", got)
	}
}

// strangers are counted by their address, whatever they send as a credential, and cost nobody who is known.
func strangers(t *testing.T, d Deployment, c company) {
	c.admin.t = t
	for i := range 2000 {
		a := d.As(t, []string{"", "guessed"}[i%2]).Do("GET", "/v1/client", nil)
		if a.Status == http.StatusTooManyRequests {
			c.admin.Must(200, "GET", "/v1/client", nil)
			d.As(t, "").Must(200, "GET", "/healthz", nil)
			return
		}
		if a.Status != http.StatusUnauthorized {
			t.Fatalf("%d: %s", a.Status, a.Raw)
		}
	}
	t.Error("never refused")
}

func usage(t *testing.T, greedy, other company) {
	greedy.admin.t, other.admin.t = t, t
	var u struct {
		Plan             string
		Requests         struct{ Burst int }
		Messages, Tokens struct {
			Limit, Used, Remaining int
			ResetsAt               time.Time `json:"resets_at"`
		}
	}
	other.admin.Must(200, "GET", "/v1/usage", nil).Into(&u)
	if u.Plan != "standard" || u.Requests.Burst != 200 || u.Messages.Used != 0 || u.Messages.Remaining != u.Messages.Limit || u.Tokens.ResetsAt.Before(time.Now()) {
		t.Errorf("%+v", u)
	}
	profile := other.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 2}}).Text("id")
	agent := other.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
	other.admin.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
	talk := other.admin.Must(201, "POST", "/v1/agents/"+agent+"/conversations", object{}).Text("id")
	other.admin.Must(201, "POST", "/v1/conversations/"+talk+"/messages", object{"text": "Vocês abrem no domingo?"})
	other.admin.Must(200, "GET", "/v1/usage", nil).Into(&u)
	if u.Messages.Used != 1 || u.Tokens.Used == 0 || u.Tokens.Remaining != u.Tokens.Limit-u.Tokens.Used {
		t.Errorf("after one turn: %+v", u)
	}
	if user := other.join(t, "rui", "standard_user"); user.Do("GET", "/v1/usage", nil).Status != 403 {
		t.Error("a standard user reads the client's usage")
	}
}

// TestWithoutItsCache holds that the platform goes on while its Redis server hangs, is gone, comes back, and is full.
func TestWithoutItsCache(t *testing.T) {
	redis := env.Redis(t, "--maxmemory", "4mb", "--maxmemory-policy", "noeviction")
	p := StartMonolith(t, BuildMonolith(t), t.TempDir(), "NOWGO_REDIS_URL="+redis.URL(), "NOWGO_RATE_SHARE=1")
	d := p.Deployment()
	c := onboard(t, d, "Loja Azul", unique("loja-azul"))
	limited := func() bool { return c.admin.Must(200, "GET", "/v1/client", nil).Header.Get("RateLimit") != "" }
	if !limited() {
		t.Error("no rate is counted with a server that answers")
	}
	n := 0
	works := func(what string) {
		t.Helper()
		n++
		began := time.Now()
		profile := c.admin.Must(201, "POST", "/v1/profiles", object{"name": "Loja", "industry": "retail", "size": object{"employees": 2}}).Text("id")
		agent := c.admin.Must(201, "POST", "/v1/agents", object{"profile_id": profile, "template": "retail", "name": "Sofia"}).Text("id")
		c.admin.Must(201, "POST", "/v1/agents/"+agent+"/documents", object{"name": "faq.md", "content_type": "text/markdown",
			"content": "# Horário\n\nAbrimos no domingo, das 10 às 16 horas."})
		c.admin.Must(200, "POST", "/v1/agents/"+agent+"/publish", nil)
		talk := c.admin.Must(201, "POST", "/v1/agents/"+agent+"/conversations", object{}).Text("id")
		answer := c.admin.Must(201, "POST", "/v1/conversations/"+talk+"/messages", object{"text": "Vocês abrem no domingo?"}).Text("reply", "text")
		if !strings.Contains(answer, "domingo") {
			t.Errorf("%s: %s", what, answer)
		}
		signIn(t, d, c.email, password)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: that took %s", what, took)
		}
	}
	again := func(what string) {
		t.Helper()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(30 * time.Second); !limited(); <-tick.C {
			if time.Now().After(deadline) {
				t.Fatalf("%s: rates are not counted again", what)
			}
		}
	}
	works("with a server that answers")
	redis.Signal(syscall.SIGSTOP)
	works("with a server that hangs")
	redis.Signal(syscall.SIGCONT)
	again("after it hung")
	redis.Kill()
	works("without a server")
	redis.Start()
	again("after it was gone")
	redis.Fill()
	works("with a server that is full")
	if limited() {
		t.Error("a server that is full counts")
	}
	redis.Kill()
	redis.Start()
	again("after it was full")
	works("in the end")
	if n != 5 {
		t.Errorf("worked %d times", n)
	}
	if status := p.Stop(t); status != 0 {
		t.Errorf("ended with status %d: %s", status, p.Log())
	}
	if !strings.Contains(p.Log(), fmt.Sprintf("%q:%q", "to", "open")) {
		t.Error("the log does not say that the cache was left alone")
	}
}
