// Package blob is the port to files: what is too large for the table. Adapters: blob/folder and blob/s3; both pass
// blob/blobtest. A file's key always begins with its client (invariant 1).
package blob

import (
	"context"
	"errors"

	"github.com/nowgo/agents/internal/tenant"
)

// ErrNotFound is returned for a file that is not there.
var ErrNotFound = errors.New("blob: no such file")

// ErrBadName is returned for a name that is empty, over 512 bytes, absolute, or has `..`, empty or odd parts.
var ErrBadName = errors.New("blob: bad name")

// MaxSize is the largest file in bytes that Put takes.
const MaxSize = 16 << 20

// Store keeps files. Implementations may be used concurrently.
type Store interface {
	// Put writes the file, whole or not at all, over one of the same name. It returns when the file is durable.
	Put(ctx context.Context, client tenant.ID, name string, content []byte) error
	// Get returns the content, or [ErrNotFound].
	Get(ctx context.Context, client tenant.ID, name string) ([]byte, error)
	// Delete removes the file; one that is not there is no error.
	Delete(ctx context.Context, client tenant.ID, name string) error
	// List returns the names that begin with prefix, in byte order, at most 1000, after the name `after`.
	List(ctx context.Context, client tenant.ID, prefix, after string) ([]string, error)
}
