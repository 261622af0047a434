package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nowgo/agents/events"
	"github.com/nowgo/agents/internal/audit"
	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/store/directory"
	"github.com/nowgo/agents/internal/tenant"
)

// How guessing is slowed down. Three things are counted, for accounts that exist and for those that do not alike:
//
//   - The attempts of one network upon one account. After [pairFree] in a row the next must wait, twice as long each time, up to
//     [LongestPause]; what comes earlier is refused. The right secret ends it.
//   - The failures of one network in an hour, whatever the account: after [networkFree] the same, so that a list of stolen passwords
//     cannot be tried out from one place.
//   - The failures upon one account in an hour, from wherever: after [accountFree] each answer, right or wrong, comes later, by up to
//     [LongestDelay]. It is never refused: whoever could bring that about could lock another out.
//
// So refusals only ever hit the network that failed: nobody elsewhere can bring them upon a person, and a person behind the same
// address as an attacker shares them, which is why the account's own pause needs the attacker to name it and the network's takes many
// failures. A network is an IPv4 address, or the /64 of an IPv6 one (RFC 6177: the smallest that a site gets).
//
// An attempt is counted before its secret is looked at, so that a thousand at once count as a thousand. Refused ones do not count, and
// so prolong nothing. Many networks against one account are limited to what each of them may, some ten an hour; against that stand the
// passwords that nobody may choose, and the second factor.
//
// Where the meter does not answer, attempts go on (fail open): otherwise an outage of the cache would be one of all sign-ins. The
// brake that remains is the hasher, which computes as many hashes at once as there are cores. A meter in memory counts one process's.
const (
	pairFree    = 5
	networkFree = 100
	accountFree = 5

	firstPause   = 2 * time.Second
	LongestPause = 15 * time.Minute // of a network, after failures

	firstDelay   = 100 * time.Millisecond
	LongestDelay = 3 * time.Second // of every answer about an account under attack

	slowMemory = time.Hour
)

// What can be guessed; each is counted by itself.
const (
	guessPassword = "password"
)

// slow counts an attempt to guess a secret of the account, and waits where that account is under attack. What is the sort of secret,
// and account its address, or another name of whose it is. Call it before the secret is looked at, and done with whether the secret
// was right; an attempt whose done is not called was a failure.
//
// Errors: fault.RateLimited `too_many_attempts` with RetryAfter, recorded once for each burst; ctx's.
func (s *Service) slow(ctx context.Context, op, what, account string) (done func(right bool), err error) {
	from := network(tenant.CallFrom(ctx).Address)
	hour := strconv.FormatInt(s.System.Now().Unix()/int64(slowMemory/time.Second), 10)
	if email, err := directory.NormalizeEmail(account); err == nil {
		account = email
	}
	pair := meterKey(what+" pair", from, account)
	ofNetwork, ofAccount := meterKey("failures of network", from, hour), meterKey(what+" of account", account, hour)

	if retry, _ := s.pause(ctx, ofNetwork, networkFree, func() cache.Key { return meterKey("network", from) }); retry > 0 {
		s.uncount(ctx, 1, ofNetwork)
		return nil, s.tooMany(ctx, op, what, account, from, retry)
	}
	rights := meterKey(what+" right", from, account)
	retry, paced := s.pause(ctx, pair, pairFree, func() cache.Key {
		n, err := s.Meter.Count(ctx, rights, 0, slowMemory)
		if err != nil {
			n = 0 // as where none was ever right
		}
		return meterKey(what+" turn", from, account, strconv.FormatInt(n, 10))
	})
	if retry > 0 {
		s.uncount(ctx, 1, ofNetwork, pair)
		return nil, s.tooMany(ctx, op, what, account, from, retry)
	}
	if n, err := s.Meter.Count(ctx, ofAccount, 1, slowMemory); err == nil {
		if err := s.Wait(ctx, doubled(firstDelay, LongestDelay, n-accountFree)); err != nil {
			return nil, err
		}
	}
	return func(right bool) {
		if !right {
			return
		}
		s.uncount(ctx, 1, ofNetwork, ofAccount)
		s.uncount(ctx, 1_000_000, pair)
		if paced { // the pause that began with this attempt is over: the next one is another
			s.uncount(ctx, -1, rights)
		}
	}, nil
}

