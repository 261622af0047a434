// Package binaries builds programs of this module as `make build` builds the functions, and holds them to what a function may be.
package binaries

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/nowgo/agents/tests/env"
)

// Build builds the packages, named as `go build` takes them, into the folder and returns what the tools printed. Linker flags are
// added to the usual ones.
func Build(ctx context.Context, folder string, linker string, packages ...string) ([]byte, error) {
	root, err := env.Root()
	if err != nil {
		return nil, err
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w " + linker, "-tags", "lambda.norpc", "-o", folder + "/"},
		packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go build %v: %w: %s", packages, err, tail(out))
	}
	return out, nil
}

func tail(out []byte) []byte {
	const most = 2 << 10
	return out[max(0, len(out)-most):]
}

// ReflectMethod returns, by the package that was linked, the functions in the linker's graph (`-ldflags=-dumpdep`) that look methods
// up by a name known at run time alone. One of them keeps every exported method of every type that is linked, the thousands
// of the AWS clients among them.
func ReflectMethod(dump []byte) map[string][]string {
	found := map[string][]string{}
	linked := ""
	for line := range bytes.Lines(dump) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if name, ok := bytes.CutPrefix(line, []byte("# ")); ok {
			linked = string(name)
			continue
		}
		if bytes.Contains(line, []byte("<ReflectMethod>")) {
			found[linked] = append(found[linked], string(line))
		}
	}
	return found
}
