package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An engine drives every session and the publisher from one goroutine over one epoll, so that the
// load costs as little of the shared cores as it can.
type engine struct {
	server     netip.AddrPort
	host, path string
	locals     int    // how many addresses 127.0.0.2 and up to connect from
	init       []byte // the frame of connection_init
	epoll      int
	ready      []unix.EpollEvent
	buffer     []byte
	sessions   []*session
	publisher  *publisher

	opened, proved, closed int
	firstClose             error // what ended the first session that the server closed

	deliveries, bytes, lost, duplicated int64
	reads                               int64 // reads that brought something

	latency *histogram
	since   int64 // only events sent from here on are timed; Unix nanoseconds

	// nap is how long each step first lets arrivals gather: one wake-up and one read then take what
	// would have been many. It bounds what the load generator adds to a latency.
	nap time.Duration

	window int // events of one topic in flight that the engine keeps up; 0 for none
}

func newEngine(server netip.AddrPort, path string, p *publisher) (*engine, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &engine{
		server: server, host: server.String(), path: path, locals: 16, epoll: epoll,
		ready: make([]unix.EpollEvent, 1024), buffer: make([]byte, 256<<10),
		publisher: p, latency: new(histogram), since: 1<<63 - 1,
	}, nil
}

// close resets every connection.
func (e *engine) close() {
	for _, s := range e.sessions {
		if s.phase != gone {
			_ = unix.Close(s.fd)
		}
	}
	_ = unix.Close(e.epoll)
	_ = e.publisher.conn.Close()
}

// start opens a session; step takes it through its handshake.
func (e *engine) start(s *session) error {
	n := len(e.sessions)
	from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, byte(2 + n%e.locals)}), 0)
	fd, err := dial(from, e.server)
	if err != nil {
		return err
	}
	s.fd = fd
	e.sessions = append(e.sessions, s)
	s.topic.members++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(n)}
	if err := unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return s.write(s.request(e.host, e.path))
}

// step waits at most timeout for sessions to become readable and handles those that are.
func (e *engine) step(timeout time.Duration) error {
	if e.nap > 0 {
		nap := unix.NsecToTimespec(int64(min(e.nap, max(timeout, 0))))
		_ = unix.Nanosleep(&nap, nil) // a signal may cut it short
	}
	ms := int((timeout + time.Millisecond - 1) / time.Millisecond)
	n, err := unix.EpollWait(e.epoll, e.ready, max(ms, 0))
	if err != nil {
		if errors.Is(err, unix.EINTR) {
			return nil
		}
		return fmt.Errorf("epoll: %w", err)
	}
	for i := range e.ready[:n] {
		s := e.sessions[e.ready[i].Fd]
		if s.phase == gone {
			continue
		}
		ending := e.ready[i].Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
		if err := e.read(s, ending); err != nil {
			e.lose(s, err)
		}
	}
	return e.publisher.flush()
}

// run steps until the deadline or until done says so.
func (e *engine) run(until time.Time, done func() bool) error {
	for {
		left := time.Until(until)
		if left <= 0 || done != nil && done() {
			return nil
		}
		if err := e.step(min(left, 20*time.Millisecond)); err != nil {
			return err
		}
	}
}

// read takes what the kernel holds for a session. With ending it reads on to the end or error that
// was announced with the last bytes, which no further edge would tell.
func (e *engine) read(s *session, ending bool) error {
	for {
		// Raw: the socket does not block, so the scheduler need not be told.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(s.fd), uintptr(unsafe.Pointer(&e.buffer[0])), uintptr(len(e.buffer)))
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
		e.reads++
		if err := e.feed(s, e.buffer[:n]); err != nil {
			return err
		}
		if int(n) < len(e.buffer) && !ending {
			return nil // edge-triggered, and a short read emptied it
		}
	}
}

func (e *engine) feed(s *session, b []byte) error {
	now := time.Now().UnixNano()
	if s.sse {
		err := s.stream.feed(b, func(event []byte) error { return e.message(s, event, now) })
		if err == nil && s.phase != open && s.stream.opened {
			s.phase = open
			e.opened++
		}
		return err
	}
	if s.phase == upgrading {
		s.head = append(s.head, b...)
		end := bytes.Index(s.head, []byte("\r\n\r\n"))
		if end < 0 {
			return nil
		}
		if !bytes.HasPrefix(s.head, []byte("HTTP/1.1 101")) {
			return fmt.Errorf("upgrade refused: %q", s.head)
		}
		b, s.head = s.head[end+4:], nil
		s.phase = initialising
		if err := s.write(e.init); err != nil {
			return err
		}
	}
	return s.frames.feed(b, func(op byte, payload []byte) error {
		switch op {
		case opText:
			return e.message(s, payload, now)
		case opPing:
			return s.write(appendFrame(nil, opPong, payload))
		case opClose:
			code := 0
			if len(payload) >= 2 {
				code, payload = int(payload[0])<<8|int(payload[1]), payload[2:]
			}
			return fmt.Errorf("closed by the server: %d %s", code, payload)
		}
		return nil
	})
}

func (e *engine) message(s *session, b []byte, now int64) error {
	revision, sent, ok := scan(b)
	if !ok {
		opened, err := s.message(b)
		if opened {
			e.opened++
		}
		return err
	}
	if revision == 0 {
		if !s.proved {
			s.proved = true
			e.proved++
		}
		return nil
	}
	e.deliveries++
	e.bytes += int64(len(b))
	if revision <= s.last || revision > s.topic.published {
		e.duplicated++
		return nil
	}
	for s.last++; s.last < revision; s.last++ {
		e.lost++
		e.credit(s.topic, s.last)
	}
	if sent >= e.since {
		e.latency.add(time.Duration(now - sent))
	}
	e.credit(s.topic, revision)
	return nil
}

// credit notes a receipt and, in a closed loop, publishes the next event as soon as one is complete.
func (e *engine) credit(t *topic, revision int64) {
	for range t.credit(revision) {
		if t.inFlight() < int64(e.window) {
			e.publisher.event(t.product, t.next())
		}
	}
}

// lose takes a session out after an error; what it still waited for is waited for no longer.
func (e *engine) lose(s *session, err error) {
	if e.firstClose == nil {
		e.firstClose = err
	}
	_ = unix.Close(s.fd)
	s.phase = gone
	e.closed++
	s.topic.members--
	for r, published := s.last+1, s.topic.published; r <= published; r++ {
		e.credit(s.topic, r)
	}
}
