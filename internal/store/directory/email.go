package directory

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// MaxEmail is the longest address in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets).
const MaxEmail = 254

// ErrEmail is returned for a text that is not one bare email address.
var ErrEmail = errors.New("directory: not an email address")

// NormalizeEmail returns the one form under which an address is known: trimmed, in lower case, without display name. It
// returns [ErrEmail] where net/mail (RFC 5322 §3.4.1) finds no address, where more than an address is there, for
// invalid UTF-8, and over [MaxEmail] bytes.
func NormalizeEmail(s string) (string, error) {
	if !utf8.ValidString(s) || len(s) > 2*MaxEmail {
		return "", ErrEmail
	}
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > MaxEmail {
		return "", ErrEmail
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' }) {
		return "", ErrEmail
	}
	return s, nil
}
