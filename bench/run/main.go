// Command run measures Sluice beside the plain gqlgen server, and polling beside @live, and prints the
// comparisons as Markdown.
//
// It builds both servers and the load generator, starts a redis-server on a free port, takes every
// scenario through interleaved rounds, each on a freshly started server, and compares medians.
// Everything listens on loopback; whatever it starts ends with it.
package main

import (
	"context"
	"crypto/rand"
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
	duration := flags.Duration("duration", 5*time.Second, "measured load of one run; always "+pageDuration.String()+" where polling is compared with @live")
	only := flags.String("scenarios", "", "comma-separated scenarios; all when empty")
	which := flags.String("servers", "sluice,peer", "comma-separated servers")
	jsonFile := flags.String("json", "", "file for every single result as JSON")
	_ = flags.Parse(args) // it exits
	if *quick {
		*rounds, *duration = 1, 3*time.Second
	}

	chosen, pages, err := choose(*only)
	if err != nil {
		return err
	}
	compared, err := pick(servers, *which, func(s server) string { return s.name })
	if err != nil {
		return err
	}
	// Building, then one run takes 25 s at worst on a server that works; one that hangs is cut.
	runs := *rounds * (len(chosen)*len(compared) + len(pages))
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute+time.Duration(runs)*45*time.Second)
	defer cancel()

	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, key: rand.Text(), config: filepath.Join(dir, "bench.yaml")}
	if err := writeConfig(b.config, b.key); err != nil {
		return err
	}
	if compared, err = b.build(ctx, compared); err != nil {
		return err
	}
	stop, err := b.startRedis(ctx)
	if err != nil {
		return err
	}
	defer stop()
	measured, text := b.compare(ctx, compared, chosen, pages, *rounds, *duration)
	if err := writeJSON(*jsonFile, measured); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fmt.Print(text)
	return nil
}

// choose gives the scenarios that names lists, of both comparisons.
func choose(names string) (chosen []row, pages []pageRow, err error) {
	var all []string
	for _, r := range rows {
		all = append(all, r.scenario)
	}
	for _, r := range pageRows {
		all = append(all, r.scenario)
	}
	picked, err := pick(all, names, func(name string) string { return name })
	if err != nil {
		return nil, nil, err
	}
	others := func(name string) bool { return !slices.Contains(picked, name) }
	chosen = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return others(r.scenario) })
	pages = slices.DeleteFunc(slices.Clone(pageRows), func(r pageRow) bool { return others(r.scenario) })
	return chosen, pages, nil
}

// writeJSON writes every single result, if there is a path to write to.
func writeJSON(path string, measured []any) error {
	if path == "" {
		return nil
	}
	encoded, err := json.MarshalIndent(measured, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(encoded, '\n'), 0o644)
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
