package readme_test

import (
	"testing"

	"github.com/nowgo/agents/tests/readme"
)

func TestPut(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"empty so far":        {"a\n<!-- x -->\n<!-- /x -->\nb\n", "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"},
		"replaced":            {"<!-- x -->\nold\nold\n<!-- /x -->", "<!-- x -->\nnew\n<!-- /x -->"},
		"others left alone":   {"<!-- y -->\n<!-- /y -->\n<!-- x -->\n<!-- /x -->\n", "<!-- y -->\n<!-- /y -->\n<!-- x -->\nnew\n<!-- /x -->\n"},
		"no marks":            {"a\n", ""},
		"never closed":        {"<!-- x -->\nold\n", ""},
		"closed before it is": {"<!-- /x -->\n<!-- x -->\n", ""},
	} {
		got, ok := readme.Put([]byte(c.content), "x", []byte("new\n"))
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}
