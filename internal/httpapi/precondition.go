package httpapi

import (
	"strconv"
	"strings"

	"github.com/nowgo/agents/internal/fault"
)

// Precondition is the version an update has seen; embed it in the input.
type Precondition struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what is updated, as it was last read."`
}

// Seen returns the version in If-Match (RFC 9110 §13.1.1), 1 or more. It is a PreconditionRequired error, code `if_match_required`, where the
// header is missing, and Invalid, code `invalid_if_match`, where it is not one ETag of this API: `*`, lists and weak ones are not taken.
func (p Precondition) Seen() (int64, error) {
	const op = "httpapi.Seen"
	if p.IfMatch == "" {
		return 0, fault.New(op, fault.PreconditionRequired, "if_match_required")
	}
	digits, ok := strings.CutPrefix(p.IfMatch, `"v`)
	digits, closed := strings.CutSuffix(digits, `"`)
	n, err := strconv.ParseUint(digits, 10, 63)
	if !ok || !closed || err != nil || n == 0 || digits[0] == '0' {
		return 0, fault.New(op, fault.Invalid, "invalid_if_match")
	}
	return int64(n), nil
}

// ETag returns the entity tag of a version: `"v7"`.
func ETag(version int64) string { return `"v` + strconv.FormatInt(version, 10) + `"` }
