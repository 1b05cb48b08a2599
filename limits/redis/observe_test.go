package redis_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/redis"
)

// observed is what Options.Observe was told last.
type observed struct {
	call  string
	took  time.Duration
	err   error
	calls int
}

func (o *observed) note(call string, took time.Duration, err error) {
	o.call, o.took, o.err = call, took, err
	o.calls++
}

func TestEveryCallOfRedisIsObserved(t *testing.T) {
	server := redistest.Start(t)
	var seen observed
	c := open(t, server.URL(), redis.Options{Timeout: patience, Observe: seen.note})
	buckets := c.Buckets()
	calls := []struct {
		name, want string
		call       func(context.Context) error
	}{
		{"a lease", "lease", func(ctx context.Context) error {
			_, err := c.Lease(ctx, limits.Request{Key: "k", Quota: aMonth, Want: 20, ID: "1"})
			return err
		}},
		{"a report", "settle", func(ctx context.Context) error { return c.Settle(ctx, "k", "1", 5) }},
		{"what is left", "return", func(ctx context.Context) error { return c.Return(ctx, "k", "1", 6) }},
		{"how much was used", "usage", func(ctx context.Context) error { _, err := c.Usage(ctx, "k", aMonth); return err }},
		{"an event of a rate", "take", func(ctx context.Context) error {
			_, err := buckets.Take(ctx, "k", limits.Rate{PerSecond: 1, Burst: 10})
			return err
		}},
	}
	for _, test := range calls {
		seen = observed{}
		err := test.call(t.Context())
		if err != nil || seen.calls != 1 || seen.call != test.want || seen.err != nil || seen.took <= 0 {
			t.Errorf("%s: %v, and Observe was told %+v, want one call of %q", test.name, err, seen, test.want)
		}
	}

	seen = observed{}
	if err := c.Settle(t.Context(), "k", "never leased", 1); !errors.Is(err, limits.ErrForfeited) || seen.calls != 1 || seen.err != nil {
		t.Errorf("a lease that is none: %v, and Observe was told %+v, want no failure", err, seen)
	}

	left, leave := context.WithCancel(t.Context())
	leave()
	for _, test := range calls {
		seen = observed{}
		if err := test.call(left); err == nil || seen.calls != 1 || seen.err != nil {
			t.Errorf("%s of a caller who has left: %v, and Observe was told %+v, want no failure", test.name, err, seen)
		}
	}
	server.Kill()
	for _, test := range calls {
		seen = observed{}
		if err := test.call(t.Context()); err == nil || seen.calls != 1 || seen.call != test.want || seen.err == nil {
			t.Errorf("%s without Redis: %v, and Observe was told %+v, want a failure", test.name, err, seen)
		}
	}
}
