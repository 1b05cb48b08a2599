// Package limitstest is the contract of limits.Counter as tests. Every implementation passes Run.
package limitstest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// A Backbone is what counts for several nodes, with a clock that stands still.
type Backbone struct {
	Nodes   []limits.Counter // three or more, the same one where there can be only one
	Now     func() time.Time
	Advance func(time.Duration)
}

// Options are what the counters of a Backbone have in common.
type Options struct {
	Start    time.Time // by the clock
	Location *time.Location
	LeaseTTL time.Duration
}

// NewBackbone makes an empty Backbone, and ends it with the test.
type NewBackbone func(t *testing.T, o Options) Backbone

// noon is not near the end of any window.
var noon = time.Date(2026, time.May, 13, 12, 30, 30, 500_000_000, time.UTC)

const (
	ttl = 30 * time.Second
	key = "consumer/42 price"
)

// Run runs the contract against the backbones that newBackbone makes, one for each test.
func Run(t *testing.T, newBackbone NewBackbone) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bench)
	}{
		{"a lease is what is wanted, and a sixteenth of what is left at most", shares},
		{"a lease says how long it may be spent and when events come again", ends},
		{"an id is granted once, whoever repeats the call", repeated},
		{"an answer of nothing is forgotten", nothingIsForgotten},
		{"what is returned can be granted again, once", returned},
		{"a settlement counts from the beginning and never goes back", settled},
		{"a settlement keeps a lease alive", keptAlive},
		{"a lease that nothing is heard of is forfeited and never granted again", forfeited},
		{"reports in a request take effect first", reports},
		{"a window begins with the whole quota", windowEnds},
		{"a lease of a window that is over touches only that", afterTheWindow},
		{"days are as long as their time zone says", timeZone},
		{"a quota that changes holds from the next lease", quotaChanges},
		{"an unlimited quota is counted and never used up", unlimited},
		{"quotas with other windows and other keys stay apart", apart},
		{"any bytes make a key and an id", hostileNames},
		{"nonsense is refused", nonsense},
		{"a sliding window never has more than its quota in any interval", slidingIntervals},
		{"a sliding window tells when the first event comes back", slidingReset},
		{"a forfeited lease counts in a sliding window until its holder has stopped for so long", slidingForfeit},
		{"nodes at once never exceed a quota, and use all of it", together},
		{"an id that many ask for at once is granted once", sameIDTogether},
		{"random calls are answered as by a simple model", againstTheModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, newBench(t, newBackbone, Options{Start: noon, Location: time.UTC, LeaseTTL: ttl}))
		})
	}
}

// A bench is a Backbone whose calls must succeed. Its key is key.
type bench struct {
	Backbone
	t    *testing.T
	make NewBackbone
	next int // lease id
}

func newBench(t *testing.T, newBackbone NewBackbone, o Options) *bench {
	b := newBackbone(t, o)
	if len(b.Nodes) < 3 {
		t.Fatal("limitstest: a Backbone needs three nodes")
	}
	return &bench{Backbone: b, t: t, make: newBackbone}
}

func (b *bench) lease(q limits.Quota, want int64, id string) limits.Lease {
	b.t.Helper()
	l, err := b.Nodes[0].Lease(b.t.Context(), limits.Request{Key: key, Quota: q, Want: want, ID: id, Node: "a"})
	if err != nil {
		b.t.Fatalf("lease %s: %v", id, err)
	}
	if l.ID != id || l.Key != key {
		b.t.Fatalf("asked for %s of %s, got %s of %s", id, key, l.ID, l.Key)
	}
	return l
}

// drain leases one event at a time until nothing is left, and returns how many there were.
func (b *bench) drain(q limits.Quota) int64 {
	b.t.Helper()
	for n := int64(0); ; n++ {
		b.next++
		if l := b.lease(q, 1, fmt.Sprint("drain ", b.next)); l.Events == 0 {
			return n
		}
	}
}

func (b *bench) settle(id string, spent int64) {
	b.t.Helper()
	if err := b.Nodes[1].Settle(b.t.Context(), key, id, spent); err != nil {
		b.t.Fatalf("settle %s: %v", id, err)
	}
}

func (b *bench) giveBack(id string, spent int64) {
	b.t.Helper()
	if err := b.Nodes[2].Return(b.t.Context(), key, id, spent); err != nil {
		b.t.Fatalf("return %s: %v", id, err)
	}
}

// usage checks what is used of q; Left and ResetAt are as want has them, unless it has none.
func (b *bench) usage(q limits.Quota, want limits.Usage) {
	b.t.Helper()
	got, err := b.Nodes[0].Usage(b.t.Context(), key, q)
	if err != nil {
		b.t.Fatalf("usage: %v", err)
	}
	if got.Granted != got.Charged+got.Returned+got.Forfeited+got.Outstanding {
		b.t.Errorf("usage does not add up: %+v", got)
	}
	if want.ResetAt.IsZero() {
		want.ResetAt = got.ResetAt
	}
	if !got.ResetAt.Equal(want.ResetAt) {
		b.t.Errorf("reset at %v, want %v", got.ResetAt, want.ResetAt)
	}
	got.ResetAt = want.ResetAt
	if got != want {
		b.t.Errorf("usage\n got %+v\nwant %+v", got, want)
	}
}

// gone checks that a lease is one no more.
func (b *bench) gone(what string, err error) {
	b.t.Helper()
	if !errors.Is(err, limits.ErrForfeited) {
		b.t.Errorf("%s: %v, want ErrForfeited", what, err)
	}
}
