package outbox

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// takeInAdvance sets how many bytes that it has not sent yet the kernel should hold for a TCP socket;
// 0: as many as its buffer takes. Whoever waits for room is woken. Where it cannot be set, it is not.
func takeInAdvance(raw syscall.RawConn, bytes int) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
	})
}

// wanted reports whether the kernel holds less than that. A write would not: it fills the segment that
// it has begun, up to 64 KiB of it. If not, who waits for the connection is woken as soon as it does.
func (w *attempt) wanted(fd int) bool {
	w.poll[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
	n, err := unix.Poll(w.poll[:], 0)
	return n > 0 || err != nil
}

type pollSet [1]unix.PollFd
