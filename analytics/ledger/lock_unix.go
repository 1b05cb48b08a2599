//go:build unix

package ledger

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the lock of a file, if nobody has it. It ends when the file is closed.
func lock(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
