package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/crc32"
	"strings"

	"github.com/nowgo/agents/internal/system"
)

// An API key's credential is `nowgo_<prefix>_<secret><checksum>`: the prefix is public and finds the key, the secret is 256 bits, and
// the checksum tells a key from what looks like one, for scanners and for us, before anything is read.
const (
	keyMark      = "nowgo_"
	prefixLength = 12 // of a-z and 2-7: 60 bits
	secretLength = 43 // base64url of 32 bytes
	sumLength    = 7  // base36 of a CRC-32
	keyLength    = len(keyMark) + prefixLength + 1 + secretLength + sumLength
)

// KeyCredential is what a machine sends. Its text is a secret.
type KeyCredential struct {
	Prefix string // public
	hash   string // SHA-256 of the secret, in hexadecimal
}

// IsKeyCredential reports whether a bearer token says of itself that it is an API key; access tokens never do.
func IsKeyCredential(token string) bool { return strings.HasPrefix(token, keyMark) }

// ParseKeyCredential returns the credential in s, and false for everything that no API key of the platform can be. It does no I/O.
func ParseKeyCredential(s string) (KeyCredential, bool) {
	if len(s) != keyLength || !IsKeyCredential(s) || s[len(keyMark)+prefixLength] != '_' {
		return KeyCredential{}, false
	}
	body, sum := s[:keyLength-sumLength], s[keyLength-sumLength:]
	if checksum(body) != sum {
		return KeyCredential{}, false
	}
	prefix, secret := body[len(keyMark):len(keyMark)+prefixLength], body[len(keyMark)+prefixLength+1:]
	if strings.ContainsFunc(prefix, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }) {
		return KeyCredential{}, false
	}
	return KeyCredential{prefix, hashKey(secret)}, true
}

// newKeyCredential returns the text of a new credential for a key with the prefix, and the hash to keep of it.
func newKeyCredential(sys system.System, prefix string) (text, hash string) {
	secret := sys.NewSecret()
	body := keyMark + prefix + "_" + secret
	return body + checksum(body), hashKey(secret)
}

func newPrefix(sys system.System) string {
	id := sys.NewID("key")
	return id[len(id)-prefixLength:]
}

// checksum is the CRC-32 (IEEE) of the credential up to it, in base 36. It is no protection: it finds typing errors.
func checksum(body string) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	n := crc32.ChecksumIEEE([]byte(body))
	var out [sumLength]byte
	for i := range out {
		out[sumLength-1-i] = digits[n%36]
		n /= 36
	}
	return string(out[:])
}

// hashKey is SHA-256 alone, and not a password's hash: nobody can guess 256 random bits, however fast.
func hashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
