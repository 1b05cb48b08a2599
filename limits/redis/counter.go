package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redisconn"
	"github.com/sluice-gateway/sluice/limits"
)

// Options are what New does not have to be told. The zero Options works. Location and LeaseTTL must
// be the same on all nodes.
type Options struct {
	// Node names this process in CLIENT LIST. Empty means that it is one of several.
	Node string

	// TLS is used with the rediss schemes. Nil means the system's roots and at least TLS 1.2.
	TLS *tls.Config

	// Timeout bounds one call. 0 means 1 s.
	Timeout time.Duration

	// Location is where calendar windows begin. Nil means UTC.
	Location *time.Location

	// LeaseTTL is how long a lease lives of which nothing is heard. 0 means 30 s.
	LeaseTTL time.Duration

	// Observe is told of every call of Redis that has ended: its class, "lease", "settle", "return",
	// "usage" or "take"; how long it took, and its failure, or nil. A lease that was forfeited is none, and
	// neither is that a caller has left. It runs in the goroutine of the call, before that returns, and must
	// not wait for anything. Nil: nobody is told.
	Observe func(call string, took time.Duration, err error)
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, time.Second)
	if o.Location == nil {
		o.Location = time.UTC
	}
	o.LeaseTTL = cmp.Or(o.LeaseTTL, 30*time.Second)
	return o
}

// A Counter is a limits.Counter in Redis. It is safe for concurrent use.
type Counter struct {
	client  goredis.UniversalClient
	options Options
	scripts scripts
	clock   clock
}

var _ limits.Counter = (*Counter)(nil)

// New returns a counter in the Redis at url: redis://, redis+sentinel:// or redis+cluster://, as for
// the broker of package pubsub/redis. It does not wait for Redis. The error is about url, and does
// not quote it.
func New(url string, o Options) (*Counter, error) {
	o = o.withDefaults()
	name := "sluice-limits"
	if o.Node != "" {
		name = "sluice-" + o.Node + "-limits"
	}
	client, err := redisconn.Open(url, redisconn.Options{Name: name, TLS: o.TLS, Timeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	return &Counter{client: client, options: o, scripts: newScripts(prelude)}, nil
}

// Lease implements limits.Counter.
func (c *Counter) Lease(ctx context.Context, r limits.Request) (limits.Lease, error) {
	if err := r.Check(); err != nil {
		return limits.Lease{}, err
	}
	reply, err := c.offer(ctx, c.scripts.lease, r.Key, r.Quota.Window, func(offers []any) []any {
		args := []any{r.ID, r.Node, r.Want, min(r.Quota.Events, limits.MaxEvents), r.Quota.Window.Bucket().Microseconds(), len(offers)}
		args = append(args, offers...)
		for _, report := range r.Reports {
			args = append(args, report.ID, report.Spent, flag(report.Done))
		}
		return args
	})
	if err != nil {
		return limits.Lease{}, fmt.Errorf("lease: %w", err)
	}
	lease := limits.Lease{
		ID: r.ID, Key: r.Key, Events: reply.number(), Left: remaining(r.Quota, reply.number()), Window: reply.text(),
		Ends: time.Duration(reply.number()) * time.Microsecond, ResetAt: time.UnixMicro(reply.number()),
	}
	return lease, reply.err()
}

// remaining is what is left of q, as counted by the scripts.
func remaining(q limits.Quota, left int64) int64 {
	if q.Events == limits.Unlimited {
		return limits.Unlimited
	}
	return left
}

// Settle implements limits.Counter.
func (c *Counter) Settle(ctx context.Context, key, id string, spent int64) error {
	return c.report(ctx, c.scripts.settle, key, limits.Report{ID: id, Spent: spent})
}

// Return implements limits.Counter.
func (c *Counter) Return(ctx context.Context, key, id string, spent int64) error {
	return c.report(ctx, c.scripts.giveBack, key, limits.Report{ID: id, Spent: spent, Done: true})
}

func (c *Counter) report(ctx context.Context, s script, key string, r limits.Report) error {
	if err := limits.CheckReport(key, r.ID, r.Spent); err != nil {
		return err
	}
	answer, err := c.run(ctx, s, key, []any{r.ID, r.Spent, flag(r.Done)})
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", s.call, err)
	case answer == "forfeited":
		return limits.ErrForfeited
	}
	return nil
}

// Usage implements limits.Counter.
func (c *Counter) Usage(ctx context.Context, key string, q limits.Quota) (limits.Usage, error) {
	if err := limits.CheckUsage(key, q); err != nil {
		return limits.Usage{}, err
	}
	reply, err := c.offer(ctx, c.scripts.usage, key, q.Window, func(offers []any) []any {
		return append([]any{min(q.Events, limits.MaxEvents), q.Window.Bucket().Microseconds()}, offers...)
	})
	if err != nil {
		return limits.Usage{}, fmt.Errorf("usage: %w", err)
	}
	u := limits.Usage{
		Granted: reply.number(), Charged: reply.number(), Returned: reply.number(), Forfeited: reply.number(),
		Left: remaining(q, reply.number()), ResetAt: time.UnixMicro(reply.number()),
	}
	u.Outstanding = u.Granted - u.Charged - u.Returned - u.Forfeited
	return u, reply.err()
}

// Close closes the connections; calls that are under way fail. It may be called twice.
func (c *Counter) Close() error {
	if err := c.client.Close(); err != nil && !errors.Is(err, goredis.ErrClosed) {
		return err
	}
	return nil
}

// attempts is how often the windows are offered anew. Redis' clock is known after the first time.
const attempts = 3

var errClock = errors.New("redis: its clock jumps")

// offer runs a script that needs the window of Redis' time. It offers those around what that is
// likely to be.
func (c *Counter) offer(ctx context.Context, s script, key string, w limits.Window, args func(offers []any) []any) (reply, error) {
	for range attempts {
		answer, err := c.run(ctx, s, key, args(offers(w, c.clock.now(), c.options.Location)))
		if err != nil {
			return reply{}, err
		}
		r := newReply(answer)
		status, now := r.text(), r.number()
		c.clock.set(now)
		switch {
		case r.odd:
			return reply{}, errReply
		case status == "ok":
			return r, nil
		case status == "forfeited":
			return reply{}, limits.ErrForfeited
		}
	}
	return reply{}, errClock
}

// run runs a script of the quotas.
func (c *Counter) run(ctx context.Context, s script, key string, args []any) (any, error) {
	args = append([]any{c.options.LeaseTTL.Microseconds()}, args...)
	return c.do(ctx, s, keys(key), args...).Result()
}

// keys are in one slot: what stands in the braces cannot end early, and is not empty.
func keys(key string) []string {
	hash := "sluice:quota:{" + strings.ReplaceAll(url.QueryEscape(key), "+", "%20") + "}"
	return []string{hash, hash + ":due"}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
