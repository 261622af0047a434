package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/store/directory"
)

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"ana@x.example", " ANA@X.Example ", "İ@x.example", `"a b"@x`, "Ana <a@b>", "a@[127.0.0.1]", "a@b\r\nBcc: c@d", "\xff@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := directory.NormalizeEmail(s)
		if err != nil {
			if !errors.Is(err, directory.ErrEmail) {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if twice, err := directory.NormalizeEmail(once); err != nil || twice != once {
			t.Errorf("%q is %q, and then %q, %v", s, once, twice, err)
		}
		if len(once) > directory.MaxEmail || strings.ContainsAny(once, " \r\n\t\x00<>") {
			t.Errorf("%q is %q", s, once)
		}
	})
}