// pause counts an attempt and returns how long it comes too early, 0 where it may be made, and whether it is beyond the free ones. Turn
// returns the key of the bucket that holds the one attempt which may be made in a pause.
func (s *Service) pause(ctx context.Context, counted cache.Key, free int64, turn func() cache.Key) (time.Duration, bool) {
	n, err := s.Meter.Count(ctx, counted, 1, slowMemory)
	if err != nil || n <= free {
		return 0, false
	}
	pause := doubled(firstPause, LongestPause, n-free)
	taken, err := s.Meter.Take(ctx, turn(), cache.Bucket{PerSecond: 1 / pause.Seconds(), Burst: 1}, 1)
	if err != nil || taken.OK {
		return 0, true
	}
	return max(taken.Wait, time.Second), true
}

// uncount takes attempts back. What the meter does not hear is forgotten within the hour.
func (s *Service) uncount(ctx context.Context, by int64, all ...cache.Key) {
	ctx = context.WithoutCancel(ctx) // who goes away has still been right
	for _, k := range all {
		if _, err := s.Meter.Count(ctx, k, -by, slowMemory); err != nil {
			return
		}
	}
}

// doubled returns first, doubled n-1 times, and at most the longest; 0 where n is not above 0.
func doubled(first, longest time.Duration, n int64) time.Duration {
	if n <= 0 {
		return 0
	}
	if n > 32 { // beyond which the shift would overflow
		return longest
	}
	return min(first<<(n-1), longest)
}

// tooMany returns the refusal of an attempt. It is recorded in the platform's trail, for whose the account is was not looked up: once in
// a [LongestPause] for a network, and sixty times a minute for all of them.
func (s *Service) tooMany(ctx context.Context, op, what, account, from string, retry time.Duration) error {
	refused := &fault.Error{Op: op, Kind: fault.RateLimited, Code: "too_many_attempts", RetryAfter: retry}
	if !s.first(ctx, meterKey("slowed", from), LongestPause, 1) || !s.first(ctx, meterKey("slowed"), time.Second, 60) {
		return refused
	}
	email := ""
	if strings.Contains(account, "@") {
		email = account
	}
	e, err := s.event(ctx, "", audit.Fact{Type: events.TypeSessionRefused, Target: audit.Target{Type: "login", ID: "unknown"},
		Actor: audit.Actor{Type: "anonymous"}, Result: "failure", Private: callerOf(ctx, email),
		Change: events.SessionRefused{Method: what, Reason: refused.Code}})
	if err != nil {
		return fault.Wrap(op, fault.Internal, "internal", err)
	}
	e = directory.PlatformEvent(e)
	if err := s.Table.Commit(ctx, e.Partition, audit.Of(e)); err != nil {
		return store.Fault(op, err)
	}
	return refused
}

// first reports whether something that can be brought about any number of times is among the first, burst at once and one each time
// after. It is so where the meter does not answer: what is not bounded is then at least recorded.
func (s *Service) first(ctx context.Context, key cache.Key, each time.Duration, burst int) bool {
	taken, err := s.Meter.Take(ctx, key, cache.Bucket{PerSecond: 1 / each.Seconds(), Burst: burst}, 1)
	return err != nil || taken.OK
}

// meterKey returns the key of what is counted, which holds the parts as a hash alone: they are addresses of people.
func meterKey(kind string, parts ...string) cache.Key {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return cache.Platform("slow "+kind, hex.EncodeToString(sum[:16]))
}

// network returns what one caller has for itself: an IPv4 address or the /64 of an IPv6 one; all that are neither are one.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	return netip.PrefixFrom(a, 64).Masked().String()
}

// silent is the meter of a service that was given none.
type silent struct{}

func (silent) Take(context.Context, cache.Key, cache.Bucket, int) (cache.Taken, error) {
	return cache.Taken{}, cache.ErrNoAnswer
}

func (silent) Enter(context.Context, cache.Key, string, int, time.Duration) (bool, error) {
	return false, cache.ErrNoAnswer
}

func (silent) Leave(context.Context, cache.Key, string) {}

func (silent) Count(context.Context, cache.Key, int64, time.Duration) (int64, error) {
	return 0, cache.ErrNoAnswer
}

// wait waits for d, or until ctx ends, whose error it then returns.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
