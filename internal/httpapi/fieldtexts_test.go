package httpapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestFieldMessagesOfServicesAreTranslated reads the sources of the platform for what they say of fields.
func TestFieldMessagesOfServicesAreTranslated(t *testing.T) {
	fields := inLanguage(portuguese).Fields
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !importsFault(file) {
			return nil // what it says is not sent to callers
		}
		ast.Inspect(file, func(n ast.Node) bool {
			for _, message := range messagesOf(n) {
				found++
				if fields[message] == "" {
					t.Errorf("%q (%s) has no Portuguese", message, path)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Errorf("found only %d messages: the test reads the wrong sources", found)
	}
}

func importsFault(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return strings.HasSuffix(i.Path.Value, `/internal/fault"`) })
}

// messagesOf returns the literal messages of a fault.BadField call, of a call of the services' helper `bad`, or of a fault.Field
// literal, formats as they are written.
func messagesOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		if last := len(n.Args) - 1; name == "BadField" && last == 2 || name == "bad" && last == 1 {
			return literal(n.Args[last])
		}
	case *ast.CompositeLit:
		if sel, ok := n.Type.(*ast.SelectorExpr); !ok || sel.Sel.Name != "Field" {
			return nil
		}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Message" {
					return literal(kv.Value)
				}
			}
		}
		if len(n.Elts) == 2 {
			return literal(n.Elts[1])
		}
	}
	return nil
}

func literal(e ast.Expr) []string {
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) > 0 {
		e = call.Args[0]
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return nil
	}
	return []string{text}
}
