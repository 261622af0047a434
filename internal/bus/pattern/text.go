package pattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// compileAffix compiles prefix and suffix, of a string or of {"equals-ignore-case": string}.
func compileAffix(name string, value any) (matcher, error) {
	if o, ok := value.(*object); ok {
		if len(o.names) != 1 || o.names[0] != "equals-ignore-case" {
			return nil, fmt.Errorf("%s takes a string or equals-ignore-case", name)
		}
		name, value = name+"-ignore-case", o.values[0]
	}
	s, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("%s takes a string", name)
	}
	return compileText(name, s)
}

// compileText compiles a condition upon strings.
func compileText(name, want string) (matcher, error) {
	switch name {
	case "prefix":
		return text(func(s string) bool { return strings.HasPrefix(s, want) }), nil
	case "suffix":
		return text(func(s string) bool { return strings.HasSuffix(s, want) }), nil
	case "equals-ignore-case":
		return text(func(s string) bool { return strings.EqualFold(s, want) }), nil
	case "prefix-ignore-case":
		return text(func(s string) bool { return strings.EqualFold(first(s, utf8.RuneCountInString(want)), want) }), nil
	case "suffix-ignore-case":
		return text(func(s string) bool { return strings.EqualFold(last(s, utf8.RuneCountInString(want)), want) }), nil
	case "wildcard":
		return compileWildcard(want)
	default:
		return nil, fmt.Errorf("no operator %q upon text", name)
	}
}

// first returns the first n characters of s, or all of it.
func first(s string, n int) string {
	end := 0
	for ; n > 0 && end < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return s[:end]
}

// last returns the last n characters of s, or all of it.
func last(s string, n int) string {
	start := len(s)
	for ; n > 0 && start > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:start])
		start -= size
	}
	return s[start:]
}

// compileWildcard compiles a text in which * stands for any characters, and \* and \\ for themselves.
func compileWildcard(want string) (matcher, error) {
	pieces := []string{""}
	for i := 0; i < len(want); i++ {
		switch c := want[i]; {
		case c == '\\' && i+1 < len(want) && (want[i+1] == '*' || want[i+1] == '\\'):
			i++
			pieces[len(pieces)-1] += string(want[i])
		case c == '\\':
			return nil, errors.New(`wildcard: \ stands before * or \ only`)
		case c == '*' && i > 0 && want[i-1] == '*' && pieces[len(pieces)-1] == "" && len(pieces) > 1:
			return nil, errors.New("wildcard: two * in a row")
		case c == '*':
			pieces = append(pieces, "")
		default:
			pieces[len(pieces)-1] += string(want[i : i+1])
		}
	}
	return text(func(s string) bool { return matchPieces(s, pieces) }), nil
}

// matchPieces reports whether s begins with the first piece, ends with the last and has the others between, in order.
func matchPieces(s string, pieces []string) bool {
	if len(pieces) == 1 {
		return s == pieces[0]
	}
	end := pieces[len(pieces)-1]
	s, ok := strings.CutPrefix(s, pieces[0])
	if !ok || !strings.HasSuffix(s, end) {
		return false
	}
	s = s[:len(s)-len(end)]
	for _, piece := range pieces[1 : len(pieces)-1] {
		_, after, ok := strings.Cut(s, piece)
		if !ok {
			return false
		}
		s = after
	}
	return true
}
