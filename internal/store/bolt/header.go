package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// What bbolt writes at the beginning of its two first pages: 16 bytes of page header, then the meta.
const (
	metaMagic     = 0xED0CDAED
	metaVersion   = 2
	metaOffset    = 16
	metaSize      = 64
	noFreelist    = 1<<64 - 1
	manyFree      = 0xFFFF // the count of a freelist page whose true count is its first element
	smallestPage  = 1 << 10
	largestPage   = 1 << 24
	freelistFlags = 0x10
)

// header is bbolt's meta of a file.
type header struct {
	pageSize, root, freelist, pages, txid uint64
}

// inspect returns [ErrForeign] or [ErrCorrupt] for a file that bbolt would not survive, without changing it: it must have a valid
// meta, all the pages that the meta counts, and a freelist of a size that is possible.
func inspect(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is not a regular file", ErrForeign)
	case info.Size() == 0:
		return fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	h, err := readHeader(f)
	if err != nil {
		return err
	}
	if need := h.pages * h.pageSize; h.pages > 1<<40 || need > uint64(info.Size()) {
		return fmt.Errorf("%w: it was cut short: %d bytes of %d", ErrCorrupt, info.Size(), need)
	}
	if h.root < 2 || h.root >= h.pages || h.freelist != noFreelist && (h.freelist < 2 || h.freelist >= h.pages) {
		return fmt.Errorf("%w: its header points outside of it", ErrCorrupt)
	}
	return checkFreelist(f, h)
}

// readHeader returns the newer of the two metas that is whole.
func readHeader(f io.ReaderAt) (header, error) {
	first, isBolt, err := readMeta(f, 0)
	if err != nil {
		return header{}, err
	}
	best := first
	for size := int64(smallestPage); size <= largestPage; size <<= 1 {
		second, magic, err := readMeta(f, size)
		if err != nil {
			return header{}, err
		}
		if second.pageSize == uint64(size) && second.txid >= best.txid {
			best = second
		}
		isBolt = isBolt || magic
	}
	if best.pageSize != 0 {
		return best, nil
	}
	if isBolt {
		return header{}, fmt.Errorf("%w: neither of its headers is whole", ErrCorrupt)
	}
	return header{}, fmt.Errorf("%w: it does not begin as one", ErrForeign)
}

// readMeta reads the meta of the page at the given offset. A meta that is not whole has pageSize 0; magic says whether it began
// as one.
func readMeta(f io.ReaderAt, at int64) (h header, magic bool, err error) {
	var b [metaSize]byte
	if _, err := f.ReadAt(b[:], at+metaOffset); errors.Is(err, io.EOF) {
		return header{}, false, nil
	} else if err != nil {
		return header{}, false, err
	}
	order := binary.NativeEndian // bbolt maps its structures as they are
	if order.Uint32(b[0:]) != metaMagic {
		return header{}, false, nil
	}
	sum := fnv.New64a()
	sum.Write(b[:56])
	size := uint64(order.Uint32(b[8:]))
	if order.Uint32(b[4:]) != metaVersion || sum.Sum64() != order.Uint64(b[56:]) ||
		size < smallestPage || size > largestPage || size&(size-1) != 0 {
		return header{}, true, nil
	}
	return header{pageSize: size, root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]),
		txid: order.Uint64(b[48:])}, true, nil
}

// checkFreelist keeps bbolt from making room for more free pages than the freelist's own pages can name.
func checkFreelist(f io.ReaderAt, h header) error {
	if h.freelist == noFreelist {
		return nil
	}
	var b [24]byte
	if _, err := f.ReadAt(b[:], int64(h.freelist*h.pageSize)); err != nil {
		return err
	}
	order := binary.NativeEndian
	id, flags, count, overflow := order.Uint64(b[0:]), order.Uint16(b[8:]), uint64(order.Uint16(b[10:])), order.Uint32(b[12:])
	if count == manyFree {
		count = order.Uint64(b[16:]) + 1
	}
	room := ((uint64(overflow)+1)*h.pageSize - metaOffset) / 8
	if id != h.freelist || flags != freelistFlags || h.freelist+uint64(overflow) >= h.pages || count > room {
		return fmt.Errorf("%w: its list of free pages is", ErrCorrupt)
	}
	return nil
}
