package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// A pageRun takes one page scenario through its phases.
type pageRun struct {
	scenario         pageScenario
	pid              int
	stats            string // URL of the server's /stats; not needed to poll
	warmup, duration time.Duration
	nap              time.Duration
	crowd            *crowd
}

func (r *pageRun) do() (*pageResult, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	r.crowd.nap = r.nap
	if err := r.crowd.begin(r.scenario.every); err != nil {
		return nil, err
	}
	return r.load()
}

// open connects everybody, handshakes at a time, until each has had a result.
func (r *pageRun) open() error {
	c, sc := r.crowd, r.scenario
	for deadline := time.Now().Add(openWithin); c.present < sc.visitors; {
		for len(c.conns) < sc.visitors && len(c.conns)-c.present < handshakes {
			if err := r.connect(); err != nil {
				return fmt.Errorf("client %d: %w", len(c.conns), err)
			}
		}
		if err := c.step(100 * time.Millisecond); err != nil {
			return err
		}
		if c.firstClose != nil {
			return fmt.Errorf("a connection ended after %d clients had a result: %w", c.present, c.firstClose)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d clients have a result after %v", c.present, sc.visitors, openWithin)
		}
	}
	return nil
}

func (r *pageRun) connect() error {
	if r.scenario.throttle > 0 {
		return r.crowd.watch(r.scenario.throttle)
	}
	return r.crowd.poll()
}

// load runs through the warm-up and the measured time, then waits until everybody has seen all.
func (r *pageRun) load() (*pageResult, error) {
	c := r.crowd
	if err := c.run(time.Now().Add(r.warmup), nil); err != nil {
		return nil, err
	}
	latency := new(histogram)
	c.latency = latency
	first, err := r.count()
	if err != nil {
		return nil, err
	}
	if err := c.run(first.usage.at.Add(r.duration), nil); err != nil {
		return nil, err
	}
	last, err := r.count()
	if err != nil {
		return nil, fmt.Errorf("the server is gone: %w", err)
	}
	c.every = 0
	if err := c.run(time.Now().Add(drainWithin), func() bool { return c.unseen() == 0 }); err != nil {
		return nil, err
	}
	return r.result(first, last, latency), nil
}

// counts are those of one moment since the beginning.
type counts struct {
	usage                                           usage
	runs, results, differing, bytes, skipped, polls int64
}

func (r *pageRun) count() (n counts, err error) {
	c := r.crowd
	n = counts{results: c.results, differing: c.differing, bytes: c.bytes, skipped: c.skipped, polls: int64(c.polls)}
	if r.scenario.throttle > 0 {
		if n.runs, err = liveRuns(r.stats); err != nil {
			return n, err
		}
	}
	n.usage, err = usageOf(r.pid)
	return n, err
}

func (r *pageRun) result(first, last counts, latency *histogram) *pageResult {
	sc, used := r.scenario, last.usage.since(first.usage)
	perSecond := func(before, after int64) float64 { return float64(after-before) / used.took.Seconds() }
	skipped := last.skipped - first.skipped
	res := &pageResult{
		Scenario: sc.name, Visitors: sc.visitors, Pages: sc.pages, Throttle: sc.throttle, Seconds: used.took.Seconds(),
		ServerCores: used.cores(used.server), LoadgenCores: used.cores(used.own), OtherCores: used.cores(used.others()),
		Executions: perSecond(first.runs, last.runs),
		Bytes:      perSecond(first.bytes, last.bytes),
		Results:    perSecond(first.results, last.results),
		Differing:  perSecond(first.differing, last.differing) / float64(sc.visitors),
		Writes:     int(latency.total),
		P50:        millis(latency.quantile(0.5)), P99: millis(latency.quantile(0.99)), Max: millis(latency.max),
		Stale: r.crowd.stale, Unseen: r.crowd.unseen(), Skipped: skipped,
		Overload: float64(skipped) > 0.05*float64(last.polls-first.polls),
	}
	if sc.throttle == 0 {
		res.Executions = res.Results
	}
	return res
}

// liveRuns is how often the server has made a result of a live query since its start.
func liveRuns(stats string) (int64, error) {
	response, err := (&http.Client{Timeout: 5 * time.Second}).Get(stats)
	if err != nil {
		return 0, fmt.Errorf("stats: %w", err)
	}
	defer response.Body.Close()
	var answer struct {
		Live struct{ Runs *int64 }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("stats: %w", err)
	}
	if answer.Live.Runs == nil {
		return 0, fmt.Errorf("stats: %s does not tell of live.runs", stats)
	}
	return *answer.Live.Runs, nil
}
