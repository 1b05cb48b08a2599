package main

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A loop reads every connection from one goroutine over one epoll, so that the load costs as little
// of the shared cores as it can.
type loop struct {
	server netip.AddrPort
	locals int // how many addresses 127.0.0.2 and up to connect from
	epoll  int
	ready  []unix.EpollEvent
	buffer []byte
	conns  []*conn

	reads      int64 // reads that brought something
	closed     int   // connections that the server ended
	firstClose error // what ended the first of them

	// nap is how long each step first lets arrivals gather: one wake-up and one read then take what
	// would have been many. It bounds what the load generator adds to a latency.
	nap time.Duration
}

func newLoop(server netip.AddrPort, locals int) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{
		server: server, locals: locals, epoll: epoll,
		ready: make([]unix.EpollEvent, 1024), buffer: make([]byte, 256<<10),
	}, nil
}

// close resets every connection.
func (l *loop) close() {
	for _, c := range l.conns {
		if !c.gone {
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(l.epoll)
}

// connect opens a connection whose bytes go to a client.
func (l *loop) connect(to client) (*conn, error) {
	n := len(l.conns)
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + n%l.locals)}), 0)
	fd, err := dial(from, l.server)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd, client: to}
	l.conns = append(l.conns, c)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(n)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return c, nil
}

// step waits at most timeout for connections to become readable and handles those that are.
func (l *loop) step(timeout time.Duration) error {
	if l.nap > 0 {
		nap := unix.NsecToTimespec(int64(min(l.nap, max(timeout, 0))))
		_ = unix.Nanosleep(&nap, nil) // a signal may cut it short
	}
	ms := int((timeout + time.Millisecond - 1) / time.Millisecond)
	n, err := unix.EpollWait(l.epoll, l.ready, max(ms, 0))
	if err != nil {
		if errors.Is(err, unix.EINTR) {
			return nil
		}
		return fmt.Errorf("epoll: %w", err)
	}
	for i := range l.ready[:n] {
		c := l.conns[l.ready[i].Fd]
		if c.gone {
			continue
		}
		ending := l.ready[i].Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
		if err := l.read(c, ending); err != nil {
			l.lose(c, err)
		}
	}
	return nil
}

// read takes what the kernel holds for a connection. With ending it reads on to the end or error that
// was announced with the last bytes, which no further edge would tell.
func (l *loop) read(c *conn, ending bool) error {
	for {
		// Raw: the socket does not block, so the scheduler need not be told.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(&l.buffer[0])), uintptr(len(l.buffer)))
		switch {
		case errno == unix.EAGAIN:
			return nil
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return errno
		case n == 0:
			return errClosed
		}
		l.reads++
		if err := c.client.feed(l.buffer[:n]); err != nil {
			return err
		}
		if int(n) < len(l.buffer) && !ending {
			return nil // edge-triggered, and a short read emptied it
		}
	}
}

// lose takes a connection out after an error.
func (l *loop) lose(c *conn, err error) {
	if l.firstClose == nil {
		l.firstClose = err
	}
	_ = unix.Close(c.fd)
	c.gone = true
	l.closed++
	c.client.lost()
}
