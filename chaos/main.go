// Command chaos proves what is promised of replayable topics: it runs a Redis, gateways, publishers and
// subscribers, harms all of them while events flow, and says whether anybody has lost an event, had one
// twice or out of order, without being told. It exits with 1 if so.
//
// It needs redis-server and prlimit, and is run from the module: go run ./chaos -help. For panics and clocks
// that jump it builds a gateway with lines of its own; the sources stay as they are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/chaos/crowd"
	"github.com/sluice-gateway/sluice/chaos/faults"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx)
	stop()
	os.Exit(code)
}

func command(ctx context.Context) int {
	p := flags()
	began := time.Now()
	p.log = func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	if err := p.prepare(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		p.tidy()
		return 2
	}
	report, err := p.run(ctx)
	if report != nil {
		report.write(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "%v\nlogs are in %s, and the files of Redis in %s\n", err, p.dir, p.data)
		return 2
	case len(check.Breaches(report.found)) > 0:
		if err := report.keep(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprintf(os.Stderr, "logs and history.json are in %s, and the files of Redis in %s\n", p.dir, p.data)
		return 1
	}
	p.tidy()
	return 0
}

// prepare makes the folders of a run, and the gateway.
func (p *plan) prepare(ctx context.Context) (err error) {
	if p.dir, err = os.MkdirTemp("", "chaos"); err != nil {
		return err
	}
	if p.data, err = os.MkdirTemp(p.disk, "chaos-redis"); err != nil {
		return err
	}
	return p.build(ctx)
}

// tidy removes what a run has left, when nobody needs to look at it.
func (p *plan) tidy() {
	_ = os.RemoveAll(p.dir)
	_ = os.RemoveAll(p.data)
}

// flags are the long form unless they say otherwise.
func flags() *plan {
	p := &plan{counts: make(map[string]int), mix: crowd.Mix{crowd.WebSocket: 60, crowd.SSE: 20, crowd.Multipart: 20}, fsync: "everysec"}
	flag.IntVar(&p.subscribers, "subscribers", 1000, "clients, each with a subscription to one topic")
	flag.IntVar(&p.topics, "topics", 200, "topics")
	flag.IntVar(&p.publishers, "publishers", 16, "publishers; each topic has two of them")
	flag.IntVar(&p.nodes, "gateways", 3, "gateways")
	flag.Float64Var(&p.rate, "rate", 300, "events a second, of all publishers together")
	flag.IntVar(&p.events, "events", 1000, "events that are kept of a topic, for 10 minutes; 0: none, to see what is lost then")
	flag.Var(p.mix, "mix", "what subscribers connect by, in `parts`")
	flag.Func("fsync", "appendfsync of Redis: `everysec`, always or no (default everysec)", func(text string) error {
		if p.fsync = text; !slices.Contains([]string{"everysec", "always", "no"}, text) {
			return errors.New("it is everysec, always or no")
		}
		return nil
	})
	flag.StringVar(&p.disk, "dir", "", "where Redis has its files, in a `folder` of its own (default the temporary folder)")
	flag.Uint64Var(&p.seed, "seed", uint64(time.Now().UnixNano()), "of the order and the choices of faults")
	flag.DurationVar(&p.duration, "duration", 0, "how long faults are spread over; 0: one after another")
	defaults := map[string]int{"redis-kill": 100, "gateway-kill": 50, "redis-failover": 20, "redis-rollback": 10}
	for _, f := range faults.All {
		n, ok := defaults[f.Name]
		if !ok {
			n = 10
		}
		flag.Func(f.Name, fmt.Sprintf("how `often` this is done (default %d)", n), func(text string) error {
			var n int
			_, err := fmt.Sscan(text, &n)
			p.counts[f.Name] = n
			return err
		})
		p.counts[f.Name] = n
	}
	flag.Parse()
	return p
}
