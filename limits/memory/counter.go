// Package memory counts quotas within one process: a limits.Counter for a single node.
//
// It starts no goroutine and does no I/O. What it knows of a key is forgotten some time after the
// window, whenever other keys are asked for.
package memory

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Now is the clock of the windows and the leases. Nil means time.Now.
	Now func() time.Time

	// Location is where calendar windows begin. Nil means UTC.
	Location *time.Location

	// LeaseTTL is how long a lease lives of which nothing is heard. 0 means 30 s.
	LeaseTTL time.Duration
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	o.LeaseTTL = cmp.Or(o.LeaseTTL, 30*time.Second)
	return o
}

// A Counter is a limits.Counter within one process. It is safe for concurrent use.
type Counter struct {
	options Options

	mu   sync.Mutex // guards what follows
	keys map[string]*ledger
}

var _ limits.Counter = (*Counter)(nil)

// New returns a counter that has granted nothing.
func New(o Options) *Counter {
	return &Counter{options: o.withDefaults(), keys: make(map[string]*ledger)}
}

// Lease implements limits.Counter. It does not wait: a ctx that is done is refused all the same.
func (c *Counter) Lease(ctx context.Context, r limits.Request) (limits.Lease, error) {
	if err := cmp.Or(r.Check(), context.Cause(ctx)); err != nil {
		return limits.Lease{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.ledgerLocked(r.Key)
	for _, report := range r.Reports {
		_ = l.report(report) // whoever wants to know calls Settle
	}
	return l.lease(r, c.options.Location)
}

// Settle implements limits.Counter.
func (c *Counter) Settle(ctx context.Context, key, id string, spent int64) error {
	return c.report(ctx, key, limits.Report{ID: id, Spent: spent})
}

// Return implements limits.Counter.
func (c *Counter) Return(ctx context.Context, key, id string, spent int64) error {
	return c.report(ctx, key, limits.Report{ID: id, Spent: spent, Done: true})
}

func (c *Counter) report(ctx context.Context, key string, r limits.Report) error {
	if err := cmp.Or(limits.CheckReport(key, r.ID, r.Spent), context.Cause(ctx)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledgerLocked(key).report(r)
}

// Usage implements limits.Counter.
func (c *Counter) Usage(ctx context.Context, key string, q limits.Quota) (limits.Usage, error) {
	if err := cmp.Or(limits.CheckUsage(key, q), context.Cause(ctx)); err != nil {
		return limits.Usage{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledgerLocked(key).usage(q, c.options.Location), nil
}

// ledgerLocked returns key's ledger as of now.
func (c *Counter) ledgerLocked(key string) *ledger {
	now := c.options.Now().UnixMicro()
	c.tidyLocked(now)
	l := c.keys[key]
	if l == nil {
		l = newLedger(c.options.LeaseTTL)
		c.keys[key] = l
	}
	l.advance(now)
	return l
}

// tidyLocked looks at a few ledgers, and forgets those in which nothing stands any more. A call adds
// one ledger at most, so they do not pile up.
func (c *Counter) tidyLocked(now int64) {
	few := 3
	for key, l := range c.keys {
		if l.advance(now); l.empty() {
			delete(c.keys, key)
		}
		if few--; few == 0 {
			return
		}
	}
}
