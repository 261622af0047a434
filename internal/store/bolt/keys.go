package bolt

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// partition begins every key of a client. [store.CheckKey] keeps ids under 257 bytes.
func partition(client tenant.ID) []byte {
	key := make([]byte, 2, 2+len(client)+128)
	binary.BigEndian.PutUint16(key, uint16(len(client)))
	return append(key, client...)
}

// itemKey is an item's key in the bucket items.
func itemKey(client tenant.ID, sk string) []byte { return append(partition(client), sk...) }

// indexKey is an item's key in by_parent or by_actor; nil where it has no key there.
func indexKey(client tenant.ID, key, sk string) []byte {
	if key == "" {
		return nil
	}
	k := append(partition(client), key...)
	return append(append(k, 0), sk...)
}

// splitItemKey returns the client and the sort key of an item's key.
func splitItemKey(key []byte) (client tenant.ID, sk string, ok bool) {
	if len(key) < 2 {
		return "", "", false
	}
	n := int(binary.BigEndian.Uint16(key))
	if len(key) <= 2+n {
		return "", "", false
	}
	return tenant.ID(key[2 : 2+n]), string(key[2+n:]), true
}

// ofIndexKey returns the key of the item that a key of an index points to; size is that of the partition.
func ofIndexKey(key []byte, size int) ([]byte, bool) {
	end := bytes.IndexByte(key[size:], 0)
	if end < 0 {
		return nil, false
	}
	return append(key[:size:size], key[size+end+1:]...), true
}

// expiryKey is an item's key in the bucket expiry; nil where it never expires.
func expiryKey(expires time.Time, item []byte) []byte {
	if expires.IsZero() {
		return nil
	}
	return append(number(seconds(expires)), item...)
}

// seconds is a time in keys. What lies before 1970 is over in any case.
func seconds(t time.Time) uint64 { return uint64(max(0, t.Unix())) }

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// bucketOf returns the bucket that a query on the index reads.
func bucketOf(index store.Index) []byte {
	switch index {
	case store.ByParent:
		return byParent
	case store.ByActor:
		return byActor
	default:
		return items
	}
}
