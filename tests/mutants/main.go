package main

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"golang.org/x/tools/go/packages"
)

const module = "github.com/nowgo/agents"

func main() {
	only := flag.String("only", "", "a regular expression: only mutants whose id matches")
	list := flag.Bool("list", false, "print the mutants and run nothing")
	quick := flag.Bool("quick", false, "leave out the black boxes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *list, *quick); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, list, quick bool) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("mutants: -only: %w", err)
	}
	root, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	r := &runner{root: root, quick: quick, sources: map[string][]byte{}, imports: map[string][]string{}}
	mutants, err := r.load(ctx)
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !wanted.MatchString(m.id) })
	if list {
		for _, m := range mutants {
			fmt.Println(m.id)
		}
		fmt.Printf("%d mutants\n", len(mutants))
		return nil
	}
	explained, err := readExplained(filepath.Join(root, "tests/mutants/explained.txt"))
	if err != nil {
		return err
	}
	if r.folder, err = os.MkdirTemp("", "mutants-*"); err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	defer os.RemoveAll(r.folder)
	if err := r.sound(ctx, mutants); err != nil {
		return err
	}
	return r.report(ctx, mutants, explained, only == "")
}

// sound fails where a test fails with every guard in its place: it would catch everything.
func (r *runner) sound(ctx context.Context, mutants []mutant) error {
	wanted := map[string]bool{}
	for _, m := range mutants {
		for _, stage := range r.stages(m) {
			for _, p := range stage {
				wanted[p] = true
			}
		}
	}
	failed, output, err := r.test(ctx, "", slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	if failed {
		return fmt.Errorf("mutants: the tests fail without any mutant:\n%s", output)
	}
	return nil
}

// load finds the mutants of the module's own code: not its tests, suites and tools, nor the infrastructure.
func (r *runner) load(ctx context.Context) ([]mutant, error) {
	all, err := packages.Load(&packages.Config{Context: ctx, Dir: r.root, Tests: true, Mode: packages.NeedName | packages.NeedFiles |
		packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax},
		"./internal/...", "./functions/...")
	if err != nil {
		return nil, fmt.Errorf("mutants: %w", err)
	}
	var found []mutant
	seen := map[string]bool{}
	for _, p := range all {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("mutants: %w", p.Errors[0])
		}
		r.imported(p)
		if seen[p.PkgPath] || strings.Contains(p.ID, " [") || strings.HasSuffix(p.PkgPath, "_test") || strings.HasSuffix(p.ID, ".test") || helping.MatchString(p.PkgPath) {
			continue
		}
		seen[p.PkgPath] = true
		for _, path := range p.CompiledGoFiles {
			if r.sources[path], err = os.ReadFile(path); err != nil {
				return nil, fmt.Errorf("mutants: %w", err)
			}
		}
		found = append(found, find(p, r.sources)...)
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].file < found[j].file })
	number := map[string]int{}
	for i := range found {
		m := &found[i]
		id := strings.Join([]string{strings.TrimPrefix(m.file, r.root+"/"), m.function, m.kind, m.guard}, " · ")
		if number[id]++; number[id] > 1 {
			m.id = fmt.Sprintf("%s · %d", id, number[id])
		} else {
			m.id = id
		}
	}
	return found, nil
}

// helping packages serve tests alone.
var helping = regexp.MustCompile(`/(testkit|archtest|[a-z]+test)$`)

// imported notes which packages a package's code and tests import, so that its tests are asked about mutants there.
func (r *runner) imported(p *packages.Package) {
	path := strings.TrimSuffix(strings.TrimSuffix(p.PkgPath, ".test"), "_test")
	for _, file := range p.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ImportSpec)
			if !ok {
				return true
			}
			to := strings.Trim(spec.Path.Value, `"`)
			from := "./" + strings.TrimPrefix(path, module+"/")
			if strings.HasPrefix(to, module+"/internal") && to != path && !slices.Contains(r.imports[to], from) {
				r.imports[to] = append(r.imports[to], from)
			}
			return true
		})
	}
}

// report runs the mutants and says what became of them.
func (r *runner) report(ctx context.Context, mutants []mutant, explained map[string]string, all bool) error {
	caught, unexplained := 0, 0
	var broken []outcome
	for i, m := range mutants {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o, err := r.try(ctx, m)
		if err != nil {
			return err
		}
		place := fmt.Sprintf("%s:%d", strings.TrimPrefix(m.file, r.root+"/"), m.line)
		reason, known := explained[m.id]
		delete(explained, m.id)
		switch {
		case o.why != "":
			broken = append(broken, o)
			fmt.Printf("%d/%d BROKEN    %s %s\n%s\n", i+1, len(mutants), place, m.guard, o.why)
		case o.by != "":
			caught++
			fmt.Printf("%d/%d caught    %s %s: %s (%s)\n", i+1, len(mutants), place, m.kind, m.guard, o.by)
		case known:
			fmt.Printf("%d/%d survived  %s\n           because %s\n", i+1, len(mutants), m.id, reason)
		default:
			unexplained++
			fmt.Printf("%d/%d SURVIVED  %s\n", i+1, len(mutants), m.id)
		}
	}
	fmt.Printf("found %d, caught %d, survived %d, of them without a reason %d\n", len(mutants), caught, len(mutants)-caught-len(broken), unexplained)
	for id := range explained {
		if all {
			fmt.Printf("explained.txt speaks of what is not there any more: %s\n", id)
		}
	}
	if unexplained > 0 || len(broken) > 0 {
		return fmt.Errorf("mutants: %d survived without a reason, %d do not compile", unexplained, len(broken))
	}
	return nil
}

// readExplained reads pairs of lines: a mutant's id, and the reason, indented.
func readExplained(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mutants: %w", err)
	}
	reasons := map[string]string{}
	id := ""
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimRight(line, "\n"); {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "\t") && id != "":
			reasons[id] = strings.TrimSpace(reasons[id] + " " + strings.TrimSpace(line))
		default:
			id = line
		}
	}
	return reasons, nil
}
