package httpapi

import (
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays of a body may be nested.
const maxDepth = 32

// wellFormed reports whether body is one JSON object (RFC 8259), in UTF-8, nested at most [maxDepth] deep. Its time is linear in the
// body's length and it does not recurse.
func wellFormed(body []byte) bool {
	return utf8.Valid(body) && isObject(body) && shallow(body) && json.Valid(body)
}

func isObject(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '{'
		}
	}
	return false
}

// shallow counts brackets outside strings. In a text that is not JSON the count means nothing, and json.Valid refuses it.
func shallow(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}
