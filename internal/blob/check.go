package blob

import (
	"fmt"
	"strings"

	"github.com/nowgo/agents/internal/tenant"
)

// MaxName is the largest name in bytes.
const MaxName = 512

// MaxList is how many names List returns at most.
const MaxList = 1000

// ErrTooLarge is returned by Put for content over [MaxSize].
var ErrTooLarge = fmt.Errorf("blob: over %d bytes", MaxSize)

// Platform is the owner of files that belong to no client, such as the archive of the platform's own trail. It is an id that
// no client has: those begin with `cli_`.
const Platform tenant.ID = "platform"

// CheckName returns [ErrBadName] unless the file can be named so: the client as [tenant.Parse] has it, and the name in parts of
// a-z, A-Z, 0-9, `.`, `_`, `=`, `+` and `-` joined by `/`, none of them `.` or `..`, empty, over 200 bytes, or beginning with `.tmp-`.
func CheckName(client tenant.ID, name string) error {
	if err := CheckClient(client); err != nil {
		return err
	}
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("%w: empty or over %d bytes", ErrBadName, MaxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 200 || strings.HasPrefix(part, ".tmp-") || !cleanName(part) {
			return fmt.Errorf("%w: part %q", ErrBadName, part)
		}
	}
	return nil
}

// CheckPrefix returns [ErrBadName] unless names can begin so. The empty prefix is that of all.
func CheckPrefix(client tenant.ID, prefix string) error {
	if err := CheckClient(client); err != nil {
		return err
	}
	if len(prefix) > MaxName || !cleanName(strings.ReplaceAll(prefix, "/", "")) {
		return fmt.Errorf("%w: prefix", ErrBadName)
	}
	return nil
}

// CheckClient returns [ErrBadName] unless the client can own files.
func CheckClient(client tenant.ID) error {
	if _, err := tenant.Parse(string(client)); err != nil {
		return fmt.Errorf("%w: client %q", ErrBadName, client)
	}
	return nil
}

func cleanName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._=+-", r)
	}) < 0
}
