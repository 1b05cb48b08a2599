package memory

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A topicLog is what is kept of one replayable topic. It is guarded by its topic's lane.
type topicLog struct {
	top    pubsub.Position
	events []*pubsub.Event // the newest, without a gap, up to top
	until  time.Time       // when the events are past their time
	keys   map[string]time.Time
}

func newLog(until time.Time) *topicLog {
	return &topicLog{top: pubsub.Position{Epoch: newEpoch()}, until: until}
}

// newEpoch returns random bits that are not all zero.
func newEpoch() uint64 {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		if epoch := binary.LittleEndian.Uint64(b[:]); epoch != 0 {
			return epoch
		}
	}
}

// add gives e the next position, appends it, and drops what is too old then.
func (l *topicLog) add(e *pubsub.Event, kept pubsub.Retention) {
	l.forget(e.Received)
	e.Position = pubsub.Position{Epoch: l.top.Epoch, Offset: l.top.Offset + 1}
	_, _ = rand.Read(e.Position.ID[:]) // never fails
	l.top = e.Position
	l.events = append(l.events, e)
	l.until = e.Received.Add(kept.For)
	if extra := len(l.events) - kept.Events; extra > 0 {
		clear(l.events[:extra]) // the array outlives the slice
		l.events = l.events[extra:]
	}
}

// forget drops the events when they are past their time.
func (l *topicLog) forget(now time.Time) {
	if now.After(l.until) {
		l.events = nil
	}
}

// known reports whether key was used within its time, and notes it.
func (l *topicLog) known(key string, now time.Time) bool {
	if until, ok := l.keys[key]; ok && now.Before(until) {
		return true
	}
	if l.keys == nil {
		l.keys = make(map[string]time.Time)
	}
	l.keys[key] = now.Add(keyKnown)
	return false
}

// sweep drops what is past its time, and reports whether the log itself is.
func (l *topicLog) sweep(now time.Time) (over bool) {
	l.forget(now)
	for key, until := range l.keys {
		if !now.Before(until) {
			delete(l.keys, key)
		}
	}
	return now.After(l.until.Add(remembered))
}

// after returns most events after a position, and false when the log does not join it.
func (l *topicLog) after(p pubsub.Position, most int) ([]*pubsub.Event, bool) {
	first := l.top.Offset + 1 - uint64(len(l.events))
	switch {
	case p == l.top:
		return nil, true
	case p.Epoch != l.top.Epoch, p.Offset > l.top.Offset, p.Offset+1 < first:
		return nil, false
	}
	next := p.Offset + 1 - first // of the first event to return
	if p.Offset > 0 && (next == 0 || l.events[next-1].Position != p) || p.Offset == 0 && p.ID != [12]byte{} {
		return nil, false
	}
	rest := l.events[next:]
	rest = rest[:min(len(rest), max(most, 0))]
	return append([]*pubsub.Event(nil), rest...), true // the log's own is cleared as it moves on
}

// gap says what the log has.
func (l *topicLog) gap(topic string) *pubsub.GapError {
	e := &pubsub.GapError{Topic: topic, Epoch: l.top.Epoch, Top: l.top.Offset}
	if len(l.events) > 0 {
		e.First = l.events[0].Position.Offset
	}
	return e
}
