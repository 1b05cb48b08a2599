package proxy

import (
	"net"
	"sync"
	"time"
)

const (
	chunkSize = 4 << 10
	chunks    = 64                     // how many wait in one direction before its sender has to
	beat      = 100 * time.Millisecond // how often a slow link forwards a little
)

// A link forwards one direction of a connection.
type link struct {
	from, to *net.TCPConn
	waiting  chan chunk // closed when from says no more
	done     <-chan struct{}

	mu      sync.Mutex // guards the fields below
	fault   Fault
	left    int           // bytes until the cut
	changed chan struct{} // closed when the fault changes
}

// A chunk is what came by one read.
type chunk struct {
	data []byte
	came time.Time
}

func newLink(from, to *net.TCPConn, done <-chan struct{}) *link {
	return &link{from: from, to: to, waiting: make(chan chunk, chunks), done: done, changed: make(chan struct{})}
}

func (l *link) set(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault, l.left = f, f.CutAfter
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *link) now() (f Fault, left int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault, l.left, l.changed
}

// read takes what the sender says, until it says no more or the connection is over.
func (l *link) read() {
	defer close(l.waiting)
	buffer := make([]byte, chunkSize)
	for {
		n, err := l.from.Read(buffer)
		if n > 0 {
			select {
			case l.waiting <- chunk{append([]byte(nil), buffer[:n]...), time.Now()}:
			case <-l.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// write forwards it, as the fault wants. When it returns the connection is over.
func (l *link) write() {
	for c := range l.waiting {
		for len(c.data) > 0 {
			n := l.await(c)
			if n == 0 {
				return
			}
			if _, err := l.to.Write(c.data[:n]); err != nil || l.spent(n) {
				return
			}
			c.data = c.data[n:]
		}
	}
}

// await returns how much of a chunk may be forwarded now; 0: the connection is over.
func (l *link) await(c chunk) int {
	for paced := false; ; {
		f, left, changed := l.now()
		var timer <-chan time.Time
		switch late := f.Latency - time.Since(c.came); {
		case f.Hold:
		case late > 0:
			timer = time.After(late)
		case f.Rate > 0 && !paced:
			timer, paced = time.After(beat), true
		default:
			return amount(f, left, len(c.data))
		}
		select {
		case <-timer:
		case <-changed:
		case <-l.done:
			return 0
		}
	}
}

func amount(f Fault, left, n int) int {
	if f.Rate > 0 {
		n = min(n, max(1, f.Rate*int(beat)/int(time.Second)))
	}
	if f.CutAfter > 0 {
		n = min(n, max(1, left))
	}
	return n
}

// spent notes that bytes were forwarded, and reports whether these were the last.
func (l *link) spent(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left -= n
	return l.fault.CutAfter > 0 && l.left <= 0
}
