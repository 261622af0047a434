package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nowgo/agents/tests/readme"
)

var update = flag.Bool("update", false, "write the table of the README anew")

// roleTable is what each function's role reaches, as a table.
func roleTable() string {
	var b strings.Builder
	b.WriteString("| function | one client's rows, files and data keys | directory | both in one commit | secrets | other |\n|---|---|---|---|---|---|\n")
	for _, name := range FunctionNames() {
		n := NeedsOf(name)
		var secrets, other []string
		for what, has := range map[string]bool{"signing keys": n.SigningKeys, "platform": n.Platform, "administrator": n.Administrator} {
			if has {
				secrets = append(secrets, what)
			}
		}
		for what, has := range map[string]bool{"replaces the signing keys": n.RotateKeys, "adds to the platform's trail": n.Trail,
			"persons' data keys": n.Seal, "mail": n.Mail, "publishes on the bus": n.Publish, "reads the stream": name == "relay",
			"is invoked by operators alone": n.Prove} {
			if has {
				other = append(other, what)
			}
		}
		b.WriteString("| `" + name + "` | " + cell(n.Clients, "data role") + " | " + [...]string{"–", "reads", "writes"}[n.Directory] + " | " +
			cell(n.Registrar, "registrar role") + " | " + joined(secrets) + " | " + joined(other) + " |\n")
	}
	return b.String()
}

func cell(has bool, what string) string {
	if has {
		return what
	}
	return "–"
}

func joined(what []string) string {
	if len(what) == 0 {
		return "–"
	}
	slices.Sort(what)
	return strings.Join(what, ", ")
}

// The README's table of functions and roles is what the app deploys.
func TestReadmeShowsTheRoles(t *testing.T) {
	const path = "../README.md"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := readme.Put(content, "roles", []byte(roleTable()))
	if !ok {
		t.Fatal("the README has no place for the roles")
	}
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(want) != string(content) {
		t.Error("the README's table of roles is not what it is now: go test ./infra -run Readme -update")
	}
}
