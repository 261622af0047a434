package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runner runs the tests upon a mutant.
type runner struct {
	root    string
	quick   bool   // without the black boxes
	folder  string // for the overlay's files
	sources map[string][]byte
	imports map[string][]string // by package: those whose tests or code import it directly
}

// outcome is what became of a mutant.
type outcome struct {
	mutant
	by  string // the tests that caught it; empty: it survived
	why string // a defect of the mutant itself: it does not compile
}

const testTime = 4 * time.Minute // of one package's tests, which take seconds

// blackBoxes are asked last.
var blackBoxes = []string{"./internal/app", "./tests/journey", "./tests/attacks", "./tests/isolation"}

// try runs the tests upon a mutant until one fails.
func (r *runner) try(ctx context.Context, m mutant) (outcome, error) {
	overlay, err := r.overlay(m)
	if err != nil {
		return outcome{}, err
	}
	for _, packages := range r.stages(m) {
		failed, output, err := r.test(ctx, overlay, packages)
		if err != nil {
			return outcome{}, err
		}
		if failed && strings.Contains(output, "[build failed]") {
			return outcome{mutant: m, why: output}, nil
		}
		if failed {
			return outcome{mutant: m, by: firstFailure(output)}, nil
		}
	}
	return outcome{mutant: m}, nil
}

// stages are the packages whose tests are asked, one stage after the other.
func (r *runner) stages(m mutant) [][]string {
	stages := [][]string{{"./" + strings.TrimPrefix(m.pkg, module+"/")}}
	if near := r.imports[m.pkg]; len(near) > 0 {
		stages = append(stages, near)
	}
	if r.quick {
		return stages
	}
	return append(stages, r.present(blackBoxes))
}

func (r *runner) present(patterns []string) []string {
	var there []string
	for _, p := range patterns {
		if _, err := os.Stat(filepath.Join(r.root, strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/..."))); err == nil {
			there = append(there, p)
		}
	}
	return there
}

// test runs the tests of packages. The stack's are left out: a mutant is not deployed.
func (r *runner) test(ctx context.Context, overlay string, packages []string) (failed bool, output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*testTime)
	defer cancel()
	args := []string{"test", "-failfast", "-timeout", testTime.String(), "-skip", skipped}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	args = append(args, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, "", nil
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return true, "--- FAIL: timed out", nil
	case errors.As(err, &exit):
		return true, out.String(), nil
	default:
		return false, "", fmt.Errorf("mutants: go test: %w", err)
	}
}

// skipped are the tests of the deployed stack and of built processes: a mutant is neither.
const skipped = "^(TestStack|TestGateway|TestProcess|TestAPasswordIsMadeAndShownOnce)$"

func firstFailure(output string) string {
	for line := range strings.Lines(output) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			name, _, _ = strings.Cut(name, " ")
			return name
		}
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "FAIL") {
			return strings.TrimSpace(line)
		}
	}
	return "a failure without a name"
}

// overlay writes the mutated file, and for a condition the store that knows what to do without one.
func (r *runner) overlay(m mutant) (string, error) {
	source := r.sources[m.file]
	files := map[string][]byte{m.file: splice(source, m.from, m.to, m.with)}
	if m.kind == "condition" {
		if err := r.unconditional(files); err != nil {
			return "", err
		}
	}
	replace := map[string]string{}
	for path, content := range files {
		at := filepath.Join(r.folder, strings.ReplaceAll(strings.TrimPrefix(path, r.root+"/"), "/", "_"))
		if err := os.WriteFile(at, content, 0o600); err != nil {
			return "", fmt.Errorf("mutants: %w", err)
		}
		replace[path] = at
	}
	document, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("mutants: %w", err)
	}
	at := filepath.Join(r.folder, "overlay.json")
	return at, os.WriteFile(at, document, 0o600)
}

func splice(source []byte, from, to int, with string) []byte {
	return bytes.Join([][]byte{source[:from], []byte(with), source[to:]}, nil)
}

// unconditional lets the store's port and the embedded table know changes without a condition.
func (r *runner) unconditional(files map[string][]byte) error {
	for _, p := range []struct{ file, old, new string }{
		{"internal/store/store.go", "\tSeen      int64", "\tNoCondition bool\n\tSeen      int64"},
		{"internal/store/store.go", "// Index names what a query reads.",
			"// Unconditional takes the condition off a change.\nfunc Unconditional(c Change) Change { c.NoCondition = true; return c }\n\n// Index names what a query reads."},
		{"internal/store/bolt/commit.go", "\tswitch a.Op {\n\tcase store.OpCreate:\n\t\treturn",
			"\tif a.NoCondition {\n\t\tif a.Op == store.OpUpdate {\n\t\t\ta.Seen = version\n\t\t}\n\t\treturn true, nil\n\t}\n\tswitch a.Op {\n\tcase store.OpCreate:\n\t\treturn"},
	} {
		path := filepath.Join(r.root, p.file)
		source, ok := files[path]
		if !ok {
			source = r.sources[path]
		}
		if strings.Count(string(source), p.old) != 1 {
			return fmt.Errorf("mutants: %s has changed: %q is not in it once", p.file, p.old)
		}
		files[path] = []byte(strings.Replace(string(source), p.old, p.new, 1))
	}
	return nil
}
