package retrieval

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// ErrCorrupt is returned, wrapped or as it is, for bytes that are not an index of this version.
var ErrCorrupt = errors.New("retrieval: not an index of this version")

// magic begins every encoded index; its last byte is the version of the format and of what the terms mean. Raise it
// whenever the stems, the word lists or the layout change, so that cached indexes are built anew.
const magic = "nri\x01"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary encodes the index, texts included: the passages, then for each language its terms, sorted and written
// as what differs from the one before, and a CRC-32C of all. Equal indexes give equal bytes. It never fails.
func (x *Index) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, x.bytes+x.bytes/4+64)
	b = append(b, magic...)
	b = binary.AppendUvarint(b, uint64(len(x.passages)))
	previous := Passage{}
	for i, p := range x.passages {
		b = appendShared(b, previous.DocumentID, p.DocumentID)
		b = appendShared(b, previous.PassageID, p.PassageID)
		b = appendShared(b, previous.Heading, p.Heading)
		b = appendShared(b, previous.Language, p.Language)
		b = binary.AppendUvarint(b, uint64(len(p.Path)))
		for n, h := range p.Path {
			b = appendShared(b, at(previous.Path, n), h)
		}
		b = appendShared(b, "", p.Text)
		b = binary.AppendUvarint(b, uint64(x.lengths[i]))
		previous = p
	}
	for _, p := range x.parts {
		b = binary.AppendUvarint(b, uint64(len(p.terms)))
		stem := ""
		for _, t := range p.terms {
			b = appendShared(b, stem, t.stem)
			b = binary.AppendUvarint(b, uint64(t.found))
			b = appendShared(b, "", t.postings)
			stem = t.stem
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)), nil
}

func at(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return ""
}

// appendShared writes s as the number of bytes it begins with in common with previous, and the others.
func appendShared(b []byte, previous, s string) []byte {
	n := 0
	for n < len(previous) && n < len(s) && previous[n] == s[n] {
		n++
	}
	b = binary.AppendUvarint(b, uint64(n))
	b = binary.AppendUvarint(b, uint64(len(s)-n))
	return append(b, s[n:]...)
}

// UnmarshalBinary decodes what MarshalBinary wrote. It keeps a copy of data. It returns [ErrCorrupt], and leaves the
// index as it was, for anything else, truncated and changed data included.
func (x *Index) UnmarshalBinary(data []byte) error {
	if len(data) < len(magic)+4 || string(data[:len(magic)]) != magic {
		return ErrCorrupt
	}
	body := data[:len(data)-4]
	if binary.BigEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return ErrCorrupt
	}
	d := decoder{rest: string(body[len(magic):]), spare: maxGrowth * len(body)}
	y := d.index()
	if d.failed || d.rest != "" {
		return ErrCorrupt
	}
	*x = *y
	return nil
}

// decoder takes values off the front of rest. After the first that is not there it has failed and gives zero values.
type decoder struct {
	rest   string
	spare  int // bytes that may still be made of prefixes shared with the string before
	failed bool
}

// maxGrowth bounds the memory that shared prefixes take, as a multiple of the encoded bytes.
const maxGrowth = 64

func (d *decoder) fail() { d.failed, d.rest = true, "" }

// number takes an unsigned number of at most limit.
func (d *decoder) number(limit uint64) int {
	v, n := uvarint(d.rest)
	if n == 0 || v > limit {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

// size takes a number of things that take at least a byte each.
func (d *decoder) size() int { return d.number(uint64(len(d.rest))) }

// shared takes what appendShared wrote.
func (d *decoder) shared(previous string) string {
	common := d.number(uint64(len(previous)))
	n := d.size()
	if d.failed || n > len(d.rest) {
		d.fail()
		return ""
	}
	own := d.rest[:n]
	d.rest = d.rest[n:]
	switch {
	case common == 0:
		return own
	case n == 0 && common == len(previous):
		return previous
	}
	if d.spare -= common + n; d.spare < 0 {
		d.fail()
		return ""
	}
	return previous[:common] + own
}

func (d *decoder) index() *Index {
	x := &Index{}
	count := d.size()
	previous := Passage{}
	for range count {
		p := Passage{
			DocumentID: d.shared(previous.DocumentID), PassageID: d.shared(previous.PassageID),
			Heading: d.shared(previous.Heading), Language: d.shared(previous.Language),
		}
		n := d.size()
		for i := 0; i < n && !d.failed; i++ {
			p.Path = append(p.Path, d.shared(at(previous.Path, i)))
		}
		p.Text = d.shared("")
		length := d.number(math.MaxUint32)
		if d.failed {
			return x
		}
		x.passages, x.lengths = append(x.passages, p), append(x.lengths, uint32(length))
		x.bytes += len(p.Text) + len(p.Heading) + len(p.PassageID)
		previous = p
	}
	for n := range x.parts {
		x.parts[n].terms = d.terms(x, n)
	}
	x.finish()
	return x
}

func (d *decoder) terms(x *Index, part int) []term {
	var terms []term
	stem := ""
	for range d.size() {
		t := term{stem: d.shared(stem), found: d.number(uint64(len(x.passages)))}
		t.postings = d.shared("")
		if d.failed || t.stem <= stem || !x.holds(t, part) {
			d.fail()
			return nil
		}
		terms = append(terms, t)
		stem = t.stem
	}
	return terms
}

// holds reports whether a decoded term's postings are whole: passages of this part, rising, as many as it says.
func (x *Index) holds(t term, part int) bool {
	passage, n := 0, 0
	for rest := t.postings; rest != ""; n++ {
		distance, tf, size := nextPosting(rest)
		if size == 0 || tf == 0 || tf > math.MaxUint32 || n > 0 && distance == 0 || distance >= uint64(len(x.passages)) {
			return false
		}
		passage += int(distance)
		if passage >= len(x.passages) || partOf(x.passages[passage].Language) != part {
			return false
		}
		rest = rest[size:]
	}
	return n > 0 && n == t.found
}
