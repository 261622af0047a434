package directory

import (
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxEmail is the longest address in bytes (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets).
const MaxEmail = 254

// ErrEmail is returned for a text that is not one bare email address.
var ErrEmail = errors.New("directory: not an email address")

// NormalizeEmail returns the one form under which an address is known: trimmed, in lower case, in NFC, without display name. It
// returns [ErrEmail] where net/mail (RFC 5322 §3.4.1) finds no address, where more than an address is there, for
// invalid UTF-8, and over [MaxEmail] bytes.
func NormalizeEmail(s string) (string, error) {
	if !utf8.ValidString(s) || len(s) > 2*MaxEmail {
		return "", ErrEmail
	}
	s = norm.NFC.String(strings.ToLower(norm.NFC.String(strings.TrimSpace(s))))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > MaxEmail {
		return "", ErrEmail
	}
	// A quoted local part, or what nobody sees, would let one address look like another's.
	if strings.ContainsFunc(s, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "", ErrEmail
	}
	return s, nil
}
