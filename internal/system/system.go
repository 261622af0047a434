// Package system is the one source of time, randomness and ids, so that tests can give their own.
package system

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"io"
	"sync"
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

// latest is the last ULID that this process made, so that those of one millisecond sort in the order they were made in.
var latest struct {
	sync.Mutex
	id ulid.ULID
}

// NewULID returns a ULID of the current time: 26 characters that sort by the millisecond they were made in and, within one
// process, by their order in it.
func (s System) NewULID() string {
	var id ulid.ULID
	latest.Lock()
	defer latest.Unlock()
	err := id.SetTime(ulid.Timestamp(s.Now()))
	entropy := s.bytes(10)
	if id.Time() == latest.id.Time() {
		entropy = after(latest.id.Entropy(), entropy)
	}
	if err := errors.Join(err, id.SetEntropy(entropy)); err != nil {
		panic("system: the clock is beyond the year 10889: " + err.Error())
	}
	latest.id = id
	return id.String()
}

// after returns last plus 1 to 2^32, the step taken from random, as 80-bit numbers. It wraps around once in 2^48 ids of one
// millisecond.
func after(last, random []byte) []byte {
	carry := uint64(random[0])<<24 | uint64(random[1])<<16 | uint64(random[2])<<8 | uint64(random[3])
	carry++
	out := make([]byte, len(last))
	for i := len(last) - 1; i >= 0; i-- {
		carry += uint64(last[i])
		out[i] = byte(carry)
		carry >>= 8
	}
	return out
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
