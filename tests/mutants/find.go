package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/packages"
)

// mutant is one guard taken away: a piece of a file replaced.
type mutant struct {
	kind     string
	pkg      string // import path
	file     string // absolute
	line     int
	function string
	guard    string // the guard's text, on one line
	from, to int    // bytes of the file that are replaced
	with     string
	id       string // stable while the guard stays as it is: file, function, kind, text, and a number where there are several
}

const (
	accessPath = module + "/internal/access"
	tenantPath = module + "/internal/tenant"
	storePath  = module + "/internal/store"
)

// finder walks the files of one package.
type finder struct {
	pkg      *packages.Package
	file     *ast.File
	path     string
	source   []byte
	parents  map[ast.Node]ast.Node
	function string
	found    []mutant
}

// find returns the mutants of a package, in the order of its files.
func find(pkg *packages.Package, sources map[string][]byte) []mutant {
	var all []mutant
	for i, file := range pkg.Syntax {
		path := pkg.CompiledGoFiles[i]
		f := &finder{pkg: pkg, file: file, path: path, source: sources[path], parents: parentsOf(file)}
		for _, d := range file.Decls {
			f.function = nameOf(d)
			ast.Inspect(d, f.visit)
		}
		all = append(all, f.found...)
	}
	return all
}

func parentsOf(file *ast.File) map[ast.Node]ast.Node {
	parents := map[ast.Node]ast.Node{}
	var stack []ast.Node
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
	return parents
}

func nameOf(d ast.Decl) string {
	fn, ok := d.(*ast.FuncDecl)
	if !ok {
		return "var"
	}
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(fn.Recv.List[0].Type), "*") + "." + fn.Name.Name
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		f.decision(n)
	case *ast.BinaryExpr:
		f.comparison(n)
	case *ast.CallExpr:
		f.call(n)
	}
	return true
}

// decision takes away every reading of a decision, unless it is written.
func (f *finder) decision(s *ast.SelectorExpr) {
	if s.Sel.Name != "Allow" || !f.isType(s.X, accessPath, "Decision") {
		return
	}
	if as, ok := f.parents[s].(*ast.AssignStmt); ok {
		for _, l := range as.Lhs {
			if l == ast.Expr(s) {
				return
			}
		}
	}
	f.add("decision", s, "("+f.text(s)+" || true)")
}

// comparison takes away comparisons of two clients, and constant-time compares.
func (f *finder) comparison(b *ast.BinaryExpr) {
	if b.Op != token.EQL && b.Op != token.NEQ {
		return
	}
	if call, ok := ast.Unparen(b.X).(*ast.CallExpr); ok && f.callee(call) == "crypto/subtle.ConstantTimeCompare" {
		lit := f.text(b.Y)
		same := (lit == "1") == (b.Op == token.EQL)
		f.add("secret", b, whole(f.text(b), same))
		return
	}
	if !f.isType(b.X, tenantPath, "ID") || !f.isType(b.Y, tenantPath, "ID") {
		return
	}
	if f.constant(b.X) || f.constant(b.Y) { // whether there is a client, not which
		return
	}
	f.add("tenant", b, whole(f.text(b), b.Op == token.EQL))
}

// whole is the expression, evaluated, and then what lets everybody through.
func whole(text string, yes bool) string {
	if yes {
		return "((" + text + ") || true)"
	}
	return "((" + text + ") && false)"
}

var expiring = regexp.MustCompile(`(?i)expir|until|ends|lifetime|notafter|sessionsfrom`)

var opposite = regexp.MustCompile(`(?i)sessionsfrom|\bmax`)

