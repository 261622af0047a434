package folder

import (
	"errors"
	"io/fs"
	"syscall"
)

// missing reports whether err says that there is no such file: nothing of the name, a folder, or a file where the name has a
// folder.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)
}
