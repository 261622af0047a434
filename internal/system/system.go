// Package system is the one source of time, randomness and ids, so that tests can give their own.
package system

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"io"
	"time"

	"github.com/oklog/ulid/v2"
)

// System gives the time and randomness. Its methods may be called concurrently if Now and Random may.
type System struct {
	Now    func() time.Time
	Random io.Reader
}

// Real is the machine's clock, in UTC, and its cryptographic random source.
func Real() System {
	return System{Now: func() time.Time { return time.Now().UTC() }, Random: rand.Reader}
}

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID returns prefix, `_` and 26 random characters of a-z and 2-7 (128 bits). The prefix says what the id is of: cli,
// usr, pro, agt, doc, cnv, msg, ses.
func (s System) NewID(prefix string) string {
	return prefix + "_" + lower.EncodeToString(s.bytes(16))
}

// NewULID returns a ULID of the current time: 26 characters that sort by the millisecond they were made in.
func (s System) NewULID() string {
	return ulid.MustNew(ulid.Timestamp(s.Now()), s.Random).String()
}

// NewSecret returns 256 random bits as 43 characters of unpadded base64url.
func (s System) NewSecret() string {
	return base64.RawURLEncoding.EncodeToString(s.bytes(32))
}

// bytes reads n random bytes. The machine's source never fails (crypto/rand, Go 1.24); one that does is a defect of a test.
func (s System) bytes(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		panic("system: the random source failed: " + err.Error())
	}
	return b
}
