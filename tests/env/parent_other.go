//go:build !linux

package env

import "syscall"

// endWithParent asks for nothing: elsewhere only [Main] stops the servers.
func endWithParent() *syscall.SysProcAttr { return nil }
