package quota

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/system"
	"github.com/nowgo/agents/internal/tenant"
)

// The rates of those who have no client.
var (
	administrators = cache.Bucket{PerSecond: 100, Burst: 200} // each global administrator
	strangers      = cache.Bucket{PerSecond: 50, Burst: 200}  // each network address without a credential, or with a bad one
)

const (
	jobLifetime = 5 * time.Minute // that a job counts whose process ended before it did; no request lasts as long
	jobRetry    = 2 * time.Second // what a caller is told to wait for another job's end
	most        = 1_000_000       // of a bucket's rate and burst
)

// The names of the limits, as callers see them.
const (
	LimitRequests = "requests" // of a client, an administrator or an address
	LimitKey      = "key"      // of an API key
	LimitJobs     = "jobs"     // at the same time
	LimitMessages = "messages" // a day
	LimitTokens   = "tokens"   // a month
)

// Limiter admits calls by the rates of who makes them. It may be used concurrently. Make it with [NewLimiter].
type Limiter struct {
	meter cache.Meter
	book  *Book
	sys   system.System
	share float64
}

// NewLimiter returns a limiter. The share, 0.001 to 1000, is the part of every rate that this process may give out: 1 where the
// meter is shared by all processes, or this is the only one.
func NewLimiter(meter cache.Meter, book *Book, sys system.System, share float64) (*Limiter, error) {
	if !(share >= 0.001 && share <= 1000) {
		return nil, fmt.Errorf("quota: a share of %g is not within 0.001 and 1000", share)
	}
	return &Limiter{meter: meter, book: book, sys: sys, share: share}, nil
}

// Admit takes one request from the rates of the call's maker, and returns how these stand; nothing where the meter does not answer. A
// key's own rate comes first, so that what it refuses costs its client nothing. Errors: RateLimited `rate_limited` with RetryAfter and
// Limits; Internal.
func (l *Limiter) Admit(ctx context.Context, call tenant.Call) ([]fault.Limit, error) {
	p := call.Principal
	limits := make([]fault.Limit, 0, 2)
	if p.Machine() && p.Rate > 0 {
		rate := min(p.Rate, most)
		b := l.shared(cache.Bucket{PerSecond: float64(rate) / 60, Burst: rate})
		var err error
		if limits, err = l.take(ctx, limits, LimitKey, cache.Of(p.Client, "rate-key", p.User), b); err != nil {
			return nil, err
		}
	}
	switch {
	case p.Anonymous():
		return l.take(ctx, limits, LimitRequests, cache.Platform("rate-address", network(call.Address)), l.shared(strangers))
	case p.Client == "":
		return l.take(ctx, limits, LimitRequests, cache.Platform("rate-user", p.User), l.shared(administrators))
	}
	return l.take(ctx, limits, LimitRequests, cache.Of(p.Client, "rate", ""), l.shared(l.book.Plan(ctx, p.Client).Requests))
}

// take takes one token and adds how the bucket stands to the limits. It fails open.
func (l *Limiter) take(ctx context.Context, limits []fault.Limit, name string, key cache.Key, b cache.Bucket) ([]fault.Limit, error) {
	taken, err := l.meter.Take(ctx, key, b, 1)
	if errors.Is(err, cache.ErrNoAnswer) {
		return limits, nil
	}
	if err != nil {
		return nil, fault.Wrap("quota.Admit", fault.Internal, "internal", err)
	}
	limits = append(limits, fault.Limit{Name: name, Quota: b.Burst, Window: b.Interval() * time.Duration(b.Burst),
		Remaining: taken.Remaining, Reset: taken.Full})
	if taken.OK {
		return limits, nil
	}
	return nil, &fault.Error{Op: "quota.Admit", Kind: fault.RateLimited, Code: "rate_limited", RetryAfter: taken.Wait, Limits: limits}
}

// shared returns this process's part of a bucket.
func (l *Limiter) shared(b cache.Bucket) cache.Bucket {
	if l.share == 1 {
		return b
	}
	return cache.Bucket{PerSecond: min(b.PerSecond*l.share, most), Burst: max(1, int(min(math.Ceil(float64(b.Burst)*l.share), most)))}
}

// network returns what a stranger's rate is counted by: an IPv4 address, or the network of an IPv6 one that a subscriber has all the
// addresses of (RFC 6177 §2).
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

// Begin makes an expensive operation of the call's client one of those that it may have at the same time, until end is called. It
// fails open. Errors: RateLimited `too_many_jobs` with RetryAfter and Limits.
func (l *Limiter) Begin(ctx context.Context, call tenant.Call) (end func(), err error) {
	client := call.Principal.Client
	if client == "" {
		return func() {}, nil
	}
	room := max(1, int(math.Ceil(float64(l.book.Plan(ctx, client).Jobs)*min(l.share, 1))))
	key, holder := cache.Of(client, "jobs", ""), l.sys.NewULID() // not the request's id, which a caller may choose
	in, err := l.meter.Enter(ctx, key, holder, room, jobLifetime)
	if err != nil {
		return func() {}, nil //nolint:nilerr // open
	}
	if !in {
		return nil, &fault.Error{Op: "quota.Begin", Kind: fault.RateLimited, Code: "too_many_jobs", RetryAfter: jobRetry,
			Limits: []fault.Limit{{Name: LimitJobs, Quota: room, Reset: jobRetry}}}
	}
	return func() { l.meter.Leave(context.WithoutCancel(ctx), key, holder) }, nil
}
