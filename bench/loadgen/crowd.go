package main

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"
)

// pollEvery is how often a poller asks.
const pollEvery = time.Second

// A crowd is everybody who visits some pages, and the writer who changes what they show.
type crowd struct {
	*loop
	host, path string
	seed       maphash.Seed
	random     *rand.Rand
	pages      []*page
	pollers    []*poller
	watchers   []*watcher
	writer     *writer
	writes     []*write
	newest     int64      // the number of the latest write that anybody has seen
	latency    *histogram // from a mutation's answer to the last client; nil while nothing is measured

	every     time.Duration // mean time between two writes; 0 for none
	nextWrite time.Time
	began     time.Time       // of the polls
	polls     int             // that were due since
	phases    []time.Duration // when in each interval each poller asks, rising

	present                                   int // visitors that have had a result
	results, differing, bytes, stale, skipped int64
}

func newCrowd(l *loop, path, key string, pages int) *crowd {
	random := rand.New(rand.NewPCG(5, 25)) // every run is the same
	host := l.server.String()
	return &crowd{
		loop: l, host: host, path: path, seed: maphash.MakeSeed(), random: random, pages: newPages(pages),
		writer: &writer{host: host, path: path, key: key},
	}
}

// poll opens one more connection and polls the next page for the first time.
func (c *crowd) poll() error {
	page := c.pages[len(c.pollers)%len(c.pages)]
	page.members++
	p := &poller{visitor: visitor{crowd: c, page: page}, request: post(c.host, c.path, "", page.operation(0))}
	c.pollers = append(c.pollers, p)
	var err error
	if p.conn, err = c.connect(p); err != nil {
		return err
	}
	return p.ask()
}

// watch opens one more session for a live query of the next page.
func (c *crowd) watch(throttle int) error {
	page := c.pages[len(c.watchers)%len(c.pages)]
	page.members++
	w := &watcher{
		visitor: visitor{crowd: c, page: page},
		session: session{init: initFrame(""), operation: page.operation(throttle)},
	}
	c.watchers = append(c.watchers, w)
	var err error
	if w.conn, err = c.connect(w); err != nil {
		return err
	}
	w.session.conn = w.conn
	return w.conn.write(w.session.request(c.host, c.path))
}

// begin connects the writer. Everybody has had a result: what the pages show is known.
func (c *crowd) begin(every time.Duration) (err error) {
	var shown []string
	for _, p := range c.pages {
		shown = append(shown, p.products...)
	}
	slices.Sort(shown)
	c.writer.products = slices.Compact(shown)
	c.random.Shuffle(len(c.writer.products), reflect.Swapper(c.writer.products))
	c.writer.wrote = c.newest // by runs before: the same prices again would change nothing
	for range c.pollers {
		c.phases = append(c.phases, time.Duration(c.random.Int64N(int64(pollEvery))))
	}
	slices.Sort(c.phases)
	c.every, c.began = every, time.Now()
	c.nextWrite = c.began
	c.writer.conn, err = c.connect(c.writer)
	return err
}

// run has everybody poll and write when it is time, until the deadline or until done says so.
func (c *crowd) run(until time.Time, done func() bool) error {
	for {
		now := time.Now()
		if !now.Before(until) || done != nil && done() {
			return nil
		}
		next, err := c.due(now)
		if err != nil {
			return err
		}
		if next.After(until) {
			next = until
		}
		if err := c.step(min(next.Sub(now), 20*time.Millisecond)); err != nil {
			return err
		}
		if c.firstClose != nil {
			return fmt.Errorf("a connection ended: %w", c.firstClose)
		}
	}
}

// due does what is due, and says when something will be next.
func (c *crowd) due(now time.Time) (next time.Time, err error) {
	next = now.Add(time.Second)
	for len(c.pollers) > 0 {
		if next = c.pollAt(c.polls); next.After(now) {
			break
		}
		if err := c.pollers[c.polls%len(c.pollers)].ask(); err != nil {
			return next, err
		}
		c.polls++
	}
	if c.every == 0 || c.writer.pending != nil {
		return next, nil
	}
	if !c.nextWrite.After(now) {
		if err := c.write(); err != nil {
			return next, err
		}
		c.nextWrite = now.Add(time.Duration((0.75 + c.random.Float64()/2) * float64(c.every)))
	}
	if c.nextWrite.Before(next) {
		next = c.nextWrite
	}
	return next, nil
}

// pollAt is when a poll is due: clients that know nothing of each other ask at random.
func (c *crowd) pollAt(poll int) time.Time {
	n := len(c.pollers)
	return c.began.Add(time.Duration(poll/n)*pollEvery + c.phases[poll%n])
}

// write changes a product, and notes who has yet to see it.
func (c *crowd) write() error {
	w := &write{latency: c.latency}
	product, err := c.writer.change(w)
	if err != nil {
		return err
	}
	for _, p := range c.pages {
		if slices.Contains(p.products, product) {
			p.writes = append(p.writes, w)
			w.waiting += p.members
		}
	}
	c.writes = append(c.writes, w)
	return nil
}

// unseen is how often a write has still to be seen.
func (c *crowd) unseen() (n int) {
	for _, w := range c.writes {
		n += w.waiting
	}
	return n
}
