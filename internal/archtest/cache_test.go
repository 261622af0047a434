package archtest

import (
	"go/ast"
	"testing"
)

// keyless are the packages that may keep what belongs to no client in the cache or count it in the meter, and why.
var keyless = map[string]string{
	"internal/quota":    "rates of network addresses and of global administrators",
	"internal/identity": "sign-ins of people and addresses, whose client is not known yet",
}

// A key of the cache carries its client: only [cache.Of] and [cache.Platform] make one, and the second stays where it is known why.
func TestKeysOfTheCacheCarryTheirClient(t *testing.T) {
	made := 0
	for _, s := range load(t) {
		if s.test || under(s.folder, "internal/cache") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if of, ok := selector.X.(*ast.Ident); !ok || of.Name != "cache" {
				return true
			}
			switch selector.Sel.Name {
			case "Of":
				made++
			case "Platform":
				if keyless[s.folder] == "" {
					t.Errorf("%s/%s keeps what belongs to no client: use cache.Of, or say why in keyless", s.folder, s.name)
				}
			}
			return true
		})
		for _, imported := range s.ast.Imports {
			if imported.Name != nil && imported.Path.Value == `"`+module+`internal/cache"` {
				t.Errorf("%s/%s imports the cache under another name, where this test does not see it", s.folder, s.name)
			}
		}
	}
	if made < 3 {
		t.Errorf("only %d keys of clients found: the test reads the wrong sources", made)
	}
}
