package transport

import (
	"math"
	"syscall"
)

// DefaultSessions is how many sessions a node has at most where nobody says it: 80 % of the files that the
// process may have open, connections among them, and 100 at least.
func DefaultSessions() int { return max(100, descriptors()/5*4) }

// descriptors is the soft limit of open files, which Go raises to the hard one when a program starts; 0:
// nobody knows.
func descriptors() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) // infinity is a large number
}
