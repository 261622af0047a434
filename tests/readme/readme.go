// Package readme puts what the code says into the README, between the marks <!-- name --> and <!-- /name -->, each on a line of its
// own.
package readme

import (
	"bytes"
	"slices"
)

// Put returns content with the block between the marks of the name, or false where the marks are not there.
func Put(content []byte, name string, block []byte) ([]byte, bool) {
	begin, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- /"+name+" -->")
	before, rest, opened := bytes.Cut(content, begin)
	_, after, closed := bytes.Cut(rest, end)
	if !opened || !closed {
		return nil, false
	}
	return slices.Concat(before, begin, block, end, after), true
}
