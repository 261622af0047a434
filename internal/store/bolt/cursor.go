package bolt

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// A cursor is base64url of 16 bytes of SHA-256 over the query, the client and the position, and the position: the key, without
// its partition, of the last entry that was read. It holds nothing that its reader could not see, and opens nothing: whatever it
// says, the answer stays within the query. The hash tells a damaged cursor, or another query's, from this one's.
const (
	cursorSum  = 16
	longestKey = 2*store.MaxKey + 1 // of an index: its key, 0x00, sk
)

var cursorText = base64.RawURLEncoding.Strict()

func encodeCursor(client tenant.ID, q store.Query, position []byte) string {
	sum := cursorHash(client, q, position)
	return cursorText.EncodeToString(append(sum[:cursorSum:cursorSum], position...))
}

// decodeCursor returns the position in q's cursor, or [store.ErrBadQuery].
func decodeCursor(client tenant.ID, q store.Query) ([]byte, error) {
	if len(q.Cursor) > cursorText.EncodedLen(cursorSum+longestKey) {
		return nil, badCursor()
	}
	raw, err := cursorText.DecodeString(q.Cursor)
	if err != nil || len(raw) <= cursorSum {
		return nil, badCursor()
	}
	// The decoder passes over line breaks: only what encodes back to itself is a cursor.
	position := raw[cursorSum:]
	sum := cursorHash(client, q, position)
	if subtle.ConstantTimeCompare(sum[:cursorSum], raw[:cursorSum]) == 0 || cursorText.EncodeToString(raw) != q.Cursor {
		return nil, badCursor()
	}
	return position, nil
}

func badCursor() error { return fmt.Errorf("%w: cursor", store.ErrBadQuery) }

// cursorHash is over everything but the limit, which may change from page to page.
func cursorHash(client tenant.ID, q store.Query, position []byte) [sha256.Size]byte {
	var b bytes.Buffer
	for _, s := range []string{"1", string(client), string(q.Index), q.Prefix, q.From, q.To} {
		b.Write(binary.AppendUvarint(nil, uint64(len(s))))
		b.WriteString(s)
	}
	if q.Descending {
		b.WriteByte(1)
	} else {
		b.WriteByte(0)
	}
	b.Write(position)
	return sha256.Sum256(b.Bytes())
}
