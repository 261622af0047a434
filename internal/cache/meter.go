package cache

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// longestFill bounds how long an empty bucket may take to fill: what is remembered of a bucket need not live longer.
const longestFill = 30 * 24 * time.Hour

// ErrBucket is wrapped by what [Meter.Take] returns for a bucket, or a number of tokens, that is out of range.
var ErrBucket = errors.New("cache: not a token bucket")

// Bucket is a token bucket: it holds at most Burst tokens and is refilled at PerSecond tokens a second. An empty one must be full
// again within 30 days. A bucket may change between two calls, as where a client's plan does: what was taken stays taken, up to all of it.
type Bucket struct {
	PerSecond float64 // above 0, at most 1,000,000; inexact over some 10,000, for a token flows in in whole microseconds
	Burst     int     // 1 to 1,000,000
}

// Check returns an error that wraps [ErrBucket] where n tokens of the bucket cannot be asked for.
func (b Bucket) Check(n int) error {
	if !(b.PerSecond > 0) || b.PerSecond > 1_000_000 || b.Burst < 1 || b.Burst > 1_000_000 || n < 1 || n > 1_000_000 ||
		float64(b.Burst)/b.PerSecond > longestFill.Seconds() {
		return fmt.Errorf("%w: %d of %d at %g a second", ErrBucket, n, b.Burst, b.PerSecond)
	}
	return nil
}

// Interval returns the time in which one token flows in, in whole microseconds.
func (b Bucket) Interval() time.Duration {
	return time.Duration(1e6/b.PerSecond) * time.Microsecond
}

// Take is a bucket's arithmetic, for adapters: the generic cell rate algorithm (ITU-T I.371 annex A), whose one number is the time
// that the bucket is full again, zero or past for a full one. It returns that time after n tokens were taken, where they were there.
func (b Bucket) Take(full, now time.Time, n int) (time.Time, Taken) {
	interval := b.Interval()
	whole := time.Duration(b.Burst) * interval
	missing := min(max(full.Sub(now), 0), whole)
	after := missing + time.Duration(n)*interval
	if after > whole {
		return now.Add(missing), Taken{Remaining: int((whole - missing) / interval), Wait: after - whole, Full: missing}
	}
	return now.Add(after), Taken{OK: true, Remaining: int((whole - after) / interval), Full: after}
}

// Taken is what a bucket said.
type Taken struct {
	OK        bool          // the tokens were there and are taken; otherwise none is
	Remaining int           // whole tokens left
	Wait      time.Duration // where not OK: until they would have flowed in; more than Burst never are there, however long one waits
	Full      time.Duration // until the bucket is full again if nobody takes any
}

// Meter counts what is shared by all processes of a deployment: rates, holders and attempts. Implementations may be used concurrently,
// and each call is atomic. Buckets, holders and counts of one key are three things. A meter may forget what it counted, as a restart or
// a want of room does: a bucket is then full, a key without holders, a count 0. Where the meter does not answer the error wraps
// [ErrNoAnswer], within 100 ms; the caller decides whether to go on (fail open) or to refuse (fail closed), and says which in its comment.
type Meter interface {
	// Take takes n tokens of the key's bucket, which is full when it is first asked. The error wraps [ErrBucket] where b or n is out
	// of range.
	Take(ctx context.Context, key Key, b Bucket, n int) (Taken, error)
	// Enter makes holder one of at most `most` holders of the key, until it leaves or the lifetime is over; one that is in already
	// stays in, for the lifetime from now on. It reports whether there was room.
	Enter(ctx context.Context, key Key, holder string, most int, lifetime time.Duration) (bool, error)
	// Leave makes room again. It never fails: the lifetime does the same later.
	Leave(ctx context.Context, key Key, holder string)
	// Count adds by (at most 1,000,000 either way; the count never falls below 0) to the key's count and returns it. The count is
	// forgotten when nothing was added for the lifetime of the last addition; adding 0 reads, and prolongs nothing.
	Count(ctx context.Context, key Key, by int64, lifetime time.Duration) (int64, error)
}
