package limits_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// Three nodes with bad lines spend one quota. They are cut off, slow, lose replies, die and come
// back; plans change; events are given back. Whatever happens, no window has more than its quota.
func TestNoAccidentExceedsAQuota(t *testing.T) {
	for seed := range uint64(5) {
		for _, w := range []limits.Window{limits.Second, limits.Minute, limits.SlidingSecond, limits.SlidingMinute} {
			t.Run(fmt.Sprint(w, " ", seed), func(t *testing.T) {
				bubble(t, func(t *testing.T) { newChaos(t, seed, w).run() })
			})
		}
	}
}

type chaos struct {
	t       *testing.T
	seed    uint64
	q       limits.Quota
	counter limits.Counter
	until   time.Time

	mu    sync.Mutex // guards what follows
	taken []moment
}

// A moment is when an event was taken, or given back.
type moment struct {
	at time.Time
	n  int64
}

func newChaos(t *testing.T, seed uint64, w limits.Window) *chaos {
	return &chaos{
		t: t, seed: seed, q: limits.Quota{Events: 150, Window: w}, counter: newMemory(),
		until: time.Now().Add(5 * time.Minute),
	}
}

func (c *chaos) run() {
	together(3, c.node)
	if c.q.Window.Length() > 0 {
		c.checkIntervals()
	} else {
		c.checkWindows()
	}
	time.Sleep(time.Minute)
	if u := usage(c.t, c.counter, c.q); u.Outstanding != 0 {
		c.t.Errorf("in the end: %+v", u)
	}
}

// node lives several lives.
func (c *chaos) node(i int) {
	random := seeded(c.seed*10 + uint64(i))
	for time.Now().Before(c.until) {
		l := &line{Counter: c.counter}
		b := limits.NewBook(l, limits.Options{Log: quiet.Log, MaxBlock: 1 << random.IntN(7)})
		end := time.Now().Add(time.Duration(random.Int64N(int64(2 * time.Minute))))
		seed := random.Uint64()
		together(3, func(worker int) {
			if worker == 0 {
				c.breakThings(l, end, seed)
			} else {
				c.consume(b, end, seed+uint64(worker))
			}
		})
		if random.IntN(2) == 0 {
			b.Kill()
			continue
		}
		l.down.Store(false)
		l.loses.Store(false)
		l.slow.Store(0)
		closeBook(c.t, b)
		balanced(c.t, b)
	}
}

func (c *chaos) breakThings(l *line, end time.Time, seed uint64) {
	random := seeded(seed)
	for time.Now().Before(end) {
		l.down.Store(random.IntN(6) == 0)
		l.loses.Store(random.IntN(6) == 0)
		l.slow.Store([]int64{0, 0, int64(time.Millisecond), int64(40 * time.Millisecond), int64(2 * time.Second)}[random.IntN(5)])
		time.Sleep(time.Duration(random.Int64N(int64(4 * time.Second))))
		if random.IntN(20) == 0 { // longer than a lease lives
			l.down.Store(true)
			time.Sleep(40 * time.Second)
		}
	}
}

// consume takes at moments that are no window's end, and now and then gives back.
func (c *chaos) consume(b *limits.Book, end time.Time, seed uint64) {
	random := seeded(seed)
	a := b.Open(key, c.q, limits.Stop)
	defer func() { a.Close() }()
	for time.Now().Before(end) {
		time.Sleep(time.Duration(random.Int64N(int64(10*time.Millisecond))).Truncate(time.Microsecond) + 1001*time.Nanosecond)
		switch random.IntN(200) {
		case 0:
			time.Sleep(time.Duration(random.Int64N(int64(15 * time.Second))))
		case 1:
			a.Close()
			a = b.Open(key, c.q, limits.Stop)
		case 2: // a smaller plan, and back
			a.SetQuota(limits.Quota{Events: 1 + random.Int64N(c.q.Events), Window: c.q.Window})
		case 3:
			a.SetQuota(c.q)
		}
		c.takeSome(a, random.IntN(3), random.IntN(10) == 0)
	}
}

// takeSome takes events. They may be given back, in whole, at the same moment.
func (c *chaos) takeSome(a *limits.Account, n int, give bool) {
	for range n {
		term, v := a.Take()
		switch {
		case v == limits.Pending: // what comes may come late, and be of a window that is over
			a.Wait(&visitor{c, a})
			return
		case v != limits.Taken:
			return
		case give && a.Give(term, 1) == 1:
			continue
		}
		c.note()
	}
}

// A visitor takes one event as soon as it is resumed.
type visitor struct {
	*chaos
	account *limits.Account
}

func (v *visitor) Resume() {
	if _, verdict := v.account.Take(); verdict == limits.Taken {
		v.note()
	}
}

func (c *chaos) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = append(c.taken, moment{time.Now(), 1})
}

func (c *chaos) checkWindows() {
	sums := make(map[string]int64)
	for _, m := range c.taken {
		id, _, _ := c.q.Window.Bounds(m.at, time.UTC)
		sums[id] += m.n
	}
	var sum int64
	for id, n := range sums {
		if sum += n; n > c.q.Events {
			c.t.Errorf("%s: %d events, of %d", id, n, c.q.Events)
		}
	}
	if sum < c.q.Events*int64(len(sums))/10 {
		c.t.Errorf("only %d events in %d windows", sum, len(sums))
	}
}

func (c *chaos) checkIntervals() {
	var in int64
	first := 0
	for _, m := range c.taken {
		in += m.n
		for ; c.taken[first].at.Before(m.at.Add(-c.q.Window.Length())); first++ {
			in -= c.taken[first].n
		}
		if in > c.q.Events {
			c.t.Fatalf("%d events before %v, of %d", in, m.at, c.q.Events)
		}
	}
	if len(c.taken) < 300 {
		c.t.Errorf("only %d events", len(c.taken))
	}
}
