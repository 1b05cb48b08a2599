// Command chaos proves what is promised of replayable topics: it runs a Redis, gateways, publishers and
// subscribers, harms all of them while events flow, and says whether anybody has lost an event, had one
// twice or out of order, without being told. It exits with 1 if so.
//
// It needs redis-server and prlimit, and is run from the module: go run ./chaos -help.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
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
	dir, err := os.MkdirTemp("", "chaos")
	if err == nil {
		p.dir = dir
		p.gateway, err = build(ctx, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	began := time.Now()
	p.log = func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	report, err := p.run(ctx)
	if report != nil {
		report.write(os.Stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "%v\nlogs are in %s\n", err, dir)
		return 2
	case len(check.Breaches(report.found)) > 0:
		if err := report.keep(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Fprintf(os.Stderr, "logs and history.json are in %s\n", dir)
		return 1
	}
	_ = os.RemoveAll(dir)
	return 0
}

// flags are the long form unless they say otherwise.
func flags() *plan {
	p := &plan{counts: make(map[string]int)}
	flag.IntVar(&p.subscribers, "subscribers", 1000, "clients, each with a subscription to one topic")
	flag.IntVar(&p.topics, "topics", 200, "topics")
	flag.IntVar(&p.publishers, "publishers", 16, "publishers; each topic has two of them")
	flag.IntVar(&p.nodes, "gateways", 3, "gateways")
	flag.Float64Var(&p.rate, "rate", 300, "events a second, of all publishers together")
	flag.IntVar(&p.events, "events", 1000, "events that are kept of a topic, for 10 minutes; 0: none, to see what is lost then")
	flag.StringVar(&p.fsync, "fsync", "everysec", "appendfsync of Redis: everysec, or always")
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
