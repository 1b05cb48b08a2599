package analytics

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Recorder. The zero Options works.
type Options struct {
	// Series is how many a node keeps; default 2,000. Of more, those that nobody has used for Idle give
	// way; then operations are counted without their names and clients, then without their consumers.
	Series int
	// Idle is when a series that nobody uses may give way; default 10 min.
	Idle time.Duration
	// Subjects has the end users of a consumer counted apart; default off.
	Subjects bool
}

// A Recorder keeps the series of a node.
type Recorder struct {
	options Options
	begun   atomic.Uint64 // series that there ever were, those that gave way included
	crowded atomic.Uint64 // operations that were counted without their own names
	numbers atomic.Uint64 // of records
	shelves [shelves]shelf

	mu    sync.RWMutex // guards what follows
	all   map[Labels]*Series
	old   map[Class]Counts // of series that gave way
	known map[string]bool  // operations that Know was told of
	swept time.Time

	latencies map[string]*Latency // by field
}

// NewRecorder makes an empty recorder.
func NewRecorder(o Options) *Recorder {
	o.Series = cmp.Or(o.Series, 2000)
	o.Idle = cmp.Or(o.Idle, 10*time.Minute)
	return &Recorder{options: o, all: make(map[Labels]*Series), old: make(map[Class]Counts)}
}

// Begin counts an operation that begins, until its End. of may be nil.
func (r *Recorder) Begin(rec *Record, l Labels, of Runner) {
	s := r.hold(l)
	s.started.Add(1)
	rec.number, rec.recorder, rec.series, rec.runner = r.numbers.Add(1), r, s, of
	rec.began = time.Now()
	shelf := r.shelf(rec)
	shelf.mu.Lock()
	defer shelf.mu.Unlock()
	shelf.addLocked(rec)
}

// hold returns the series of labels, which stays until as many have let it go.
func (r *Recorder) hold(l Labels) *Series {
	l = l.kept()
	if !r.options.Subjects {
		l.Subject = ""
	}
	r.mu.RLock()
	s := r.all[l]
	if s != nil {
		s.running.Add(1)
	}
	r.mu.RUnlock()
	if s != nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s = r.roomLocked(l)
	s.running.Add(1)
	return s
}

// Refused counts an operation that was not begun, by the code of its error.
func (r *Recorder) Refused(l Labels, code string) {
	s := r.hold(l)
	s.refused.Add(1)
	s.note(code)
	s.lastUsed.Store(time.Now().UnixNano())
	s.running.Add(-1)
}

// roomLocked finds or makes the series of labels, or of fewer of them where there is no room.
func (r *Recorder) roomLocked(l Labels) *Series {
	known := r.known[l.Operation]
	for i, labels := range []Labels{l, l.common(known), l.crowd(known)} {
		if i == 1 {
			r.crowded.Add(1)
		}
		if s := r.all[labels]; s != nil {
			return s
		}
		// The last eighth is for what clients cannot choose.
		most := r.options.Series * (7 + min(i, 1)) / 8
		if len(r.all) < most || r.sweepLocked() && len(r.all) < most || i == 2 {
			s := &Series{labels: labels.own()}
			r.all[s.labels] = s
			r.begun.Add(1)
			return s
		}
	}
	return nil // the loop's last turn returns
}

// sweepLocked forgets series that nobody has used for a while, and reports whether there were any. It looks
// at most once a second: whoever makes up names would have it look all the time.
func (r *Recorder) sweepLocked() bool {
	before, now := len(r.all), time.Now()
	if now.Sub(r.swept) < time.Second {
		return false
	}
	r.swept = now
	for labels, s := range r.all {
		if s.running.Load() == 0 && now.UnixNano()-s.lastUsed.Load() > int64(r.options.Idle) {
			class := r.classLocked(labels)
			sum := r.old[class]
			sum.add(s.Counts())
			r.old[class] = sum
			delete(r.all, labels)
		}
	}
	return len(r.all) < before
}

// All are the series of this moment, in no order.
func (r *Recorder) All() []*Series {
	r.Settle()
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Series, 0, len(r.all))
	for _, s := range r.all {
		all = append(all, s)
	}
	return all
}
