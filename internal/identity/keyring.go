package identity

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nowgo/agents/internal/system"
)

// How often a [KeyRing] looks at its source.
const (
	KeysRefresh = 5 * time.Minute // of a set that is in use
	KeysUnknown = time.Minute     // at most, for keys that it does not know or where the source fails
	keysWait    = 2 * time.Second // for the source
)

// KeyLoader reads the key document, wherever it is kept.
type KeyLoader func(ctx context.Context) ([]byte, error)

// KeyRing is the key set of a process, followed through its rotation: it is read again when somebody needs it and it is older than
// [KeysRefresh], and once a minute at most for a token of a key that is not in it. One call reads, the others go on with the set
// there is; so does everybody where the source fails or gives what is no key document. It may be used concurrently.
type KeyRing struct {
	load KeyLoader
	log  *slog.Logger

	set   atomic.Pointer[KeySet]
	read  atomic.Int64 // when it was last tried to read the source, in nanoseconds since 1970
	ended atomic.Int64 // when that ended, for those who waited for it
	turn  sync.Mutex   // of who reads
}

// NewKeyRing reads the source for the first time. It fails where that does.
func NewKeyRing(ctx context.Context, load KeyLoader, sys system.System, log *slog.Logger) (*KeyRing, error) {
	r := &KeyRing{load: load, log: log}
	document, err := load(ctx)
	if err != nil {
		return nil, fmt.Errorf("identity: signing keys: %w", err)
	}
	set, err := ParseKeys(document)
	if err != nil {
		return nil, err
	}
	r.set.Store(set)
	r.read.Store(sys.Now().UnixNano())
	r.ended.Store(r.read.Load())
	return r, nil
}

// held implements [Keys].
func (r *KeyRing) held(now time.Time) *KeySet {
	if r.age(now) >= KeysRefresh && r.turn.TryLock() {
		defer r.turn.Unlock()
		if r.age(now) >= KeysRefresh {
			r.again(now)
		}
	}
	return r.set.Load()
}

// renewed implements [Keys]. Who comes while another reads waits for what that brings.
func (r *KeyRing) renewed(now time.Time) *KeySet {
	if r.age(now) < KeysUnknown && r.ended.Load() >= r.read.Load() {
		return r.set.Load()
	}
	r.turn.Lock()
	defer r.turn.Unlock()
	if r.age(now) >= KeysUnknown {
		r.again(now)
	}
	return r.set.Load()
}

// age is how long ago the source was tried. A clock that was set back makes it old.
func (r *KeyRing) age(now time.Time) time.Duration {
	age := now.Sub(time.Unix(0, r.read.Load()))
	if age < 0 {
		return KeysRefresh
	}
	return age
}

// again reads the source. It holds turn.
func (r *KeyRing) again(now time.Time) {
	r.read.Store(now.UnixNano())
	defer func() { r.ended.Store(now.UnixNano()) }()
	ctx, cancel := context.WithTimeout(context.Background(), keysWait)
	defer cancel()
	document, err := r.load(ctx)
	var set *KeySet
	if err == nil {
		set, err = ParseKeys(document)
	}
	if err != nil {
		r.log.ErrorContext(ctx, "the signing keys are not read again; those there are stay in use", "error", err)
		return
	}
	r.set.Store(set)
}
