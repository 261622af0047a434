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
	// the same work and answers false; with a hash of a lower cost it does today's work, so that time does not tell old logins.
	Verify(ctx context.Context, hash, password string) (bool, error)
	// Outdated reports whether the hash was made at a lower cost than Hash would take today.
	Outdated(hash string) bool
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
	if rest := p.upTo(a.params); rest.Time > 0 {
		if _, err := a.compute(ctx, rest, salt, password); err != nil {
			return false, err
		}
	}
	return subtle.ConstantTimeCompare(sum, want) == 1 && known, nil
}

// Outdated implements [Hasher].
func (a *Argon2) Outdated(hash string) bool {
	p, _, _, err := decodePHC(hash)
	return err == nil && (p.cost() < a.params.cost() || p.MemoryKiB < a.params.MemoryKiB)
}

// cost is the KiB that a hash passes over: its time is in proportion to it.
func (p Params) cost() uint64 { return uint64(p.MemoryKiB) * uint64(p.Time) }

// upTo returns the cost that p lacks of today's; its Time is 0 where it lacks none.
func (p Params) upTo(today Params) Params {
	if p.cost() >= today.cost() {
		return Params{}
	}
	rest := today.cost() - p.cost()
	passes := (rest + uint64(today.MemoryKiB) - 1) / uint64(today.MemoryKiB)
	return Params{MemoryKiB: uint32(rest / passes), Time: uint32(passes), Threads: today.Threads}
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

// newPassword checks a password that a person chooses, by length and by what is guessed first (NIST SP 800-63B-4 §3.1.1.2): there are
// no rules of composition. Words are what the person is known by: address, name, the names of their clients.
func newPassword(op, field, password string, words ...string) (string, error) {
	p, ok := normalizePassword(password)
	if n := utf8.RuneCountInString(p); !ok || n < MinPassword {
		return "", fault.BadField(op, field, "must have 12 to 128 characters")
	}
	folded := foldPassword(p)
	if madeOf(folded, append(words, platformName)...) {
		return "", fault.BadField(op, field,
			"must not be made of your name, your address or the names of your company and this platform")
	}
	guessed, err := common(folded)
	if err != nil {
		return "", fault.Wrap(op, fault.Internal, "internal", err)
	}
	if guessed {
		return "", fault.BadField(op, field, "is one of those that are guessed first")
	}
	return p, nil
}

// platformName is the words of the platform's own name.
const platformName = "NowGo Agents Platform"
