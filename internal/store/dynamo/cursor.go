package dynamo

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nowgo/agents/internal/store"
	"github.com/nowgo/agents/internal/tenant"
)

// A cursor is, in base64url: 16 bytes of a hash over the client and the query, the sort key it stands on and, on an index, a
// zero byte and the index key. The hash catches mistakes; what keeps a forged cursor harmless is that the position it names is
// read in the caller's partition and must lie in the query's span.
const (
	bindingBytes = 16
	maxCursor    = bindingBytes + 2*store.MaxKey + 1
)

var encoding = base64.RawURLEncoding.Strict()

// binding returns the hash of what a cursor belongs to. The limit is not part of it: it may change between pages.
func binding(client tenant.ID, q store.Query) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %t", string(client), string(q.Index), q.Prefix, q.From, q.To, q.Descending))
	return string(sum[:bindingBytes])
}

func encodeCursor(client tenant.ID, q store.Query, key, sk string) string {
	text := binding(client, q) + sk
	if q.Index != store.Main {
		text += "\x00" + key
	}
	return encoding.EncodeToString([]byte(text))
}

// decodeCursor returns the position that q's cursor names: the key in q's index, and the sort key.
func decodeCursor(client tenant.ID, q store.Query) (key, sk string, err error) {
	if len(q.Cursor) > encoding.EncodedLen(maxCursor) {
		return "", "", fmt.Errorf("%w: cursor of %d bytes", store.ErrBadQuery, len(q.Cursor))
	}
	b, err := encoding.DecodeString(q.Cursor)
	if err != nil || len(b) <= bindingBytes {
		return "", "", fmt.Errorf("%w: not a cursor", store.ErrBadQuery)
	}
	bound, at := string(b[:bindingBytes]), string(b[bindingBytes:])
	if bound != binding(client, q) {
		return "", "", fmt.Errorf("%w: cursor of another query", store.ErrBadQuery)
	}
	if q.Index == store.Main {
		return at, at, nil
	}
	sk, key, found := strings.Cut(at, "\x00")
	if !found {
		return "", "", fmt.Errorf("%w: not a cursor", store.ErrBadQuery)
	}
	return key, sk, nil
}
