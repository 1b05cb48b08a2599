package main

import (
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// options are what the command line says. One of topics and pages is the scenario.
type options struct {
	topics *scenario
	pages  *pageScenario

	server           netip.AddrPort
	path             string
	pid              int
	json             string
	warmup, duration time.Duration
	nap              time.Duration
	locals           int

	redis, token string // of topics
	stats, key   string // of pages
}

func scenarioNames() string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(scenarios)), maps.Keys(pageScenarios))
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// parse reads the command line. A flag that is malformed ends the process.
func parse(args []string) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("loadgen", flag.ExitOnError)
	name := flags.String("scenario", "fanout", "one of "+scenarioNames())
	target := flags.String("url", "http://127.0.0.1:8081/graphql", "the server's endpoint; an IPv4 address on loopback")
	flags.IntVar(&o.pid, "pid", 0, "the server's process; 0 measures no CPU and no RSS")
	flags.StringVar(&o.json, "json", "", "file for the result as JSON")
	flags.DurationVar(&o.warmup, "warmup", 2*time.Second, "load before measuring")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "load while measuring")
	flags.DurationVar(&o.nap, "nap", 500*time.Microsecond, "let arrivals gather this long between polls of the sockets, while loading; 0 for not")
	flags.IntVar(&o.locals, "locals", 16, "how many addresses 127.0.0.2 and up to connect from")
	sessions := flags.Int("sessions", 0, "sessions or clients instead of the scenario's")

	flags.StringVar(&o.redis, "redis", "redis://127.0.0.1:6379", "Redis to publish to, in scenarios with topics")
	flags.StringVar(&o.token, "token", "", "a token or key that every WebSocket sends in connection_init")
	topics := flags.Int("topics", 0, "topics instead of the scenario's")
	documents := flags.Int("documents", 0, "different documents instead of the scenario's")
	rate := flags.Float64("rate", 0, "events per second over all topics instead of the scenario's")
	window := flags.Int("window", 0, "events of one topic in flight instead of the scenario's")
	padding := flags.Int("pad", -1, "bytes added to each note instead of the scenario's")
	quiet := flags.Duration("quiet", 0, "quiet before RSS is read instead of the scenario's")

	flags.StringVar(&o.key, "key", "", "an API key with the scope catalog:write, in scenarios with pages")
	flags.StringVar(&o.stats, "stats", "http://127.0.0.1:8081/stats", "the server's counts, on its operator port, in scenarios with live queries")
	pages := flags.Int("pages", 0, "different pages instead of the scenario's")
	throttle := flags.Int("throttle", -1, "milliseconds between two results of @live instead of the scenario's; 0 to poll")
	every := flags.Duration("every", 0, "mean time between two writes instead of the scenario's")
	_ = flags.Parse(args) // it exits

	if sc, ok := scenarios[*name]; ok {
		sc.name = *name
		replace(&sc.sessions, *sessions, 0)
		replace(&sc.topics, *topics, 0)
		replace(&sc.documents, *documents, 0)
		replace(&sc.padding, *padding, -1)
		replace(&sc.quiet, *quiet, 0)
		if *rate > 0 {
			sc.rate, sc.window = *rate, 0
		}
		if *window > 0 {
			sc.window, sc.rate = *window, 0
		}
		o.topics = &sc
	} else if sc, ok := pageScenarios[*name]; ok {
		sc.name = *name
		replace(&sc.visitors, *sessions, 0)
		replace(&sc.pages, *pages, 0)
		replace(&sc.throttle, *throttle, -1)
		replace(&sc.every, *every, 0)
		o.pages = &sc
	} else {
		return nil, fmt.Errorf("no scenario %q: one of %s", *name, scenarioNames())
	}
	if err := o.locate(*target); err != nil {
		return nil, err
	}
	return o, o.validate()
}

func replace[T comparable](value *T, flag, unset T) {
	if flag != unset {
		*value = flag
	}
}

func (o *options) locate(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	o.server, err = netip.ParseAddrPort(u.Host)
	if err != nil || !o.server.Addr().Is4() || !o.server.Addr().IsLoopback() {
		return fmt.Errorf("url %s: an IPv4 address on loopback and a port are needed", target)
	}
	o.path = u.RequestURI()
	return nil
}

func (o *options) validate() error {
	if o.locals < 1 || o.locals > 250 {
		return fmt.Errorf("locals %d: 1 to 250", o.locals)
	}
	if o.topics != nil {
		return o.topics.validate()
	}
	if o.key == "" {
		return fmt.Errorf("key: %s changes prices, which needs an API key with the scope catalog:write", o.pages.name)
	}
	return o.pages.validate()
}

// connections is how many the scenario opens, nearly.
func (o *options) connections() int {
	if o.topics != nil {
		return o.topics.sessions
	}
	return o.pages.visitors
}
