package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/chaos/crowd"
	"github.com/sluice-gateway/sluice/chaos/faults"
)

const (
	key      = "the-key-of-the-publishers-of-chaos"
	patience = time.Minute // for everybody to have subscribed, or to have everything
	breather = 300 * time.Millisecond
)

// A plan is what a run does.
type plan struct {
	subscribers, topics, publishers, nodes, events int
	rate                                           float64
	seed                                           uint64
	duration                                       time.Duration
	counts                                         map[string]int // how often each fault is done
	mix                                            crowd.Mix
	gateway, dir, fsync                            string
	disk, data                                     string // a folder of the user's, and that of Redis in it
	log                                            func(format string, args ...any)
}

// run does it. The report is what there is to say, also when the run could not be ended as planned.
func (p *plan) run(ctx context.Context) (*report, error) {
	p.log("seed %d", p.seed)
	site, err := faults.Open(faults.Options{
		Gateway: p.gateway, Dir: p.dir, Data: p.data, Nodes: p.nodes, Key: key, Fsync: p.fsync, Events: p.events,
	})
	if err != nil {
		return nil, err
	}
	defer site.Close()
	all := crowd.Enter(crowd.Options{
		Gateways: site.Gateways(), Key: key, Topics: p.topics, Subscribers: p.subscribers, Mix: p.mix, Publishers: p.publishers,
		Rate: p.rate, Dawdlers: 20, Seed: p.seed, Ephemeral: p.events == 0,
	})
	defer all.Close()
	r := &report{plan: p}
	err = p.drive(ctx, site, all, r)
	all.Close()
	r.progress, r.history = all.Progress(), all.History()
	streams, unread := site.Streams(p.names())
	r.history.Streams = streams
	r.found = check.Run(r.history)
	return r, errors.Join(err, unread)
}

// drive goes through the phases of a run, and notes in the report what was done when.
func (p *plan) drive(ctx context.Context, site *faults.Site, all *crowd.Crowd, r *report) error {
	if err := p.awaitMembers(ctx, site); err != nil {
		return err
	}
	p.log("%d clients have subscribed", p.subscribers)
	all.Publish()
	if err := p.until(ctx, "everybody has an event", func() bool { return all.Progress().Silent == 0 }); err != nil {
		return err
	}
	p.harm(ctx, site, all, r)
	if err := p.awaitMembers(ctx, site); err != nil {
		return err
	}
	p.log("everybody has subscribed again")
	r.begin("the end")
	all.Finish(ctx)
	return p.until(ctx, "everybody has everything", func() bool { return all.Progress().Behind == 0 })
}

// harm does the faults in an order that the seed decides.
func (p *plan) harm(ctx context.Context, site *faults.Site, all *crowd.Crowd, r *report) {
	var order []faults.Fault
	for _, f := range faults.All {
		for range p.counts[f.Name] {
			order = append(order, f)
		}
	}
	h := &faults.Harm{
		Context: ctx, Rand: rand.New(rand.NewPCG(p.seed, 3)), Site: site,
		Published: func() int { return all.Progress().Published },
		Told:      func(code string) int { return all.Progress().Codes[code] },
		Provoke:   all.Provoke,
	}
	h.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	began := time.Now()
	for i, f := range order {
		if ctx.Err() != nil {
			return
		}
		r.begin(f.Name)
		if err := f.Do(h); err != nil {
			r.failed(f.Name, err)
		}
		p.log("%d of %d: %s, %d published, %d received", i+1, len(order), f.Name, h.Published(), all.Progress().Received)
		next := began.Add(p.duration * time.Duration(i+1) / time.Duration(len(order)))
		sleep(ctx, max(breather, time.Until(next)))
	}
}

// awaitMembers waits until everybody is subscribed, and stays so for a moment.
func (p *plan) awaitMembers(ctx context.Context, site *faults.Site) error {
	seen := 0
	return p.until(ctx, "everybody is subscribed", func() bool {
		if seen++; site.Members() != p.subscribers {
			seen = 0
		}
		return seen >= 5
	})
}

func (p *plan) until(ctx context.Context, what string, holds func() bool) error {
	for deadline := time.Now().Add(patience); !holds(); {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("not within %v: %s", patience, what)
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return nil
}

func (p *plan) names() (all []string) {
	for product := range p.topics {
		all = append(all, fmt.Sprintf("stock.%d", product+1))
	}
	return slices.Clip(all)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
