package outbox

import (
	"sync"
	"syscall"
)

// An attempt is one write that does not wait, with its buffer; it is reused.
type attempt struct {
	buf     []byte
	careful bool // write only what the kernel wants in advance
	n       int
	err     error
	poll    pollSet
	try     func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	w := &attempt{buf: make([]byte, 0, batch+4<<10)}
	w.try = w.write
	return w
}}

func (w *attempt) write(fd uintptr) bool {
	w.n, w.err = 0, nil
	if !w.careful || w.wanted(int(fd)) {
		w.n, w.err = writeOnce(int(fd), w.buf)
	}
	return true
}

// wait is write for who waits until something was written.
func (w *attempt) wait(fd uintptr) bool {
	w.write(fd)
	return w.n > 0 || w.err != nil
}

func (w *attempt) release() {
	if cap(w.buf) <= 2*batch {
		attempts.Put(w)
	}
}

// writeOnce writes what the kernel takes now.
func writeOnce(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Write(fd, p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, err
		}
	}
}
