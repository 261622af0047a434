package bolt

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/nowgo/agents/internal/store"
)

// Errors of [Open] and of the change stream; those of the table itself are package store's.
var (
	ErrLocked   = errors.New("bolt: the table's file is in use by another process")
	ErrForeign  = errors.New("bolt: the file is not a table of this platform")
	ErrCorrupt  = errors.New("bolt: the table's file is damaged")
	ErrNewer    = errors.New("bolt: the table's file was written by a newer version of the platform")
	ErrClosed   = errors.New("bolt: the table is closed")
	ErrConsumer = errors.New("bolt: no such consumer of the change stream")
	ErrSequence = errors.New("bolt: no such sequence in the change stream")
)

// unavailable returns err as the port's error of a table that does not answer.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

func corrupt(format string, args ...any) error {
	return unavailable(fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...)))
}

// guard runs fn and returns a panic as an error. bbolt trusts its pages: on a damaged one it panics, or follows an offset out
// of the mapped file, which is a fault of the processor that Go makes a panic of where it is asked to.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = corrupt("%v", p)
		}
	}()
	return fn()
}
