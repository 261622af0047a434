package store

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	raceTries  = 10
	raceLength = 2 * time.Millisecond // about one durable commit
)

// Again reports whether a commit that lost a race for the try-th time (from 1) should be tried once more, on rows read anew. It waits
// before it says so, at random and for longer each time, so that those who lost together do not meet again. It is false after ten
// tries, at most two seconds of waiting and one on average, or when ctx has ended.
func Again(ctx context.Context, try int) bool {
	if try >= raceTries {
		return false
	}
	timer := time.NewTimer(rand.N(raceLength << try)) //nolint:gosec // a pause is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
