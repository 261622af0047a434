package quota_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/cache/memory"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/quota"
	"github.com/nowgo/agents/internal/store/storetest"
	"github.com/nowgo/agents/internal/tenant"
)

// plans are the clients' plans, and how often one was asked for.
type plans struct {
	of    map[tenant.ID]string
	asked int
	fail  error
}

func (p *plans) Plan(_ context.Context, client tenant.ID) (string, error) {
	p.asked++
	return p.of[client], p.fail
}

type edge struct {
	*quota.Limiter
	clock *storetest.Clock
	plans *plans
}

func newEdge(t *testing.T, meter cache.Meter, share float64) edge {
	t.Helper()
	e := edge{clock: storetest.NewClock(), plans: &plans{of: map[tenant.ID]string{"cli_small": "starter", "cli_large": "business"}}}
	if meter == nil {
		meter = memory.NewMeter(e.clock.System(), 100)
	}
	book, err := quota.NewBook(e.plans, e.clock.System())
	if err != nil {
		t.Fatal(err)
	}
	if e.Limiter, err = quota.NewLimiter(meter, book, e.clock.System(), share); err != nil {
		t.Fatal(err)
	}
	return e
}

// admitted returns how many of n calls are admitted, and what the last one that was not is told.
func (e edge) admitted(t *testing.T, p tenant.Principal, address string, n int) (int, *fault.Error) {
	t.Helper()
	in := 0
	var refused *fault.Error
	for range n {
		_, err := e.Admit(t.Context(), tenant.Call{Principal: p, Address: address})
		switch {
		case err == nil:
			in++
		case !errors.As(err, &refused) || refused.Kind != fault.RateLimited || refused.Code != "rate_limited":
			t.Fatal(err)
		}
	}
	return in, refused
}

func person(client tenant.ID, user string) tenant.Principal {
	return tenant.Principal{Client: client, User: user, Role: tenant.AgentManager}
}

// INVARIANT 10.
func TestEachClientHasTheRateOfItsPlan(t *testing.T) {
	e := newEdge(t, nil, 1)
	for client, burst := range map[tenant.ID]int{"cli_small": 40, "cli_other": 200, "cli_large": 1000} {
		one, _ := e.admitted(t, person(client, "usr_1"), "", burst/2)
		two, refused := e.admitted(t, person(client, "usr_2"), "", burst)
		if one+two != burst || refused == nil {
			t.Errorf("%s: %d and %d admitted of a burst of %d", client, one, two, burst)
			continue
		}
		if refused.RetryAfter <= 0 || refused.RetryAfter > time.Second || len(refused.Limits) != 1 || refused.Limits[0].Name != quota.LimitRequests ||
			refused.Limits[0].Quota != burst || refused.Limits[0].Remaining != 0 || refused.Limits[0].Window != 2*time.Second ||
			refused.Limits[0].Reset != 2*time.Second {
			t.Errorf("%s is told %+v", client, refused)
		}
	}
	e.clock.Advance(time.Second)
	if in, _ := e.admitted(t, person("cli_small", "usr_1"), "", 100); in != 20 {
		t.Errorf("%d admitted after a second of 20", in)
	}
}

func TestWhoHasNoClientHasARateToo(t *testing.T) {
	e := newEdge(t, nil, 1)
	root := tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin}
	if in, _ := e.admitted(t, root, "192.0.2.1", 300); in != 200 {
		t.Errorf("%d of an administrator's calls admitted", in)
	}
	root.User = "usr_other"
	if in, _ := e.admitted(t, root, "192.0.2.1", 1); in != 1 {
		t.Error("another administrator is not admitted")
	}
	for _, c := range []struct {
		what, address string
		want          int
	}{{"an address", "192.0.2.1", 200}, {"another", "192.0.2.2", 200}, {"the first, as IPv6 has it", "::ffff:192.0.2.1", 0},
		{"a network", "2001:db8:1:2::1", 200}, {"another address of it", "2001:db8:1:2:ffff::9", 0}, {"the next network", "2001:db8:1:3::1", 200},
		{"no address", "@", 200}} {
		if in, _ := e.admitted(t, tenant.Principal{}, c.address, 201); in != c.want {
			t.Errorf("%s: %d strangers admitted, not %d", c.what, in, c.want)
		}
	}
	if e.plans.asked != 0 {
		t.Errorf("%d plans read for those who have none", e.plans.asked)
	}
}

func TestAKeyHasItsOwnRateBeside(t *testing.T) {
	e := newEdge(t, nil, 1)
	key := tenant.Principal{Client: "cli_small", User: "key_1", Role: tenant.AgentManager, Rate: 5}
	in, refused := e.admitted(t, key, "", 30)
	if in != 5 || refused == nil || len(refused.Limits) != 1 || refused.Limits[0].Name != quota.LimitKey || refused.Limits[0].Quota != 5 ||
		refused.Limits[0].Window != time.Minute || refused.RetryAfter != 12*time.Second {
		t.Errorf("%d admitted, and told %+v", in, refused)
	}
	if in, _ := e.admitted(t, person("cli_small", "usr_1"), "", 100); in != 35 {
		t.Errorf("%d admitted beside the key: what it was refused is not its client's", in)
	}
	key.User, key.Rate = "key_2", math.MaxInt
	if in, refused := e.admitted(t, key, "", 1); in != 0 || refused.Limits[1].Name != quota.LimitRequests {
		t.Errorf("%d admitted of a client that is over its rate", in)
	}
	other := key
	other.Client, other.User, other.Rate = "cli_other", "key_1", 5
	if in, _ := e.admitted(t, other, "", 1); in != 1 {
		t.Error("a key of another client with the same id is counted as this one")
	}
}

