//go:build !linux

package outbox

import "syscall"

// takeInAdvance does nothing where the kernel is not Linux: its buffer alone bounds what it holds.
func takeInAdvance(syscall.RawConn, int) {}

func (*attempt) wanted(int) bool { return true }

type pollSet struct{}
