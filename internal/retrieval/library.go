package retrieval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/nowgo/agents/internal/cache"
	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// Source is where an agent's passages come from: its documents in the table. It may be called concurrently.
type Source interface {
	// Passages returns all passages that the agent's documents have now, and no other agent's, those of a document in order. It
	// is called when an index is not at hand. Its errors are the search's.
	Passages(ctx context.Context, client tenant.ID, agent string) ([]Passage, error)
}

// Library searches agents' documents. It keeps indexes in memory and in the cache, and makes them of the source when they are
// in neither. The zero value with Cache and Source set is ready; it may be used concurrently.
type Library struct {
	Cache    cache.Cache
	Source   Source
	MaxBytes int // of the indexes kept in memory; 0: 32 MiB

	once    sync.Once
	recent  *recent
	loading singleflight.Group
}

const (
	cacheKind      = "retrieval-index"
	cacheLifetime  = 24 * time.Hour
	maxCached      = 16 << 20 // bytes of an index that are still worth the cache
	defaultBytes   = 32 << 20
	loadingTimeout = 30 * time.Second
)

// shelf names an index. Client, agent and fingerprint are fields of their own, so that no two agents' keys can be
// alike, whatever their ids hold.
type shelf struct {
	client      tenant.ID
	agent       string
	fingerprint string
}

// cacheKey is the shelf's key in the cache: the client as it is, the rest as a hash of the length and bytes of each part.
func (s shelf) cacheKey() cache.Key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d:%s%d:%s", magic, len(s.agent), s.agent, len(s.fingerprint), s.fingerprint))
	return cache.Of(s.client, cacheKind, hex.EncodeToString(sum[:]))
}

// Search returns the passages of the agent's documents that speak of the query, as [Index.Search] does. Fingerprint is a text
// that changes whenever the agent's documents do; the caller has it from the agent as it is now. Errors: kind Invalid,
// code validation_failed, without client or agent; those of the source; the context's.
func (l *Library) Search(ctx context.Context, client tenant.ID, agent, fingerprint, query, language string, limit int,
) ([]Hit, error) {
	const op = "retrieval.Search"
	if client == "" || agent == "" {
		return nil, fault.BadField(op, "agent", "client and agent are needed")
	}
	x, err := l.index(ctx, shelf{client, agent, fingerprint})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return x.Search(query, language, limit), nil
}

// index returns the index of a shelf. Searches that miss it together wait for one load, which outlives the caller that
// began it, for the others' sake.
func (l *Library) index(ctx context.Context, s shelf) (*Index, error) {
	l.once.Do(func() {
		limit := l.MaxBytes
		if limit <= 0 {
			limit = defaultBytes
		}
		l.recent = newRecent(limit)
	})
	if x, ok := l.recent.get(s); ok {
		return x, nil
	}
	key := s.cacheKey()
	done := l.loading.DoChan(string(key.Client())+"/"+key.ID(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadingTimeout)
		defer cancel()
		return l.load(ctx, s, key)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		x, ok := r.Val.(*Index)
		if !ok {
			return nil, fault.New("retrieval.index", fault.Internal, "internal")
		}
		return x, nil
	}
}

// load takes the index from the cache, or makes it of the source.
func (l *Library) load(ctx context.Context, s shelf, key cache.Key) (*Index, error) {
	x := &Index{}
	if data, ok := l.Cache.Get(ctx, key); ok && x.UnmarshalBinary(data) == nil {
		l.recent.add(s, x)
		return x, nil
	}
	passages, err := l.Source.Passages(ctx, s.client, s.agent)
	if err != nil {
		return nil, err
	}
	x = Build(passages)
	data, err := x.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if len(data) <= maxCached {
		l.Cache.Set(ctx, key, data, cacheLifetime)
	}
	l.recent.add(s, x)
	return x, nil
}
