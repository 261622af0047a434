package binaries_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nowgo/agents/tests/binaries"
)

// maxSize of a function, in bytes: Lambda loads it at every cold start.
const maxSize = 20_000_000

func TestFunctionsAreSmallAndKeepNoMethodsAlive(t *testing.T) {
	folder := t.TempDir()
	dump, err := binaries.Build(t.Context(), folder, "-dumpdep", "./functions/...")
	if err != nil {
		t.Fatal(err)
	}
	for function, lines := range binaries.ReflectMethod(dump) {
		t.Errorf("%s keeps every exported method alive: %v", function, lines)
	}
	built, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(sources) == 0 || len(built) != len(sources) {
		t.Fatalf("%d binaries of %d functions: %v", len(built), len(sources), err)
	}
	for _, entry := range built {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-16s %5.1f MB", entry.Name(), float64(info.Size())/1e6)
		if info.Size() > maxSize {
			t.Errorf("%s has %d bytes, over %d", entry.Name(), info.Size(), maxSize)
		}
	}
}

func TestReflectMethodIsFoundWhereItIs(t *testing.T) {
	dump, err := binaries.Build(t.Context(), t.TempDir(), "-dumpdep", "./tests/binaries/testdata/reflecting")
	if err != nil {
		t.Fatal(err)
	}
	found := binaries.ReflectMethod(dump)
	if len(found["github.com/nowgo/agents/tests/binaries/testdata/reflecting"]) == 0 {
		t.Errorf("a program that calls a method by its name passes: %v", found)
	}
}
