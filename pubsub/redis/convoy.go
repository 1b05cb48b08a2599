package redis

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// fewConvoys is how many are on their way to a server before events of other topics wait for company.
	fewConvoys = 4
	// mostConvoys is how many there may be when they are slow. The server has connections for more.
	mostConvoys = 16
	// mostWait is how long an event waits then: one convoy that is held up does not hold up the others.
	mostWait = time.Millisecond
	// mostRiders is how many events a convoy takes, and mostBytes how many bytes, unless the first has more.
	mostRiders = 128
	mostBytes  = 256 << 10
)

// Convoys bring events to the servers that have their logs. An event goes at once, unless another of its topic
// is on its way, or several of others are. Those that come meanwhile go together: what Redis spends on a call
// it then spends once for many. Convoys are safe for concurrent use, start no goroutine, and remember nothing
// of a server that nothing is on its way to.
type convoys struct {
	deliver func(ctx context.Context, to pipeliner, all []*rider) // sets the outcome of each

	mu       sync.Mutex // guards what follows
	byServer map[pipeliner]*road
}

// A pipeliner is the client of one server, and each broker has its own.
type pipeliner interface {
	goredis.Scripter
	Pipeline() goredis.Pipeliner
}

// A road leads to a server that something is on its way to.
type road struct {
	convoys int
	ahead   map[string]bool // the topics that something is on its way of
	waiting []*rider        // the longest first
}

// A rider is an event that waits or is on its way. Its outcome may be looked at when answered is closed.
type rider struct {
	*shipment
	outcome  outcome
	answered chan struct{}
	leads    chan []*rider // gets the convoy that it is to lead, itself among it
	deadline time.Time
}

// bring returns what has become of an event when the server has answered, or when ctx, which has a deadline, is
// done. What has not left by then never does.
func (c *convoys) bring(ctx context.Context, to pipeliner, s *shipment) outcome {
	r := &rider{shipment: s, answered: make(chan struct{}), leads: make(chan []*rider, 1)}
	r.deadline, _ = ctx.Deadline()
	if c.enter(to, r) {
		c.lead(ctx, to, []*rider{r})
		return r.outcome
	}
	patience := time.NewTimer(mostWait)
	defer patience.Stop()
	for {
		select {
		case all := <-r.leads:
			c.lead(ctx, to, all)
			return r.outcome
		case <-r.answered:
			return r.outcome
		case <-patience.C:
			if c.hurry(to, r) {
				patience.Reset(mostWait)
			}
		case <-ctx.Done():
			c.abandon(to, r)
			select {
			case all := <-r.leads: // the others rely on it
				c.lead(ctx, to, all)
				return r.outcome
			default:
				return outcome{err: context.Cause(ctx)}
			}
		}
	}
}

// enter reports whether the event may go at once. Otherwise it waits.
func (c *convoys) enter(to pipeliner, r *rider) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byServer == nil {
		c.byServer = make(map[pipeliner]*road)
	}
	way := c.byServer[to]
	if way == nil {
		way = &road{ahead: make(map[string]bool)}
		c.byServer[to] = way
	}
	if way.convoys >= fewConvoys || way.ahead[r.topic] {
		way.waiting = append(way.waiting, r)
		return false
	}
	way.departLocked([]*rider{r})
	return true
}

// lead brings a convoy to the server, until the leader's deadline, which is the last of all, even if the leader
// is not wanted any more.
func (c *convoys) lead(ctx context.Context, to pipeliner, all []*rider) {
	defer c.arrive(to, all)
	if deadline, ok := ctx.Deadline(); ok && len(all) > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
	}
	c.deliver(ctx, to, all)
}

// arrive tells the riders of a convoy, and lets go who has waited for it.
func (c *convoys) arrive(to pipeliner, all []*rider) {
	for _, r := range all {
		close(r.answered)
	}
	if len(all) > 1 {
		runtime.Gosched() // who has been told may have more, which comes along then
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	way := c.byServer[to]
	way.convoys--
	for _, r := range all {
		delete(way.ahead, r.topic) // also of what was in a hurry: somebody goes a little early
	}
	way.formLocked(false)
	if way.convoys == 0 {
		delete(c.byServer, to)
	}
}

// hurry lets go everybody who waits where r does, and reports whether r did.
func (c *convoys) hurry(to pipeliner, r *rider) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	way := c.byServer[to]
	if way == nil || !slices.Contains(way.waiting, r) {
		return false
	}
	if way.convoys < mostConvoys {
		way.formLocked(true)
	}
	return true
}

// abandon takes back an event that waits.
func (c *convoys) abandon(to pipeliner, r *rider) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if way := c.byServer[to]; way != nil {
		way.waiting = slices.DeleteFunc(way.waiting, func(other *rider) bool { return other == r })
	}
}

// formLocked makes a convoy of those who wait, but for events of topics that are ahead, unless they are in a
// hurry. The one who has the most time left leads it.
func (w *road) formLocked(hurry bool) {
	var all []*rider
	bytes := 0
	w.waiting = slices.DeleteFunc(w.waiting, func(r *rider) bool {
		full := len(all) == mostRiders || len(all) > 0 && bytes+len(r.message) > mostBytes
		if full || w.ahead[r.topic] && !hurry {
			return false
		}
		all = append(all, r)
		bytes += len(r.message)
		return true
	})
	if len(all) == 0 {
		return
	}
	w.departLocked(all)
	leader := slices.MaxFunc(all, func(a, b *rider) int { return a.deadline.Compare(b.deadline) })
	leader.leads <- all
}

func (w *road) departLocked(all []*rider) {
	w.convoys++
	for _, r := range all {
		w.ahead[r.topic] = true
	}
}
