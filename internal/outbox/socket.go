package outbox

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// passes is how many writes a socket may do before the others get their turn.
const passes = 4

// SocketOptions say how a Socket writes. The zero value works.
type SocketOptions struct {
	// Deadline is how long one write may wait for the peer to read; default 5 s, long enough for
	// a mobile network's pause.
	Deadline time.Duration
	// Stall is the same where only tolerant streams use the socket; default 60 s. What waits for such
	// a peer is bounded without ending it.
	Stall time.Duration
	// Buffer is how many bytes the kernel may hold for the peer; default 64 KiB. It is fixed, so
	// that ten thousand slow readers cannot fill the machine, and so that there is always room
	// to say good-bye: it is enlarged for the last words.
	Buffer int
}

func (o SocketOptions) withDefaults() SocketOptions {
	if o.Deadline == 0 {
		o.Deadline = 5 * time.Second
	}
	if o.Stall == 0 {
		o.Stall = time.Minute
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
	telling atomic.Bool    // a worker is to call TellRoom
	gone    bool           // Close was called; guarded by the outbox' mu

	turn    sync.Mutex // held while a worker takes and writes; guards what follows
	taken   bool       // a goroutine has taken over
	lowered bool       // the kernel takes little in advance
	parting bool       // the last words are said: it takes what it can
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
	s.telling.Store(false)
	if s.flush() {
		s.pool.Submit(s)
	}
	s.TellRoom()
}

func (s *Socket) flush() (more bool) {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.flushLocked()
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
	if s.room.Load() && s.telling.CompareAndSwap(false, true) {
		s.pool.Submit(s) // whoever offers may hold locks
	}
	return !taken || s.waiting.Urge(turn)
}

// Slow implements Writer.
func (s *Socket) Slow() bool { return s.waiting.Slow() }

// flushLocked writes what waits as far as the kernel takes it. It reports whether more may wait.
func (s *Socket) flushLocked() (more bool) {
	if s.taken {
		return false
	}
	if s.raw == nil {
		s.takeOverLocked(nil)
		return false
	}
	s.tuneLocked()
	w := attempts.Get().(*attempt)
	defer w.release()
	for range passes {
		var finished bool
		w.buf, finished = s.Take(w.buf[:0], s.Batch())
		if len(w.buf) == 0 {
			if finished {
				s.shut()
			}
			return false
		}
		w.careful = s.Patient()
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
		s.Written()
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
			buf, finished = s.Take(buf, s.Batch())
			s.TellRoom()
		}
		if len(buf) == 0 {
			if finished {
				s.shut()
			}
			buf = s.handBack(buf)
			s.TellRoom()
			if len(buf) == 0 {
				return
			}
		}
		s.waiting.Begin()
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.timeout()))
		err := s.writeAll(buf)
		s.waiting.End()
		if err != nil {
			s.fail(err)
			return
		}
		s.Written()
		buf = buf[:0]
	}
}

// writeAll waits for the peer. For a patient one it gives the kernel no more than that wants.
func (s *Socket) writeAll(buf []byte) error {
	if s.raw == nil || !s.Patient() {
		_, err := s.conn.Write(buf)
		return err
	}
	w := attempt{buf: buf, careful: true}
	for len(w.buf) > 0 {
		if err := s.raw.Write(w.wait); err != nil {
			return err
		}
		if w.err != nil {
			return w.err
		}
		w.buf = w.buf[w.n:]
	}
	return nil
}

// timeout is how long the write that begins now may wait for the peer.
func (s *Socket) timeout() time.Duration {
	if s.Tolerant() {
		return s.options.Stall
	}
	return s.options.Deadline
}

// handBack leaves the writing to the workers again, unless more has come meanwhile, which it returns.
func (s *Socket) handBack(buf []byte) []byte {
	s.turn.Lock()
	defer s.turn.Unlock()
	buf, finished := s.Take(buf, s.Batch())
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
	s.makeRoom()
	if !s.Finish(frame, discard) {
		return false
	}
	_ = s.conn.SetReadDeadline(by)
	return true
}

// makeRoom has the kernel take the last words, however much it holds.
func (s *Socket) makeRoom() {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.parting = true
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		s.tuneLocked()
		_ = tcp.SetWriteBuffer(4 * s.options.Buffer)
	}
}

// tuneLocked has the kernel take little more than what it sends at once while the outbox is patient: an
// event that has left it cannot give way to a newer one. It is called with turn held.
func (s *Socket) tuneLocked() {
	lower := s.Patient() && !s.parting
	if s.raw == nil || lower == s.lowered {
		return
	}
	s.lowered = lower
	most := 0
	if lower {
		most = patientBatch
	}
	takeInAdvance(s.raw, most)
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