func TestAProcessGivesOutItsShare(t *testing.T) {
	e := newEdge(t, nil, 0.25)
	if in, _ := e.admitted(t, person("cli_small", "usr_1"), "", 100); in != 10 {
		t.Errorf("%d admitted of a quarter of 40", in)
	}
	e.clock.Advance(time.Second)
	if in, _ := e.admitted(t, person("cli_small", "usr_1"), "", 100); in != 5 {
		t.Errorf("%d admitted in a second of a quarter of 20", in)
	}
	for _, share := range []float64{0, -1, math.NaN(), math.Inf(1), 1001} {
		if _, err := quota.NewLimiter(nil, nil, e.clock.System(), share); err == nil {
			t.Errorf("a share of %g", share)
		}
	}
}

// silent is a meter that does not answer.
type silent struct{ cache.Meter }

func (silent) Take(context.Context, cache.Key, cache.Bucket, int) (cache.Taken, error) {
	return cache.Taken{}, fmt.Errorf("%w: gone", cache.ErrNoAnswer)
}

func (silent) Enter(context.Context, cache.Key, string, int, time.Duration) (bool, error) {
	return false, fmt.Errorf("%w: gone", cache.ErrNoAnswer)
}

func TestRatesFailOpen(t *testing.T) {
	e := newEdge(t, silent{}, 1)
	limits, err := e.Admit(t.Context(), tenant.Call{Principal: person("cli_small", "usr_1")})
	if err != nil || len(limits) != 0 {
		t.Errorf("%v, %v", limits, err)
	}
	end, err := e.Begin(t.Context(), tenant.Call{Principal: person("cli_small", "usr_1")})
	if err != nil {
		t.Fatal(err)
	}
	end()
}

func TestJobsAtTheSameTime(t *testing.T) {
	e := newEdge(t, nil, 1)
	call := tenant.Call{Principal: person("cli_small", "usr_1"), RequestID: "the-same-each-time"}
	begin := func() func() {
		t.Helper()
		end, err := e.Begin(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		return end
	}
	full := func(what string) {
		t.Helper()
		var refused *fault.Error
		if _, err := e.Begin(t.Context(), call); !errors.As(err, &refused) || refused.Code != "too_many_jobs" || refused.RetryAfter <= 0 ||
			refused.Limits[0].Quota != 2 || refused.Limits[0].Window != 0 {
			t.Errorf("%s: %v", what, err)
		}
	}
	end := begin()
	begin()
	full("a third of two")
	if _, err := e.Begin(t.Context(), tenant.Call{Principal: person("cli_other", "usr_1")}); err != nil {
		t.Errorf("another client's: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	end()
	end()
	if second, err := e.Begin(ctx, call); err != nil {
		t.Error(err)
	} else {
		full("with one that began instead")
		second() // of a caller who went away
	}
	begin()
	full("with another instead")
	e.clock.Advance(5 * time.Minute)
	begin()
	if _, err := e.Begin(t.Context(), tenant.Call{Principal: tenant.Principal{User: "usr_root", Role: tenant.GlobalAdmin}}); err != nil {
		t.Errorf("an administrator's: %v", err)
	}
}

func TestPlansAreReadEveryFifteenSeconds(t *testing.T) {
	e := newEdge(t, nil, 1)
	call := tenant.Call{Principal: person("cli_small", "usr_1")}
	quotaNow := func() int {
		t.Helper()
		limits, err := e.Admit(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		return limits[0].Quota
	}
	for range 10 {
		if got := quotaNow(); got != 40 {
			t.Errorf("a quota of %d", got)
		}
	}
	if e.plans.asked != 1 {
		t.Errorf("the plan was read %d times", e.plans.asked)
	}
	e.plans.of["cli_small"] = "business"
	e.clock.Advance(14 * time.Second)
	if got := quotaNow(); got != 40 {
		t.Errorf("after 14 seconds a quota of %d", got)
	}
	e.clock.Advance(time.Second)
	if got := quotaNow(); got != 1000 || e.plans.asked != 2 {
		t.Errorf("after 15 seconds a quota of %d, and %d reads", got, e.plans.asked)
	}
	e.plans.fail = errors.New("no table")
	e.clock.Advance(15 * time.Second)
	for range 5 {
		if got := quotaNow(); got != 1000 {
			t.Errorf("with a plan that cannot be read a quota of %d", got)
		}
	}
	if e.plans.asked != 3 {
		t.Errorf("a plan that cannot be read was asked for %d times", e.plans.asked-2)
	}
	e.plans.fail = nil
	e.clock.Advance(2 * time.Second)
	if quotaNow(); e.plans.asked != 4 {
		t.Error("it was not tried again")
	}
}

func TestPlansGrow(t *testing.T) {
	all := quota.Plans()
	for i, p := range all {
		if err := p.Requests.Check(1); err != nil || p.Jobs < 1 || p.Messages < 8 {
			t.Errorf("%+v: %v", p, err)
		}
		if p.Tokens/8 < 10*6000 {
			t.Errorf("%s: an eighth of the tokens is not enough for ten turns", p.Name)
		}
		if got, ok := quota.Find(p.Name); !ok || got != p {
			t.Errorf("%s is not found", p.Name)
		}
		if i > 0 && (p.Requests.PerSecond <= all[i-1].Requests.PerSecond || p.Jobs <= all[i-1].Jobs || p.Messages <= all[i-1].Messages || p.Tokens <= all[i-1].Tokens) {
			t.Errorf("%s is not more than %s", p.Name, all[i-1].Name)
		}
	}
	if p, ok := quota.Find("free"); ok || p.Name != quota.Default {
		t.Errorf("%+v, %v", p, ok)
	}
}
