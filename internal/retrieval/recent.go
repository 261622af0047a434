package retrieval

import (
	"container/list"
	"sync"
)

// recent keeps the indexes used last, as long as together they take at most limit bytes.
type recent struct {
	limit int

	mu    sync.Mutex
	bytes int
	order *list.List // of *kept, the last used first
	at    map[shelf]*list.Element
}

type kept struct {
	shelf shelf
	index *Index
	size  int
}

func newRecent(limit int) *recent {
	return &recent{limit: limit, order: list.New(), at: map[shelf]*list.Element{}}
}

func (r *recent) get(s shelf) (*Index, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.at[s]
	if !ok {
		return nil, false
	}
	r.order.MoveToFront(e)
	k, ok := e.Value.(*kept)
	if !ok {
		return nil, false
	}
	return k.index, true
}

// add keeps the index, unless it alone is over the limit, and drops those used longest ago.
func (r *recent) add(s shelf, x *Index) {
	size := x.Size()
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.at[s]; ok {
		r.order.MoveToFront(e)
		return
	}
	if size > r.limit {
		return
	}
	r.at[s] = r.order.PushFront(&kept{s, x, size})
	r.bytes += size
	for r.bytes > r.limit {
		e := r.order.Back()
		k, ok := e.Value.(*kept)
		if !ok {
			return
		}
		r.drop(e, k)
	}
}

func (r *recent) drop(e *list.Element, k *kept) {
	r.order.Remove(e)
	delete(r.at, k.shelf)
	r.bytes -= k.size
}
