package transport

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// keep is the size of the largest buffer that is used again.
const keep = 128 << 10

// A Format is how a protocol puts events into one HTTP response.
type Format interface {
	outbox.Framer
	// Transport is the protocol's name, for who counts.
	Transport() string
	// Header sets the headers of the response.
	Header(http.Header)
	// Open is what the response begins with.
	Open() []byte
	// Beat is sent from time to time, so that proxies and clients see that the stream lives.
	Beat() []byte
	// Parting is the end of a response whose session ends before its operations do.
	Parting(operation.Ending) []byte
}

// StreamOptions bound one stream. The zero value works.
type StreamOptions struct {
	// Events and Bytes may wait for a client that reads slowly, then the stream ends as slow;
	// default 256 and 1 MiB.
	Events, Bytes int
	// WriteTimeout is how long one flush may take; default 5 s, longer than a mobile network's pause.
	WriteTimeout time.Duration
	// Stall is the same where every subscription of the stream drops events, or has them kept, rather than
	// end; default 60 s.
	Stall time.Duration
	// Heartbeat is the time between two beats; its default is the protocol's.
	Heartbeat time.Duration
}

// WithDefaults fills the zero fields in.
func (o StreamOptions) WithDefaults(heartbeat time.Duration) StreamOptions {
	if o.Events == 0 {
		o.Events = 256
	}
	if o.Bytes == 0 {
		o.Bytes = 1 << 20
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = 5 * time.Second
	}
	if o.Stall == 0 {
		o.Stall = time.Minute
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = heartbeat
	}
	return o
}

// A Stream is one HTTP response that goes on: a Session. Operations offer their results from
// anywhere and never wait; the goroutine of the HTTP handler, in Run, alone writes.
type Stream struct {
	format   Format
	sessions *Sessions
	options  *StreamOptions
	box      *outbox.Outbox
	wake     chan struct{} // holds a token while something waits and Run does not know it
	turn     outbox.Turn
	running  atomic.Bool // Run has begun, and not come to its end

	mu      sync.Mutex       // guards what follows, and is held while a deadline is set
	out     *flusher         // of Run, while it runs
	lenient bool             // what is written last may wait for Stall
	ending  operation.Ending // why the node has ended it; zero: it has not
}

// NewStream makes a stream, which its maker adds to sessions. What is offered before Run waits. The
// options have their defaults and are shared.
func NewStream(format Format, sessions *Sessions, options *StreamOptions) *Stream {
	s := &Stream{format: format, sessions: sessions, options: options, wake: make(chan struct{}, 1)}
	limits := &outbox.Limits{Events: options.Events, Bytes: options.Bytes, Losses: sessions.Losses()}
	s.box = outbox.New(format, limits, s)
	return s
}

// Transport implements Session.
func (s *Stream) Transport() string { return s.format.Transport() }

// Urge implements outbox.Writer.
func (s *Stream) Urge(turn int) bool { return s.running.Load() && s.turn.Urge(turn) }

// Slow implements outbox.Writer.
func (s *Stream) Slow() bool { return s.turn.Slow() }

// Ready implements outbox.Writer.
func (s *Stream) Ready() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Outbox is where the results of operations wait.
func (s *Stream) Outbox() *outbox.Outbox { return s.box }

// Offer queues a result of an operation. It reports false when the client reads too slowly for it; a
// stream that is ending takes nothing, and that is no reason to complain.
func (s *Stream) Offer(place *outbox.Stream, e outbox.Event) bool {
	return s.box.Offer(place, e) != outbox.Full
}

// Last queues the last words of an operation. It reports false when there is no room for them.
func (s *Stream) Last(place *outbox.Stream, words []byte) bool {
	return s.box.End(place, words) != outbox.Full
}

// Drop forgets an operation: nothing of it is sent any more.
func (s *Stream) Drop(place *outbox.Stream) { s.box.Drop(place) }

// Finish ends the response with these words, after all that waits.
func (s *Stream) Finish(words []byte) { s.finish(words, false) }

// FinishFor is Finish where the node ends the session.
func (s *Stream) FinishFor(ending operation.Ending, words []byte) {
	s.endFor(ending, words, false)
}

// endFor ends the response for the node, unless it has its end already. The ending is known before Run can
// return for it.
func (s *Stream) endFor(ending operation.Ending, words []byte, discard bool) {
	s.mu.Lock()
	before := s.ending
	s.ending = ending
	s.mu.Unlock()
	if s.finish(words, discard) {
		s.sessions.Ended(ending)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ending = before
}

// Ending is why the node has ended the session; zero: it has not.
func (s *Stream) Ending() operation.Ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// End implements Session. To a slow client nothing is sent of what waits: it would only be slower.
func (s *Stream) End(ending operation.Ending) {
	s.endFor(ending, s.format.Parting(ending), ending == operation.SlowConsumer)
}

// finish queues the last words. A write that is under way has from now on no more time than any other.
func (s *Stream) finish(words []byte, discard bool) bool {
	if !s.box.Finish(words, discard) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lenient {
		s.extendLocked()
	}
	return true
}

// extendLocked gives what is written now or next its time to be read, as much as the operations allow.
func (s *Stream) extendLocked() {
	s.lenient = s.box.Tolerant()
	switch {
	case s.out == nil:
	case s.lenient:
		s.out.extend(s.options.Stall)
	default:
		s.out.extend(s.options.WriteTimeout)
	}
}

func (s *Stream) extend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.extendLocked()
}

// Abandon forgets what waits and takes nothing in any more.
func (s *Stream) Abandon() { s.box.Abandon() }

// Run writes the response. It returns when the stream has ended, or its client is gone or does not
// read; the stream takes nothing in after that.
func (s *Stream) Run(w http.ResponseWriter, r *http.Request) {
	defer s.box.Abandon()
	s.running.Store(true)
	defer s.running.Store(false)
	s.writeTo(&flusher{w: w, control: http.NewResponseController(w), multiplexed: r.ProtoMajor >= 2})
	defer s.writeTo(nil)
	s.format.Header(w.Header())
	w.WriteHeader(http.StatusOK)
	if s.flush(s.format.Open()) != nil {
		return
	}
	defer s.extend() // the server writes the end of the response when the handler has returned
	beat := time.NewTicker(s.options.Heartbeat)
	defer beat.Stop()
	for finished, err := false, error(nil); !finished && err == nil; {
		select {
		case <-s.wake:
			finished, err = s.write()
		case <-beat.C:
			err = s.flush(s.format.Beat())
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Stream) writeTo(out *flusher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = out
}

func (s *Stream) flush(b []byte) error {
	s.extend()
	return s.out.flush(b) // only Run sets it, and calls this
}

var batches = sync.Pool{New: func() any { return new([]byte) }}

// write writes what waits, everything in one piece, until nothing does.
func (s *Stream) write() (finished bool, err error) {
	buf := batches.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keep {
			batches.Put(buf)
		}
	}()
	for {
		*buf, finished = s.box.Take((*buf)[:0], s.box.Batch())
		s.box.TellRoom()
		if len(*buf) == 0 {
			return finished, nil
		}
		s.turn.Begin()
		err := s.flush(*buf)
		s.turn.End()
		if err == nil {
			s.box.Written()
		}
		if err != nil || finished {
			return finished, err
		}
	}
}
