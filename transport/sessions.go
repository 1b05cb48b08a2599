package transport

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// A Session is one open client connection that can be asked to end.
type Session interface {
	// End asks the session to say why and close. It must not block, and may be called twice.
	End(operation.Ending)
	// Transport is the protocol's name, for who counts; always the same.
	Transport() string
}

// Sessions are the open sessions of a node, of every transport, and what they stand on.
type Sessions struct {
	engine    *operation.Engine
	grants    *auth.Grants
	admission admission
	losses    outbox.Losses
	open      sync.WaitGroup

	mu      sync.Mutex // guards what follows
	all     map[Session]struct{}
	by      map[string]int    // how many there are, by transport
	endings map[string]uint64 // how often the node has ended one, by code
	closing bool
}

// NewSessions makes an empty set. Every session holds one of the grants while it is open, and a place
// within the limits, and those of the engine, for as long as it takes up anything.
func NewSessions(engine *operation.Engine, grants *auth.Grants, limits SessionLimits) *Sessions {
	return &Sessions{
		engine:    engine,
		grants:    grants,
		admission: newAdmission(limits),
		all:       make(map[Session]struct{}),
		by:        make(map[string]int),
		endings:   make(map[string]uint64),
	}
}

// Grants are what the sessions stand on.
func (s *Sessions) Grants() *auth.Grants { return s.grants }

// Losses count what clients could not have that read too slowly. The outbox of every session has them.
func (s *Sessions) Losses() *outbox.Losses { return &s.losses }

// Ended counts a session that the node has ended. Sessions call it for themselves, once.
func (s *Sessions) Ended(e operation.Ending) {
	s.mu.Lock()
	s.endings[e.Code]++
	s.mu.Unlock()
	if e == operation.SlowConsumer {
		s.engine.Refusals().Note("outbox", 1)
	}
}

// Endings says how often the node has ended a session, by the code of the ending.
func (s *Sessions) Endings() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.endings)
}

// Add registers a session. It reports false when the node is closing: the session must not start.
// Whoever added it calls Remove when nothing of it runs any more.
func (s *Sessions) Add(session Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.all[session] = struct{}{}
	s.by[session.Transport()]++
	s.open.Add(1)
	return true
}

// Remove forgets a session that Add took in.
func (s *Sessions) Remove(session Session) {
	s.mu.Lock()
	_, known := s.all[session]
	delete(s.all, session)
	if known {
		s.by[session.Transport()]--
	}
	s.mu.Unlock()
	if known {
		s.open.Done()
	}
}

// Len is how many sessions are open.
func (s *Sessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// Open is how many sessions are open, by transport: each that there ever was.
func (s *Sessions) Open() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.by)
}

// Close takes no more sessions in, ends those that are open with the given ending, one by one over
// window, so that their clients do not all come back at once, and returns when all are gone. When
// ctx is done first, the rest is ended at once, and waited for until patience runs out.
func (s *Sessions) Close(ctx context.Context, ending operation.Ending, window, patience time.Duration) error {
	s.mu.Lock()
	s.closing = true
	rest := make([]Session, 0, len(s.all))
	for session := range s.all { // a map's order is random enough to be fair
		rest = append(rest, session)
	}
	s.mu.Unlock()

	gone := make(chan struct{})
	pacing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { s.open.Wait(); close(gone); stop() }()
	pace(pacing, rest, ending, window)
	select {
	case <-gone:
		return nil
	case <-time.After(patience):
		return context.DeadlineExceeded
	}
}

// beat is the time between two looks at which sessions are due.
const beat = 10 * time.Millisecond

// pace ends sessions over window, each at a moment by chance within its own part of it: so no stretch of
// the window has more than its share and one or two. Where the machine has kept it waiting, it makes up
// for that at one and a half times the speed, and not at once: clients that are told together come back
// together. So within 100 ms no more than 1.8 times their share, and two, are ended, whatever happens.
func pace(ctx context.Context, sessions []Session, ending operation.Ending, window time.Duration) {
	share := float64(window) / float64(len(sessions))
	w := newWatch()
	defer w.wake.Stop()
	for i, session := range sessions {
		due := time.Duration((float64(i) + rand.Float64()) * share)
		for w.time < due && w.next(ctx) {
		}
		session.End(ending)
	}
}

// A watch is a clock that is never ahead, and is put right slowly when it was kept from running.
type watch struct {
	began  time.Time
	looked time.Duration // since it began
	time   time.Duration // that it shows
	wake   *time.Timer
}

func newWatch() *watch { return &watch{began: time.Now(), wake: time.NewTimer(0)} }

// next waits for a beat, and reports whether there will be another.
func (w *watch) next(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	w.wake.Reset(beat)
	select {
	case <-w.wake.C:
	case <-ctx.Done():
		return false
	}
	now := time.Since(w.began)
	w.time = min(now, w.time+min(now-w.looked, 2*beat)*3/2)
	w.looked = now
	return true
}
