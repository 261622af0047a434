package httpapi

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/tenant"
)

// maxCursor is the longest cursor taken, in characters: a store's cursor holds keys of at most 1024 bytes.
const maxCursor = 4096

// cursorKey seals cursors: what they hold are keys of the table, which are nobody's business.
type cursorKey struct{ aead cipher.AEAD }

func newCursorKey(secret []byte) (cursorKey, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "nowgo cursor v1", 32)
	if err != nil {
		return cursorKey{}, fmt.Errorf("httpapi: cursor key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return cursorKey{}, fmt.Errorf("httpapi: cursor key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return cursorKey{}, fmt.Errorf("httpapi: cursor key: %w", err)
	}
	return cursorKey{aead}, nil
}

// binding is what a cursor is good for: the client, the operation and its query.
func binding(ctx context.Context, query string) []byte {
	call := tenant.CallFrom(ctx)
	var b []byte
	for _, part := range []string{string(call.Principal.Client), call.Operation, query} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// OpenCursor returns the store's cursor in the one that a caller sent; "" stays "". A cursor that was altered, or made for another
// client, operation or query, is Invalid, code `invalid_cursor`.
func (a *API) OpenCursor(ctx context.Context, query, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	n := a.cursors.aead.NonceSize()
	// plain: the decoder passes over line breaks. Strict: and over stray bits. A cursor has one spelling.
	if len(cursor) <= maxCursor && plain(cursor) {
		if box, err := base64.RawURLEncoding.Strict().DecodeString(cursor); err == nil && len(box) > n {
			if plain, err := a.cursors.aead.Open(nil, box[:n], box[n:], binding(ctx, query)); err == nil {
				return string(plain), nil
			}
		}
	}
	return "", fault.New("httpapi.OpenCursor", fault.Invalid, "invalid_cursor")
}

// SealCursor returns the cursor for the caller, nil at the end of a list. The query is every value that shapes the list beside the limit.
func (a *API) SealCursor(ctx context.Context, query, storeCursor string) *string {
	if storeCursor == "" {
		return nil
	}
	nonce := make([]byte, a.cursors.aead.NonceSize())
	if _, err := io.ReadFull(a.cfg.System.Random, nonce); err != nil {
		// The machine's source never fails. With one that does there is no safe cursor, so the list ends here.
		a.log.ErrorContext(ctx, "no randomness for a cursor", "error", err)
		return nil
	}
	s := base64.RawURLEncoding.EncodeToString(a.cursors.aead.Seal(nonce, nonce, []byte(storeCursor), binding(ctx, query)))
	return &s
}
