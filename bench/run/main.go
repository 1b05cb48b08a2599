// Command run measures Sluice beside the plain gqlgen server and prints the comparison as Markdown.
//
// It builds both servers and the load generator, starts a redis-server on a free port, takes every
// scenario through interleaved rounds, each on a freshly started server, and compares medians.
// Everything listens on loopback; whatever it starts ends with it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	// Children are told to die with the thread that started them: this one has to stay.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	quick := flags.Bool("quick", false, "one round with 3 s of load instead of 5")
	rounds := flags.Int("rounds", 3, "how often every scenario runs on every server")
	duration := flags.Duration("duration", 5*time.Second, "measured load of one run")
	only := flags.String("scenarios", "", "comma-separated scenarios; all when empty")
	which := flags.String("servers", "sluice,peer", "comma-separated servers")
	jsonFile := flags.String("json", "", "file for every single result as JSON")
	_ = flags.Parse(args) // it exits
	if *quick {
		*rounds, *duration = 1, 3*time.Second
	}

	chosen, err := pick(rows, *only, func(r row) string { return r.scenario })
	if err != nil {
		return err
	}
	compared, err := pick(servers, *which, func(s server) string { return s.name })
	if err != nil {
		return err
	}
	// Building, then one run takes 25 s at worst on a server that works; one that hangs is cut.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute+time.Duration(*rounds*len(chosen)*len(compared))*45*time.Second)
	defer cancel()

	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, duration: *duration}
	if compared, err = b.build(ctx, compared); err != nil {
		return err
	}
	results, err := b.measure(ctx, compared, chosen, *rounds)
	if *jsonFile != "" {
		if encoded, err := json.MarshalIndent(results, "", "  "); err == nil {
			if err := os.WriteFile(*jsonFile, append(encoded, '\n'), 0o644); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	fmt.Print(report(results, chosen, *rounds, *duration))
	return nil
}

// pick gives the elements that names lists, in the order of all; all of them when names is empty.
func pick[T any](all []T, names string, name func(T) string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	wanted := strings.Split(names, ",")
	var picked []T
	for _, one := range all {
		if i := slices.Index(wanted, name(one)); i >= 0 {
			picked = append(picked, one)
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("unknown: %s", strings.Join(wanted, ", "))
	}
	return picked, nil
}

// A bench holds what all runs share.
type bench struct {
	dir      string // for binaries and results, removed at the end
	duration time.Duration
}

// build compiles the load generator and the servers. A server whose source is not there is left out.
func (b *bench) build(ctx context.Context, compared []server) ([]server, error) {
	if err := build(ctx, ".", "./loadgen", filepath.Join(b.dir, "loadgen")); err != nil {
		return nil, err
	}
	var built []server
	for _, s := range compared {
		if _, err := os.Stat(filepath.Join(s.module, s.pkg)); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s is left out: %v\n", s.name, err)
			continue
		}
		if err := build(ctx, s.module, s.pkg, filepath.Join(b.dir, s.name)); err != nil {
			return nil, err
		}
		built = append(built, s)
	}
	return built, nil
}

// measure takes every scenario through its rounds, the servers in turn. A run that fails is said and
// left out of the medians; it does not stop the others.
func (b *bench) measure(ctx context.Context, compared []server, chosen []row, rounds int) ([]result, error) {
	redis, redisPort, err := startRedis(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	defer redis.stop()
	var results []result
	for round := range rounds {
		for _, r := range chosen {
			for _, s := range compared {
				res, err := b.once(ctx, s, r.scenario, redisPort)
				if ctx.Err() != nil {
					return results, context.Cause(ctx)
				}
				res.Server, res.Scenario, res.Round = s.name, r.scenario, round+1
				if err != nil {
					res.Failed = err.Error()
					fmt.Fprintf(os.Stderr, "round %d  %-6s %s failed: %v\n", round+1, s.name, r.scenario, err)
				}
				results = append(results, res)
			}
		}
	}
	return results, nil
}

// once runs one scenario on a server of its own.
func (b *bench) once(ctx context.Context, s server, scenario string, redisPort int) (res result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return res, err
	}
	served, err := start(ctx, b.dir, s.name, filepath.Join(b.dir, s.name), s.args(port, redisPort)...)
	if err != nil {
		return res, err
	}
	defer served.stop()
	if err := served.ready(ctx, port); err != nil {
		return res, err
	}
	file := filepath.Join(b.dir, "result.json")
	line, err := output(ctx, filepath.Join(b.dir, "loadgen"),
		"-scenario", scenario,
		"-url", fmt.Sprintf("http://127.0.0.1:%d/graphql", port),
		"-redis", fmt.Sprintf("redis://127.0.0.1:%d", redisPort),
		"-pid", fmt.Sprint(served.pid()),
		"-duration", b.duration.String(),
		"-json", file)
	if err != nil {
		return res, fmt.Errorf("%w%s", err, served.lastWords())
	}
	fmt.Fprintf(os.Stderr, "%-6s %s\n", s.name, line)
	encoded, err := os.ReadFile(file)
	if err != nil {
		return res, err
	}
	return res, json.Unmarshal(encoded, &res)
}
