package archtest

import (
	"go/ast"
	"slices"
	"testing"
)

// One decision point: a process makes one decider, in internal/app, and whoever decides asks that one. What calls are answered by asks it
// through internal/httpapi, at the edge and again with the thing itself; what shows or explains decisions asks it directly.
func TestThereIsOneDecisionPoint(t *testing.T) {
	may := map[string][]string{
		"New":         {"internal/app"},
		"Decide":      {"internal/httpapi", "internal/app"},
		"Reaches":     {"internal/httpapi"},
		"Permissions": {"internal/capability/authentication"},
		"Grant":       {"internal/capability/clients"},
		"Explain":     {"internal/capability/clients"},
	}
	seen := map[string]bool{}
	for _, s := range load(t) {
		if s.test || s.folder == "internal/access" || under(s.folder, "tests") || !slices.Contains(imports(s), module+"internal/access") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !decides(sel) {
				return true
			}
			seen[sel.Sel.Name] = true
			if !slices.Contains(may[sel.Sel.Name], s.folder) {
				t.Errorf("%s/%s calls %s, which only %v may", s.folder, s.name, sel.Sel.Name, may[sel.Sel.Name])
			}
			return true
		})
	}
	for name := range may {
		if !seen[name] {
			t.Errorf("nobody calls %s: the test reads the wrong sources", name)
		}
	}
}

// decides reports whether what is called is access.New, or a method of something that is called a decider.
func decides(sel *ast.SelectorExpr) bool {
	name := ""
	switch x := sel.X.(type) {
	case *ast.Ident:
		name = x.Name
	case *ast.SelectorExpr:
		name = x.Sel.Name
	}
	if name == "access" {
		return sel.Sel.Name == "New"
	}
	return (name == "decider" || name == "Access") && sel.Sel.Name != "Kind"
}
