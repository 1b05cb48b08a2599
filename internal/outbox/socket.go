package outbox

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

const (
	// batch is how many bytes one write gathers: frames of many events, one system call.
	batch = 64 << 10
	// passes is how many writes a socket may do before the others get their turn.
	passes = 4
)

// SocketOptions say how a Socket writes. The zero value works.
type SocketOptions struct {
	// Deadline is how long one write may wait for the peer to read; default 5 s, long enough for
	// a mobile network's pause.
	Deadline time.Duration
	// Buffer is how many bytes the kernel may hold for the peer; default 64 KiB. It is fixed, so
	// that ten thousand slow readers cannot fill the machine, and so that there is always room
	// to say good-bye: it is enlarged for the last words.
	Buffer int
}

func (o SocketOptions) withDefaults() SocketOptions {
	if o.Deadline == 0 {
		o.Deadline = 5 * time.Second
	}
	if o.Buffer == 0 {
		o.Buffer = 64 << 10
	}
	return o
}

// A Socket writes an Outbox to a connection. While nothing waits it costs no goroutine. A worker
// of the pool tries once, without waiting; only when the kernel's buffer is full, or the connection
// is not plain TCP (TLS keeps its own state between writes), a goroutine takes over until all is
// written.
type Socket struct {
	Outbox

	conn    net.Conn
	raw     syscall.RawConn // nil: conn can only be written in the ordinary way
	pool    *work.Pool
	options *SocketOptions
	failed  atomic.Pointer[error]
	slow    sync.WaitGroup // the goroutine that takes over
	waiting Turn           // its
	gone    bool           // Close was called; guarded by the outbox' mu

	turn  sync.Mutex // held while a worker takes and writes; guards taken
	taken bool       // a goroutine has taken over
}

// NewSocket makes a socket that is conn's only writer. The caller reads conn, and closes it by
// Close. limits and options are shared by many sockets and never changed; options have defaults
// applied by Defaults.
func NewSocket(conn net.Conn, pool *work.Pool, framer Framer, limits *Limits, options *SocketOptions) *Socket {
	s := &Socket{conn: conn, pool: pool, options: options}
	s.framer, s.limits, s.writer = framer, limits, s
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(options.Buffer)
		if raw, err := tcp.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	return s
}

// Defaults fills the zero fields of options in.
func (o SocketOptions) Defaults() *SocketOptions {
	o = o.withDefaults()
	return &o
}

// Ready implements Writer.
func (s *Socket) Ready() { s.pool.Submit(s) }

// Run implements work.Task: it writes what waits, without waiting for the peer.
func (s *Socket) Run() {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.flushLocked() {
		s.pool.Submit(s)
	}
}

// Urge implements Writer: it writes at once, unless somebody does already.
func (s *Socket) Urge(turn int) bool {
	if !s.turn.TryLock() {
		return s.waiting.Urge(turn)
	}
	taken := s.taken
	if !taken {
		s.flushLocked()
	}
	s.turn.Unlock()
	return !taken || s.waiting.Urge(turn)
}

// flushLocked writes what waits as far as the kernel takes it. It reports whether more may wait.
func (s *Socket) flushLocked() (more bool) {
	if s.taken {
		return false
	}
	if s.raw == nil {
		s.takeOverLocked(nil)
		return false
	}
	w := attempts.Get().(*attempt)
	defer w.release()
	for range passes {
		var finished bool
		w.buf, finished = s.Take(w.buf[:0], batch)
		if len(w.buf) == 0 {
			if finished {
				s.shut()
			}
			return false
		}
		if err := s.raw.Write(w.try); err != nil {
			s.fail(err)
			return false
		}
		if w.err != nil {
			s.fail(w.err)
			return false
		}
		if w.n < len(w.buf) {
			s.takeOverLocked(append([]byte(nil), w.buf[w.n:]...))
			return false
		}
	}
	return true
}

// takeOverLocked starts the goroutine that writes rest and all that follows, waiting for the peer.
func (s *Socket) takeOverLocked(rest []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	s.taken = true
	s.slow.Go(func() { s.writeSlowly(rest) })
}

func (s *Socket) writeSlowly(buf []byte) {
	finished := false
	for {
		if len(buf) == 0 {
			buf, finished = s.Take(buf, batch)
		}
		if len(buf) == 0 {
			if finished {
				s.shut()
			}
			if buf = s.handBack(buf); len(buf) == 0 {
				return
			}
		}
		s.waiting.Begin()
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.options.Deadline))
		_, err := s.conn.Write(buf)
		s.waiting.End()
		if err != nil {
			s.fail(err)
			return
		}
		buf = buf[:0]
	}
}

// handBack leaves the writing to the workers again, unless more has come meanwhile, which it returns.
func (s *Socket) handBack(buf []byte) []byte {
	s.turn.Lock()
	defer s.turn.Unlock()
	buf, finished := s.Take(buf, batch)
	if len(buf) > 0 {
		return buf
	}
	if finished {
		s.shut()
	}
	_ = s.conn.SetWriteDeadline(time.Time{}) // it would also stop the attempts of workers
	s.taken = false
	return nil
}

// LastWords queues the frame that ends the conversation. With discard, what waits is forgotten
// first. After it was written the sending half is closed; reads end at by.
func (s *Socket) LastWords(frame []byte, discard bool, by time.Time) bool {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 * s.options.Buffer)
	}
	if !s.Finish(frame, discard) {
		return false
	}
	_ = s.conn.SetReadDeadline(by)
	return true
}

func (s *Socket) shut() {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// fail gives the socket up: the reader's next read ends. Nothing is written any more.
func (s *Socket) fail(err error) {
	s.failed.CompareAndSwap(nil, &err)
	s.Abandon()
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a peer that does not read may not keep the kernel's memory either
	}
	_ = s.conn.Close()
}

// Err is why writing failed, or nil.
func (s *Socket) Err() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Close forgets what waits, closes the connection, and returns when nothing writes any more.
func (s *Socket) Close() {
	s.Abandon()
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	_ = s.conn.Close()
	s.slow.Wait()
}

// An attempt is one write that does not wait, with its buffer; it is reused.
type attempt struct {
	buf []byte
	n   int
	err error
	try func(fd uintptr) bool
}

var attempts = sync.Pool{New: func() any {
	w := &attempt{buf: make([]byte, 0, batch+4<<10)}
	w.try = w.write
	return w
}}

func (w *attempt) write(fd uintptr) bool {
	w.n, w.err = writeOnce(int(fd), w.buf)
	return true
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
