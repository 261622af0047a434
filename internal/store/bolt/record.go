package bolt

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"time"

	"github.com/nowgo/agents/internal/store"
)

// record is an item as the file keeps it, its parts still in the file's memory: valid within the transaction alone.
//
// Its bytes: encoding (1 byte, 1), CRC-32C of all that follows but data (4), version (8), schema (8), 1 where it expires (1),
// seconds since 1970 (8), the lengths of parent_sk, actor_sk, summary and data (4 each), CRC-32C of data (4), and these four. Data
// has a checksum of its own, because a list does not read it.
type record struct {
	version       int64
	schema        int64
	expires       time.Time
	parent, actor []byte
	summary, data []byte
	dataSum       uint32
}

const (
	recordEncoding = 1
	recordHead     = 50
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns the record of it, without version and checksum: only the writer knows the version, and [seal] adds both.
func encode(it store.Item) []byte {
	b := make([]byte, recordHead, recordHead+len(it.ParentSK)+len(it.ActorSK)+len(it.Summary)+len(it.Data))
	b[0] = recordEncoding
	binary.BigEndian.PutUint64(b[13:], uint64(it.Schema))
	if !it.ExpiresAt.IsZero() {
		b[21] = 1
		binary.BigEndian.PutUint64(b[22:], uint64(it.ExpiresAt.Unix()))
	}
	for i, n := range [...]int{len(it.ParentSK), len(it.ActorSK), len(it.Summary), len(it.Data)} {
		binary.BigEndian.PutUint32(b[30+4*i:], uint32(n))
	}
	binary.BigEndian.PutUint32(b[46:], crc32.Checksum(it.Data, castagnoli))
	b = append(append(b, it.ParentSK...), it.ActorSK...)
	return append(append(b, it.Summary...), it.Data...)
}

// seal puts the version and the checksum into an encoded record.
func seal(b []byte, version int64) {
	binary.BigEndian.PutUint64(b[5:], uint64(version))
	data := int(binary.BigEndian.Uint32(b[42:]))
	binary.BigEndian.PutUint32(b[1:], crc32.Checksum(b[5:len(b)-data], castagnoli))
}

// decode returns the record in b, or [ErrCorrupt]. Data is checked when it is read.
func decode(b []byte) (record, error) {
	if len(b) < recordHead || b[0] != recordEncoding {
		return record{}, corrupt("an item of %d bytes in no known encoding", len(b))
	}
	total := uint64(recordHead)
	var size [4]uint64
	for i := range size {
		size[i] = uint64(binary.BigEndian.Uint32(b[30+4*i:]))
		total += size[i]
	}
	if total != uint64(len(b)) {
		return record{}, corrupt("an item of %d bytes, not %d", len(b), total)
	}
	if head := b[5 : total-size[3]]; binary.BigEndian.Uint32(b[1:]) != crc32.Checksum(head, castagnoli) {
		return record{}, corrupt("an item's checksum does not hold")
	}
	r := record{version: int64(binary.BigEndian.Uint64(b[5:])), schema: int64(binary.BigEndian.Uint64(b[13:])),
		dataSum: binary.BigEndian.Uint32(b[46:])}
	if b[21] != 0 {
		r.expires = time.Unix(int64(binary.BigEndian.Uint64(b[22:])), 0).UTC()
	}
	rest := b[recordHead:]
	for i, part := range [...]*[]byte{&r.parent, &r.actor, &r.summary, &r.data} {
		*part, rest = rest[:size[i]], rest[size[i]:]
	}
	return r, nil
}

// live reports whether the record is there at the given time (invariant 8).
func (r record) live(now time.Time) bool { return !store.Item{ExpiresAt: r.expires}.Expired(now) }

// item returns a copy of the record that outlives the transaction. Indexes do not show Data.
func (r record) item(sk string, index store.Index) (store.Item, error) {
	it := store.Item{SK: sk, ParentSK: string(r.parent), ActorSK: string(r.actor), Version: r.version, Schema: int(r.schema),
		ExpiresAt: r.expires}
	if index != store.Main {
		r.data = nil
	} else if crc32.Checksum(r.data, castagnoli) != r.dataSum {
		return store.Item{}, corrupt("the checksum of an item's data does not hold")
	}
	n := len(r.summary)
	b := append(append(make([]byte, 0, n+len(r.data)), r.summary...), r.data...)
	if n > 0 {
		it.Summary = json.RawMessage(b[:n:n])
	}
	if len(r.data) > 0 {
		it.Data = json.RawMessage(b[n:])
	}
	return it, nil
}
