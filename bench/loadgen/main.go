// Command loadgen loads a GraphQL server and measures what that costs it: subscriptions over WebSocket or
// SSE, whose events it publishes through Redis; and pages that clients keep true by polling or by @live,
// while it changes what they show by mutations.
//
// It shares two cores with the server, so it is one goroutine over one epoll, reads frames from raw
// sockets and finds revision and send time in the bytes without parsing JSON. It reports its own
// cost beside the server's. Linux only.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if err := allowFiles(o.connections() + 100); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	l, err := newLoop(o.server, o.locals)
	if err != nil {
		return err
	}
	defer l.close()
	measured, err := o.measure(l)
	if err != nil {
		return err
	}
	fmt.Println(measured)
	if l.firstClose != nil {
		fmt.Fprintln(os.Stderr, "loadgen: first session to end:", l.firstClose)
	}
	if o.json == "" {
		return nil
	}
	b, err := json.MarshalIndent(measured, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o644)
}

// measure runs the scenario and gives its result, to print and to write as JSON.
func (o *options) measure(l *loop) (fmt.Stringer, error) {
	if o.pages != nil {
		r := &pageRun{scenario: *o.pages, pid: o.pid, stats: o.stats, warmup: o.warmup, duration: o.duration, nap: o.nap}
		r.crowd = newCrowd(l, o.path, o.key, o.pages.pages)
		measured, err := r.do()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.pages.name, err)
		}
		return measured, nil
	}
	publisher, err := newPublisher(o.redis, o.topics.padding)
	if err != nil {
		return nil, err
	}
	defer publisher.conn.Close()
	r := &run{scenario: *o.topics, pid: o.pid, warmup: o.warmup, duration: o.duration, nap: o.nap}
	r.engine = newEngine(l, o.path, publisher)
	r.engine.init = initFrame(o.token)
	if err := r.do(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.topics.name, err)
	}
	return r.result, nil
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