func (f *finder) call(c *ast.CallExpr) {
	name := f.callee(c)
	switch {
	case name == storePath+".Create", name == storePath+".Update", name == storePath+".Delete", name == storePath+".Check":
		f.condition(c)
	case strings.HasSuffix(name, ".Expired") || strings.HasSuffix(name, ".expired"):
		if f.results(c) == "bool" {
			f.add("expiry", c, whole(f.text(c), false))
		}
	case name == "time.Time.Before", name == "time.Time.After":
		f.time(c, strings.HasSuffix(name, "Before"))
	case name == "crypto/hmac.Equal", strings.HasSuffix(name, ".sameHash"), strings.HasSuffix(name, "ed25519.Verify"):
		f.add("secret", c, whole(f.text(c), true))
	case (strings.HasSuffix(name, ".Verify") || strings.HasSuffix(name, ".verify")) && f.results(c) == "(bool, error)":
		f.add("secret", c, "func() (bool, error) { _, err := "+f.text(c)+"; return true, err }()")
	case name == tenantPath+".ID.Platform":
		f.refusal("tenant", c)
	case name == tenantPath+".Parse":
		f.refusal("tenant", c)
	}
}

// condition takes the condition off a change: the store's overlay knows Unconditional.
func (f *finder) condition(c *ast.CallExpr) {
	prefix := ""
	if f.pkg.PkgPath != storePath {
		if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
			prefix = f.text(sel.X) + "."
		}
	}
	f.add("condition", c, prefix+"Unconditional("+f.text(c)+")")
}

// time takes away a comparison with a time of expiry: nothing is over.
func (f *finder) time(c *ast.CallExpr, before bool) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || len(c.Args) != 1 {
		return
	}
	late, early := expiring.MatchString(f.text(c.Args[0])), expiring.MatchString(f.text(sel.X))
	if late == early {
		return
	}
	// now.Before(expiry) and expiry.After(now) say that it is not over yet; of what ends earlier times, and of a bound, they say the opposite.
	f.add("expiry", c, whole(f.text(c), (before == late) != opposite.MatchString(f.text(c))))
}

// refusal takes away the if that a call's answer decides, where its body ends the function's work.
func (f *finder) refusal(kind string, c *ast.CallExpr) {
	for n := f.parents[c]; n != nil; n = f.parents[n] {
		s, ok := n.(*ast.IfStmt)
		if !ok {
			if _, block := n.(*ast.BlockStmt); block {
				return
			}
			continue
		}
		if leaves(s.Body) {
			f.addRange(kind, s.Cond, "("+f.text(s.Cond)+") && false")
		}
		return
	}
}

func leaves(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	}
	return false
}

func (f *finder) add(kind string, n ast.Expr, with string) { f.addRange(kind, n, with) }

func (f *finder) addRange(kind string, n ast.Expr, with string) {
	at := f.pkg.Fset.Position(n.Pos())
	f.found = append(f.found, mutant{kind: kind, pkg: f.pkg.PkgPath, file: f.path, line: at.Line, function: f.function,
		guard: f.short(n), from: at.Offset, to: f.pkg.Fset.Position(n.End()).Offset, with: with})
}

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.pkg.Fset.Position(n.Pos()).Offset:f.pkg.Fset.Position(n.End()).Offset])
}

// short is the guard's text on one line, as gofmt writes it.
func (f *finder) short(n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, f.pkg.Fset, n); err != nil {
		return fmt.Sprint(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// callee names the called function: path.Function, path.Type.Method.
func (f *finder) callee(c *ast.CallExpr) string {
	var id *ast.Ident
	switch fun := ast.Unparen(c.Fun).(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return ""
	}
	fn, ok := f.pkg.TypesInfo.Uses[id].(*types.Func)
	if !ok || fn.Pkg() == nil {
		return ""
	}
	name := fn.Pkg().Path() + "."
	if sig, ok := fn.Type().(*types.Signature); ok && sig.Recv() != nil {
		t := sig.Recv().Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if named, ok := t.(*types.Named); ok {
			name += named.Obj().Name() + "."
		}
	}
	return name + fn.Name()
}

func (f *finder) results(c *ast.CallExpr) string { return f.pkg.TypesInfo.TypeOf(c).String() }

func (f *finder) isType(e ast.Expr, path, name string) bool {
	named, ok := f.pkg.TypesInfo.TypeOf(e).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == path && named.Obj().Name() == name
}

func (f *finder) constant(e ast.Expr) bool { return f.pkg.TypesInfo.Types[e].Value != nil }
