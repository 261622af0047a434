package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/nowgo/agents/internal/fault"
	"github.com/nowgo/agents/internal/system"
)

// Hasher turns passwords into hashes and compares them. Implementations may be used concurrently.
type Hasher interface {
	// Hash returns the hash of a password as a PHC string.
	Hash(ctx context.Context, password string) (string, error)
	// Verify reports whether the password has the hash, in time that does not depend on the answer. With an empty hash it does
	// the same work and answers false.
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Params is the cost of a hash.
type Params struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

// Recommended is OWASP's cost of argon2id: 19 MiB, two passes, one thread.
func Recommended() Params { return Params{MemoryKiB: 19 << 10, Time: 2, Threads: 1} }

const (
	saltBytes = 16
	hashBytes = 32

	maxMemoryKiB = 256 << 10 // a stored hash that asks for more is refused
	maxTime      = 16
)

// Argon2 hashes with argon2id (RFC 9106). It computes at most as many hashes at once as there are cores, so that a burst of
// sign-ins takes neither all memory nor all time; the others wait for their turn or their context's end.
type Argon2 struct {
	params Params
	sys    system.System
	dummy  string
	turn   chan struct{}
}

// NewArgon2 returns a hasher of the given cost.
func NewArgon2(p Params, sys system.System) *Argon2 {
	dummy := encodePHC(p, make([]byte, saltBytes), make([]byte, hashBytes)) // no known password hashes to zeros
	return &Argon2{params: p, sys: sys, dummy: dummy, turn: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// Hash implements [Hasher].
func (a *Argon2) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(a.sys.Random, salt); err != nil {
		return "", fmt.Errorf("identity: salt: %w", err)
	}
	sum, err := a.compute(ctx, a.params, salt, password)
	if err != nil {
		return "", err
	}
	return encodePHC(a.params, salt, sum), nil
}

// Verify implements [Hasher].
func (a *Argon2) Verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = a.dummy
	}
	p, salt, want, err := decodePHC(hash)
	if err != nil {
		return false, err
	}
	sum, err := a.compute(ctx, p, salt, password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && known, nil
}

func (a *Argon2) compute(ctx context.Context, p Params, salt []byte, password string) ([]byte, error) {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-a.turn }()
	return argon2.IDKey([]byte(password), salt, p.Time, p.MemoryKiB, p.Threads, hashBytes), nil
}

var errPHC = errors.New("identity: stored password hash is not argon2id in PHC form")

// encodePHC returns the PHC string of a hash (github.com/P-H-C/phc-string-format).
func encodePHC(p Params, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.MemoryKiB, p.Time, p.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decodePHC(s string) (p Params, salt, sum []byte, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errPHC
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.MemoryKiB, &p.Time, &p.Threads)
	if err != nil || n != 3 || p.MemoryKiB > maxMemoryKiB || p.Time < 1 || p.Time > maxTime || p.Threads < 1 {
		return p, nil, nil, errPHC
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, err = b64.DecodeString(parts[4])
	if err != nil || len(salt) < 8 {
		return p, nil, nil, errPHC
	}
	sum, err = b64.DecodeString(parts[5])
	if err != nil || len(sum) != hashBytes {
		return p, nil, nil, errPHC
	}
	return p, salt, sum, nil
}

// normalizePassword returns the password in NFC (RFC 8265 §4.2), so that it is the same from every keyboard, and whether
// it can be anybody's at all: valid UTF-8 of at most [MaxPassword] characters.
func normalizePassword(s string) (string, bool) {
	if len(s) > 8*MaxPassword || !utf8.ValidString(s) {
		return "", false
	}
	s = norm.NFC.String(s)
	return s, s != "" && utf8.RuneCountInString(s) <= MaxPassword
}

// newPassword checks a password that a person chooses, by length and by what is guessed first (NIST SP 800-63B §5.1.1.2).
func newPassword(op, password, email, name string) (string, error) {
	p, ok := normalizePassword(password)
	if n := utf8.RuneCountInString(p); !ok || n < MinPassword {
		return "", fault.BadField(op, "body.password", "must have 12 to 128 characters")
	}
	folded := strings.ToLower(p)
	local, _, _ := strings.Cut(email, "@")
	if folded == email || folded == local || folded == strings.ToLower(name) {
		return "", fault.BadField(op, "body.password", "must not be your name or address")
	}
	if common(folded) {
		return "", fault.BadField(op, "body.password", "is one of those that are guessed first")
	}
	return p, nil
}

// common reports whether a password is a few characters repeated, a run along the alphabet, the digits or the keyboard, or a word
// everybody uses, repeated or with digits behind it.
func common(p string) bool {
	p = unit(p)
	if len(p) <= 4 {
		return true
	}
	for _, run := range []string{"abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "98765432109876543210",
		"qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p"} {
		if strings.Contains(run, p) {
			return true
		}
	}
	switch unit(strings.TrimRight(p, "0123456789!.")) {
	case "password", "passw0rd", "mypassword", "senha", "minhasenha", "administrator", "administrador", "admin", "qwertyuiop", "qwerty",
		"iloveyou", "letmein", "welcome", "changeme", "mudar", "brasil", "correcthorsebatterystaple":
		return true
	}
	return false
}

// unit returns the shortest text that p repeats.
func unit(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p {
			return p[:n]
		}
	}
	return p
}
