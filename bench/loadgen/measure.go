package main

import (
	"errors"
	"fmt"
	"time"
)

// Bounds of the phases of a run, so that a server that hangs ends it.
const (
	handshakes   = 64 // sessions opening at once
	openWithin   = 60 * time.Second
	provedWithin = 20 * time.Second
	drainWithin  = 5 * time.Second
)

// A run takes one scenario through its phases.
type run struct {
	scenario         scenario
	pid              int
	warmup, duration time.Duration
	nap              time.Duration

	engine *engine
	topics []*topic
	result *result
}

func (r *run) do() error {
	sc := r.scenario
	r.result = &result{Scenario: sc.name, Sessions: sc.sessions, Topics: sc.topics, Documents: sc.documents}
	var err error
	if r.result.RSSBefore, err = residentKiB(r.pid); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	if sc.quiet > 0 {
		if err := r.engine.run(time.Now().Add(sc.quiet), nil); err != nil {
			return err
		}
	}
	if r.result.RSSAfter, err = residentKiB(r.pid); err != nil {
		return err
	}
	r.result.KiBPerSession = float64(r.result.RSSAfter-r.result.RSSBefore) / float64(sc.sessions)
	if err := r.prove(); err != nil {
		return err
	}
	if sc.rate > 0 || sc.window > 0 {
		if err := r.load(); err != nil {
			return err
		}
	}
	r.result.Closed = r.engine.closed
	return nil
}

// open brings every session through its handshake, handshakes at a time.
func (r *run) open() error {
	e := r.engine
	var subscribers []*subscriber
	r.topics, subscribers = r.scenario.plan()
	cpu, err := cpuOf(r.pid)
	if err != nil {
		return err
	}
	own, began := ownCPU(), time.Now()
	for e.opened < len(subscribers) {
		for len(e.subscribers) < len(subscribers) && len(e.subscribers)-e.opened < handshakes {
			if err := e.start(subscribers[len(e.subscribers)]); err != nil {
				return fmt.Errorf("session %d: %w", len(e.subscribers), err)
			}
		}
		if err := e.step(100 * time.Millisecond); err != nil {
			return err
		}
		if e.firstClose != nil {
			return fmt.Errorf("a session ended after %d were open: %w", e.opened, e.firstClose)
		}
		if time.Since(began) > openWithin {
			return fmt.Errorf("only %d of %d sessions open after %v", e.opened, len(subscribers), openWithin)
		}
	}
	took := time.Since(began)
	r.result.LoadgenOpenMicros = micros(ownCPU()-own) / float64(len(subscribers))
	after, err := cpuOf(r.pid)
	if err != nil {
		return err
	}
	r.result.SessionsPerSecond = float64(len(subscribers)) / took.Seconds()
	r.result.OpenMicros = micros(after-cpu) / float64(len(subscribers))
	return nil
}

// prove publishes revision 0 until every session has seen it: a subscribe has no answer of its own.
func (r *run) prove() error {
	e := r.engine
	deadline := time.Now().Add(provedWithin)
	proved := func() bool { return e.proved == len(e.subscribers) || e.firstClose != nil }
	for !proved() {
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d sessions receive events", e.proved, len(e.subscribers))
		}
		asked := make(map[*topic]bool)
		for _, s := range e.subscribers {
			if !s.proved && !asked[s.topic] {
				asked[s.topic] = true
				e.publisher.event(s.topic.product, 0)
			}
		}
		if err := e.publisher.flush(); err != nil {
			return err
		}
		if err := e.run(time.Now().Add(500*time.Millisecond), proved); err != nil {
			return err
		}
	}
	if e.firstClose != nil {
		return fmt.Errorf("a session ended before the load: %w", e.firstClose)
	}
	return e.run(time.Now().Add(300*time.Millisecond), nil)
}

// load publishes through the warm-up and the measured time, then waits for what is still under way.
func (r *run) load() error {
	e, sc, res := r.engine, r.scenario, r.result
	pump := func(d time.Duration) error { return e.run(time.Now().Add(d), nil) }
	if sc.window > 0 {
		e.window = sc.window
		for range sc.window {
			for _, t := range r.topics {
				e.publisher.event(t.product, t.next())
			}
		}
		if err := e.publisher.flush(); err != nil {
			return err
		}
	} else {
		p := &pace{every: time.Duration(float64(time.Second) / sc.rate), next: time.Now()}
		pump = func(d time.Duration) error { return r.paced(p, d) }
	}
	e.nap = r.nap
	if err := pump(r.warmup); err != nil {
		return err
	}

	before, err := usageOf(r.pid)
	if err != nil {
		return err
	}
	deliveries, bytes, reads := e.deliveries, e.bytes, e.reads
	e.since = before.at.UnixNano()
	if err := pump(r.duration); err != nil {
		return err
	}
	after, err := usageOf(r.pid)
	if err != nil {
		return fmt.Errorf("the server is gone: %w", err)
	}
	used := after.since(before)
	deliveries, bytes, reads = e.deliveries-deliveries, e.bytes-bytes, e.reads-reads

	e.window = 0
	err = e.run(time.Now().Add(drainWithin), func() bool { return r.outstanding() == 0 })
	if err != nil {
		return err
	}
	if deliveries == 0 {
		return errors.New("nothing was delivered")
	}
	res.Seconds = used.took.Seconds()
	res.Deliveries = deliveries
	res.DeliveriesPerSecond = float64(deliveries) / res.Seconds
	res.BytesPerDelivery = float64(bytes) / float64(deliveries)
	res.PerRead = float64(deliveries) / float64(reads)
	res.ServerMicros = micros(used.server) / float64(deliveries)
	res.ServerCores = used.cores(used.server)
	res.LoadgenMicros = micros(used.own) / float64(deliveries)
	res.LoadgenCores = used.cores(used.own)
	res.OtherCores = used.cores(used.others())
	res.P50, res.P99, res.Max = millis(e.latency.quantile(0.5)), millis(e.latency.quantile(0.99)), millis(e.latency.max)
	res.OfferedPerSecond = sc.rate * float64(sc.sessions) / float64(sc.topics)
	res.Overload = res.DeliveriesPerSecond < 0.95*res.OfferedPerSecond
	res.Lost, res.Duplicated, res.Undelivered = e.lost, e.duplicated, r.outstanding()
	return nil
}

// outstanding is how many deliveries open sessions still wait for.
func (r *run) outstanding() (n int64) {
	for _, s := range r.engine.subscribers {
		if !s.conn.gone {
			n += s.topic.published - s.last
		}
	}
	return n
}

// A pace says when the next event of an open loop is due, however late the last one was.
type pace struct {
	every time.Duration
	next  time.Time
	topic int
}

func (r *run) paced(p *pace, d time.Duration) error {
	for until := time.Now().Add(d); ; {
		now := time.Now()
		if !now.Before(until) {
			return nil
		}
		for ; !p.next.After(now); p.next = p.next.Add(p.every) {
			t := r.topics[p.topic%len(r.topics)]
			p.topic++
			r.engine.publisher.event(t.product, t.next())
		}
		if err := r.engine.publisher.flush(); err != nil {
			return err
		}
		if err := r.engine.step(min(p.next.Sub(now), until.Sub(now))); err != nil {
			return err
		}
	}
}
