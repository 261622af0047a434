package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// A page ends early after so many bytes, or so many expired entries passed over, so that no query holds a transaction for long.
const (
	pageBytes = 4 << 20
	pageDead  = 4096
)

// Query implements [store.Table]. An index orders its items by index key, then sort key.
func (t *Table) Query(ctx context.Context, client tenant.ID, q store.Query) (store.Page, error) {
	if err := store.CheckQuery(client, q); err != nil {
		return store.Page{}, err
	}
	if err := store.CheckKey(client, q.Prefix); err != nil { // a client no key can have
		return store.Page{}, badCursor()
	}
	s, err := newScan(client, q)
	if err != nil {
		return store.Page{}, err
	}
	var page store.Page
	err = t.view(ctx, func(tx *bbolt.Tx) error { return t.read(tx, s, &page) })
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// scan is a query as a range of keys, from included, to excluded.
type scan struct {
	store.Query
	client   tenant.ID
	size     int // of the partition, which begins every key
	from, to []byte
	after    []byte // the key of the cursor; nil at the beginning
}

func newScan(client tenant.ID, q store.Query) (*scan, error) {
	s := &scan{Query: q, client: client, size: len(partition(client))}
	s.from = itemKey(client, max(q.Prefix, q.From))
	s.to = itemKey(client, q.Prefix)
	s.to[len(s.to)-1]++ // UTF-8 has no byte 0xff
	if q.To != "" {
		if to := itemKey(client, q.To); bytes.Compare(to, s.to) < 0 {
			s.to = to
		}
	}
	if q.Cursor == "" {
		return s, nil
	}
	position, err := decodeCursor(client, q)
	if err != nil {
		return nil, err
	}
	s.after = itemKey(client, string(position))
	if !s.within(s.after) {
		return nil, badCursor()
	}
	return s, nil
}

func (s *scan) within(key []byte) bool {
	return key != nil && bytes.Compare(s.from, key) <= 0 && bytes.Compare(key, s.to) < 0
}

// first returns the first key of the scan that is in the bucket, next the one behind; nil at the end.
func (s *scan) first(c *bbolt.Cursor) (key, value []byte) {
	if s.Descending {
		end := s.to
		if s.after != nil {
			end = s.after
		}
		if key, _ := c.Seek(end); key == nil {
			return s.bound(c.Last())
		}
		return s.bound(c.Prev())
	}
	if s.after == nil {
		return s.bound(c.Seek(s.from))
	}
	key, value = c.Seek(s.after)
	if bytes.Equal(key, s.after) {
		return s.bound(c.Next())
	}
	return s.bound(key, value)
}

func (s *scan) next(c *bbolt.Cursor) (key, value []byte) {
	if s.Descending {
		return s.bound(c.Prev())
	}
	return s.bound(c.Next())
}

func (s *scan) bound(key, value []byte) ([]byte, []byte) {
	if !s.within(key) {
		return nil, nil
	}
	return key, value
}

// read fills the page.
func (t *Table) read(tx *bbolt.Tx, s *scan, page *store.Page) error {
	table, now := tx.Bucket(items), t.now()
	c := tx.Bucket(bucketOf(s.Index)).Cursor()
	size, dead := 0, 0
	var last []byte
	for key, value := s.first(c); key != nil; key, value = s.next(c) {
		if len(page.Items) == s.Limit || size >= pageBytes || dead == pageDead {
			page.Next = encodeCursor(s.client, s.Query, last[s.size:])
			return nil
		}
		last = key
		sk, r, err := s.resolve(table, key, value)
		if err != nil {
			return err
		}
		if !r.live(now) { // invariant 8
			dead++
			continue
		}
		it, err := r.item(sk, s.Index)
		if err != nil {
			return err
		}
		page.Items = append(page.Items, it)
		size += it.Size()
	}
	return nil
}

// resolve returns the item that an entry of the scanned bucket is or, in an index, points to.
func (s *scan) resolve(table *bbolt.Bucket, key, value []byte) (sk string, r record, err error) {
	if s.Index != store.Main {
		var ok bool
		if key, ok = ofIndexKey(key, s.size); !ok {
			return "", record{}, corrupt("a key of index %s has no end", s.Index)
		}
		if value = table.Get(key); value == nil {
			return "", record{}, corrupt("index %s points to no item", s.Index)
		}
	}
	r, err = decode(value)
	return string(key[s.size:]), r, err
}
