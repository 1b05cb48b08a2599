package main

import (
	"time"
)

// An engine drives every subscriber and the publisher, and counts what arrives.
type engine struct {
	*loop
	host, path  string
	init        []byte // the frame of connection_init
	publisher   *publisher
	subscribers []*subscriber

	opened, proved int

	deliveries, bytes, lost, duplicated int64

	latency *histogram
	since   int64 // only events sent from here on are timed; Unix nanoseconds

	window int // events of one topic in flight that the engine keeps up; 0 for none
}

// A subscriber is a session that subscribes to a topic.
type subscriber struct {
	session
	engine *engine
	topic  *topic
	proved bool  // whether an event has arrived, so the subscription is known to live
	last   int64 // the revision that came last
}

func newEngine(l *loop, path string, p *publisher) *engine {
	return &engine{
		loop: l, host: l.server.String(), path: path,
		publisher: p, latency: new(histogram), since: 1<<63 - 1,
	}
}

// start opens a subscriber's session; step takes it through its handshake.
func (e *engine) start(s *subscriber) error {
	s.engine, s.init = e, e.init
	e.subscribers = append(e.subscribers, s)
	s.topic.members++
	var err error
	if s.conn, err = e.connect(s); err != nil {
		return err
	}
	return s.conn.write(s.request(e.host, e.path))
}

// step waits at most timeout for something to arrive, and sends what is to be published.
func (e *engine) step(timeout time.Duration) error {
	if err := e.loop.step(timeout); err != nil {
		return err
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

// feed implements client.
func (s *subscriber) feed(b []byte) error {
	now, before := time.Now().UnixNano(), s.phase
	err := s.session.feed(b, func(message []byte) error { return s.engine.message(s, message, now) })
	if s.phase == open && before != open {
		s.engine.opened++
	}
	return err
}

func (e *engine) message(s *subscriber, b []byte, now int64) error {
	revision, sent, ok := scan(b)
	if !ok {
		return s.message(b)
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

// lost implements client: what the session still waited for is waited for no longer.
func (s *subscriber) lost() {
	s.topic.members--
	for r, published := s.last+1, s.topic.published; r <= published; r++ {
		s.engine.credit(s.topic, r)
	}
}
