// Command loadgen loads a GraphQL subscription server over WebSocket or SSE through Redis PUBLISH and
// measures what a delivery costs the server.
//
// It shares two cores with the server, so it is one goroutine over one epoll, reads frames from raw
// sockets and finds revision and send time in the bytes without parsing JSON. It reports its own
// cost beside the server's. Linux only.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	flags := flag.NewFlagSet("loadgen", flag.ExitOnError)
	name := flags.String("scenario", "fanout", "one of "+scenarioNames())
	target := flags.String("url", "http://127.0.0.1:8081/graphql", "the server's endpoint; an IPv4 address on loopback")
	redisURL := flags.String("redis", "redis://127.0.0.1:6379", "Redis to publish to")
	pid := flags.Int("pid", 0, "the server's process; 0 measures no CPU and no RSS")
	jsonFile := flags.String("json", "", "file for the result as JSON")
	warmup := flags.Duration("warmup", 2*time.Second, "load before measuring")
	duration := flags.Duration("duration", 5*time.Second, "load while measuring")
	sessions := flags.Int("sessions", 0, "sessions instead of the scenario's")
	topics := flags.Int("topics", 0, "topics instead of the scenario's")
	documents := flags.Int("documents", 0, "different documents instead of the scenario's")
	rate := flags.Float64("rate", 0, "events per second over all topics instead of the scenario's")
	window := flags.Int("window", 0, "events of one topic in flight instead of the scenario's")
	padding := flags.Int("pad", -1, "bytes added to each note instead of the scenario's")
	quiet := flags.Duration("quiet", 0, "quiet before RSS is read instead of the scenario's")
	locals := flags.Int("locals", 16, "how many addresses 127.0.0.2 and up to connect from")
	token := flags.String("token", "", "a token or key that every WebSocket sends in connection_init")
	nap := flags.Duration("nap", 500*time.Microsecond, "let arrivals gather this long between polls, while loading; 0 for not")
	_ = flags.Parse(args) // it exits

	sc, ok := scenarios[*name]
	if !ok {
		return fmt.Errorf("no scenario %q: one of %s", *name, scenarioNames())
	}
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
	if err := sc.validate(); err != nil {
		return err
	}
	if *locals < 1 || *locals > 250 {
		return fmt.Errorf("locals %d: 1 to 250", *locals)
	}
	u, err := url.Parse(*target)
	if err != nil {
		return err
	}
	server, err := netip.ParseAddrPort(u.Host)
	if err != nil || !server.Addr().Is4() || !server.Addr().IsLoopback() {
		return fmt.Errorf("url %s: an IPv4 address on loopback and a port are needed", *target)
	}
	if err := allowFiles(sc.sessions + 100); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)

	publisher, err := newPublisher(*redisURL, sc.padding)
	if err != nil {
		return err
	}
	e, err := newEngine(server, u.RequestURI(), publisher)
	if err != nil {
		return err
	}
	defer e.close()
	e.locals, e.init = *locals, initFrame(*token)
	r := &run{scenario: sc, pid: *pid, warmup: *warmup, duration: *duration, nap: *nap, engine: e}
	if err := r.do(); err != nil {
		return fmt.Errorf("%s: %w", sc.name, err)
	}
	fmt.Println(r.result)
	if e.firstClose != nil {
		fmt.Fprintln(os.Stderr, "loadgen: first session to end:", e.firstClose)
	}
	if *jsonFile == "" {
		return nil
	}
	b, err := json.MarshalIndent(r.result, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*jsonFile, append(b, '\n'), 0o644)
}

func replace[T comparable](value *T, flag, unset T) {
	if flag != unset {
		*value = flag
	}
}

// allowFiles raises the limit of open files as far as n needs and the hard limit lets it.
func allowFiles(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	need := uint64(n)
	if limit.Cur >= need {
		return nil
	}
	limit.Cur, limit.Max = need, max(limit.Max, need)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files are needed (ulimit -n): %w", n, err)
	}
	return nil
}
