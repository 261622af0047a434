// Package name says what may be the name of a company, a person, an agent or a thing.
package name

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Max is the longest name, in characters.
const Max = 120

// Problem is what to tell who sent a name that is not [Valid].
const Problem = "must have 1 to 120 characters, none of them control characters"

// Valid reports whether s is 1 to [Max] characters of UTF-8, not all of them space, and none of them a control character: names go into
// the headers of mails and the lines of logs.
func Valid(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= Max && strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, unicode.IsControl)
}
