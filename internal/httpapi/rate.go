package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/route"
	"github.com/nowgo/agents/internal/tenant"
)

// Limiter keeps callers to their limits (invariant 10). It may be used concurrently. Its errors are RateLimited, with the limits that
// were reached.
type Limiter interface {
	// Admit takes one request from the rates of who makes the call, and returns how these stand.
	Admit(ctx context.Context, call tenant.Call) ([]fault.Limit, error)
	// Begin makes an expensive operation one of those that the call's client may have at the same time, until end is called.
	Begin(ctx context.Context, call tenant.Call) (end func(), err error)
}

// The header fields of draft-ietf-httpapi-ratelimit-headers-10, in the form of the keys of a [http.Header].
const (
	headerPolicy = "Ratelimit-Policy"
	headerLimit  = "Ratelimit"
)

// rate takes the request from its caller's rates, before anything else is done for it, and says in the answer how they stand. Those who
// ask how the platform is are never refused: their caller may be the same address as everybody's.
func (o *operation) rate(x *exchange, r *http.Request) error {
	limiter := o.api.cfg.Limits
	if limiter == nil || o.row.Public && o.row.Capability == route.Monitoring {
		return nil
	}
	limits, err := limiter.Admit(r.Context(), x.call)
	if err != nil || len(limits) == 0 {
		return err
	}
	both := [2]string{policies(limits), standings(limits)}
	h := x.Header()
	h[headerPolicy], h[headerLimit] = both[0:1:1], both[1:2:2]
	return nil
}

// job runs an expensive operation as one of those that its client may have at the same time.
func (o *operation) job(x *exchange, r *http.Request, run func()) {
	if o.api.cfg.Limits == nil || !o.options.Expensive {
		run()
		return
	}
	end, err := o.api.cfg.Limits.Begin(r.Context(), x.call)
	if err != nil {
		x.answer(problemOf(x.call, err))
		return
	}
	defer end()
	run()
}

// limited adds the limits to a problem.
func (p *Problem) limited(limits []fault.Limit) {
	if len(limits) > 0 {
		p.header(headerPolicy, policies(limits))
		p.header(headerLimit, standings(limits))
	}
}

// policies is the value of RateLimit-Policy (§3), a list of strings with parameters (RFC 9651 §3.1): the quota and its window in seconds.
// A limit without a window is of requests at the same time.
func policies(limits []fault.Limit) string {
	var usual [96]byte
	b := usual[:0]
	for i, l := range limits {
		b = item(b, i, l.Name)
		b = append(b, ";q="...)
		b = strconv.AppendInt(b, int64(l.Quota), 10)
		if l.Window == 0 {
			b = append(b, `;qu="concurrent-requests"`...)
			continue
		}
		b = append(b, ";w="...)
		b = strconv.AppendInt(b, seconds(l.Window), 10)
	}
	return string(b)
}

// standings is the value of RateLimit (§4): what remains, and the seconds until all is there again.
func standings(limits []fault.Limit) string {
	var usual [96]byte
	b := usual[:0]
	for i, l := range limits {
		b = item(b, i, l.Name)
		b = append(b, ";r="...)
		b = strconv.AppendInt(b, int64(l.Remaining), 10)
		b = append(b, ";t="...)
		b = strconv.AppendInt(b, seconds(l.Reset), 10)
	}
	return string(b)
}

func item(b []byte, i int, name string) []byte {
	if i > 0 {
		b = append(b, ", "...)
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"')
}

// seconds rounds up: a caller who waits that long has waited long enough.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
