package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nowgo/agents/internal/route"
)

const module = "github.com/nowgo/agents/"

type source struct {
	folder string // below the module's root, with slashes
	name   string
	test   bool
	ast    *ast.File
	lines  int
}

// load parses every Go file of the module.
func load(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var out []source
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "cdk.out") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(rel), d.Name(), strings.HasSuffix(path, "_test.go"), f,
			set.Position(f.End()).Line})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found under %s", len(out), root)
	}
	return out
}

func imports(s source) []string {
	out := make([]string, 0, len(s.ast.Imports))
	for _, i := range s.ast.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, path)
		}
	}
	return out
}

func under(folder string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return folder == r || strings.HasPrefix(folder, r+"/") })
}

// rules: an import beginning with a prefix is allowed in these folders alone.
var reserved = []struct {
	prefix string
	only   []string
}{
	{"github.com/aws/aws-cdk-go", []string{"infra"}},
	{"github.com/aws/jsii-runtime-go", []string{"infra"}},
	{"github.com/awslabs/aws-lambda-go-api-proxy", []string{"internal/gateway"}},
	{"github.com/danielgtaylor/huma", []string{"internal/httpapi", "tests"}},
	{"github.com/cedar-policy/cedar-go", []string{"internal/access"}},
	{"go.etcd.io/bbolt", []string{"internal/store/bolt", "tests"}},
	{"github.com/aws/aws-sdk-go-v2/service/dynamodb", []string{"internal/store/dynamo", "internal/app/function", "internal/relay/stream", "internal/relay", "internal/prover", "tests"}},
	{"github.com/redis/go-redis", []string{"internal/cache/redis"}},
	// What follows is large as soon as it is imported, and so kept out of internal/app/function, which every function links.
	{"github.com/aws/aws-sdk-go-v2/service/eventbridge", []string{"internal/bus/eventbridge", "functions/relay", "tests"}},
	{"github.com/aws/aws-sdk-go-v2/service/kms", []string{"internal/envelope/kms", "internal/prover", "functions/authentication", "tests"}},
	{"github.com/aws/aws-sdk-go-v2/service/sqs", []string{"internal/relay/stream", "tests"}},
	{module + "internal/bus/eventbridge", []string{"functions/relay", "tests"}},
	{module + "internal/envelope/kms", []string{"functions/authentication", "tests"}},
	{module + "internal/prover", []string{"functions/prover", "infra/prove", "tests"}},
	{module + "internal/relay/stream", []string{"functions/relay", "tests"}},
	{"github.com/lestrrat-go/jwx", nil},
	{"html/template", nil},
	{"text/template", nil},
}

var domains = []string{"internal/tenant", "internal/fault", "internal/system", "internal/audit", "internal/identity",
	"internal/client", "internal/organization", "internal/agent", "internal/conversation", "internal/trail", "internal/retrieval",
	"internal/access"}

func TestImportsStayInTheirPlace(t *testing.T) {
	for _, s := range load(t) {
		for _, path := range imports(s) {
			for _, r := range reserved {
				if strings.HasPrefix(path, r.prefix) && !under(s.folder, r.only...) && !s.test {
					t.Errorf("%s/%s imports %s, which only %v may", s.folder, s.name, path, r.only)
				}
			}
			if s.test {
				continue
			}
			if under(s.folder, domains...) && (path == "net/http" || strings.HasPrefix(path, "github.com/aws/")) {
				t.Errorf("%s/%s is domain code and imports %s", s.folder, s.name, path)
			}
			if s.folder == "internal/tenant" && strings.HasPrefix(path, module) {
				t.Errorf("%s/%s imports %s: tenant is imported by all and imports none", s.folder, s.name, path)
			}
			if s.folder == "internal/route" && strings.Contains(path, ".") {
				t.Errorf("%s/%s imports %s: route is the standard library alone", s.folder, s.name, path)
			}
			if !under(s.folder, "internal/app", "functions", "tests", "internal/capability") && strings.HasPrefix(path, module+"internal/capability") {
				t.Errorf("%s/%s imports %s: only the composition knows the capabilities", s.folder, s.name, path)
			}
			if under(s.folder, domains...) && strings.HasPrefix(path, module+"internal/httpapi") {
				t.Errorf("%s/%s is domain code and imports the HTTP edge", s.folder, s.name)
			}
		}
	}
}

// INVARIANT 1: only the directory names a platform partition.
func TestOnlyTheDirectoryNamesPlatformPartitions(t *testing.T) {
	names := []string{"$login", "$hook", "$apikey", "$clients", "$platform", "$trail"}
	for _, s := range load(t) {
		if s.test || under(s.folder, "internal/store/directory", "infra", "tests") || strings.HasSuffix(s.folder, "test") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(lit.Value)
			if err == nil && slices.ContainsFunc(names, func(p string) bool { return strings.Contains(value, p) }) {
				t.Errorf("%s/%s names a platform partition: %s", s.folder, s.name, lit.Value)
			}
			return true
		})
	}
}

// INVARIANT 1: a change in another partition can be made by the directory alone, and read by the store.
func TestOnlyTheDirectorySetsAPartition(t *testing.T) {
	for _, s := range load(t) {
		if s.test || under(s.folder, "internal/store", "internal/idempotency", "infra", "internal/relay") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if sel, ok := left.(*ast.SelectorExpr); ok && sel.Sel.Name == "Partition" {
						t.Errorf("%s/%s sets a Partition", s.folder, s.name)
					}
				}
			case *ast.CompositeLit: // [store.Create] and its like know no partition
				if sel, ok := n.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Change" && len(n.Elts) > 0 {
					t.Errorf("%s/%s makes a Change by hand", s.folder, s.name)
				}
			}
			return true
		})
	}
}

func TestMainsOnlyStart(t *testing.T) {
	for _, s := range load(t) {
		if under(s.folder, "functions") && (s.lines > 40 || s.name != "main.go") {
			t.Errorf("%s/%s has %d lines: a function is one main.go under 40", s.folder, s.name, s.lines)
		}
	}
}

func TestEveryRouteHasItsFunction(t *testing.T) {
	want := []string{"monolith"}
	for _, c := range route.Capabilities() {
		want = append(want, string(c))
	}
	for _, w := range route.Workers() {
		want = append(want, w.Name)
	}
	entries, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("functions/ has %v, the table of routes %v", got, want)
	}
	for _, o := range route.Operations() {
		if !slices.Contains(route.Capabilities(), o.Capability) {
			t.Errorf("operation %s belongs to no capability", o.ID)
		}
	}
}
