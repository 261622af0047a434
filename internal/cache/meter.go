package cache

import (
	"context"
	"time"
)

// Bucket is a token bucket: it holds at most Burst tokens and is refilled at PerSecond tokens a second.
type Bucket struct {
	PerSecond float64 // above 0
	Burst     int     // 1 or more
}

// Taken is what a bucket said.
type Taken struct {
	OK        bool          // the tokens were there and are taken; otherwise none is
	Remaining int           // whole tokens left
	Wait      time.Duration // where not OK: until as many would be there
	Full      time.Duration // until the bucket is full again if nobody takes any
}

// Meter counts what is shared by all processes of a deployment: rates, holders and attempts. Implementations may be used concurrently,
// and each call is atomic. Where the meter does not answer the error wraps [ErrNoAnswer], within 100 ms; the caller decides whether to
// go on (fail open) or to refuse (fail closed), and says which in its comment.
type Meter interface {
	// Take takes n (1 or more) tokens of the key's bucket, which is full when it is first asked.
	Take(ctx context.Context, key Key, b Bucket, n int) (Taken, error)
	// Enter makes holder one of at most `most` holders of the key, until it leaves or the lifetime is over; one that is in already
	// stays in, for the lifetime from now on. It reports whether there was room.
	Enter(ctx context.Context, key Key, holder string, most int, lifetime time.Duration) (bool, error)
	// Leave makes room again. It never fails: the lifetime does the same later.
	Leave(ctx context.Context, key Key, holder string)
	// Count adds by (which may be 0 or negative; the count never falls below 0) to the key's count and returns it. The count is
	// forgotten when nothing was added for the lifetime.
	Count(ctx context.Context, key Key, by int64, lifetime time.Duration) (int64, error)
}
