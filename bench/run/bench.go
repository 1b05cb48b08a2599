package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A bench holds what all runs share.
type bench struct {
	dir    string // for binaries, databases and results, removed at the end
	redis  int    // port
	key    string // an API key that may change prices
	config string // file that says so
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

// startRedis starts the Redis of all runs. stop ends it.
func (b *bench) startRedis(ctx context.Context) (stop func(), err error) {
	redis, port, err := startRedis(ctx, b.dir)
	if err != nil {
		return nil, err
	}
	b.redis = port
	return redis.stop, nil
}

// compare runs what was chosen of both comparisons, and gives every single result, and the reports.
func (b *bench) compare(ctx context.Context, compared []server, chosen []row, pages []pageRow, rounds int, duration time.Duration) (measured []any, text string) {
	if len(chosen) > 0 {
		results := b.measure(ctx, compared, chosen, rounds, duration)
		for _, r := range results {
			measured = append(measured, r)
		}
		text = report(results, chosen, rounds, duration) + "\n"
	}
	shop := slices.IndexFunc(compared, func(s server) bool { return s.pages })
	if len(pages) > 0 && shop >= 0 {
		results := b.measurePages(ctx, compared[shop], pages, rounds)
		for _, r := range results {
			measured = append(measured, r)
		}
		text += pageReport(results, pages, rounds)
	}
	return measured, text
}

// measure takes every scenario through its rounds, the servers in turn. A run that fails is said and
// left out of the medians; it does not stop the others. When ctx ends, so does measuring.
func (b *bench) measure(ctx context.Context, compared []server, chosen []row, rounds int, duration time.Duration) (results []result) {
	for round := range rounds {
		for _, r := range chosen {
			for _, s := range compared {
				var res result
				err := b.once(ctx, s, run{scenario: r.scenario, duration: duration, database: ":memory:"}, &res)
				if ctx.Err() != nil {
					return results
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
	return results
}

// measurePages does the same for polling and @live on one server. Each run has a new database in a file,
// as gateways have by default: all queries of one in memory share a connection.
func (b *bench) measurePages(ctx context.Context, s server, chosen []pageRow, rounds int) (results []pageResult) {
	for round := range rounds {
		for _, r := range chosen {
			var res pageResult
			database := filepath.Join(b.dir, fmt.Sprintf("%s-%d.db", r.scenario, round))
			err := b.once(ctx, s, run{scenario: r.scenario, duration: pageDuration, config: b.config, database: database}, &res)
			if ctx.Err() != nil {
				return results
			}
			res.Scenario, res.Round = r.scenario, round+1
			if err != nil {
				res.Failed = err.Error()
				fmt.Fprintf(os.Stderr, "round %d  %-6s %s failed: %v\n", round+1, s.name, r.scenario, err)
			}
			results = append(results, res)
		}
	}
	return results
}

// A run is one scenario on a server of its own.
type run struct {
	scenario string
	duration time.Duration
	config   string // of the server; empty: none
	database string
}

// once makes one run and reads into what it measured.
func (b *bench) once(ctx context.Context, s server, r run, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	at := place{redis: b.redis, config: r.config, database: r.database}
	var err error
	if at.port, err = freePort(); err != nil {
		return err
	}
	if at.operator, err = freePort(); err != nil {
		return err
	}
	served, err := start(ctx, b.dir, s.name, filepath.Join(b.dir, s.name), s.args(at)...)
	if err != nil {
		return err
	}
	defer served.stop()
	if err := served.ready(ctx, at.port); err != nil {
		return err
	}
	file := filepath.Join(b.dir, "result.json")
	line, err := output(ctx, filepath.Join(b.dir, "loadgen"),
		"-scenario", r.scenario,
		"-url", fmt.Sprintf("http://127.0.0.1:%d/graphql", at.port),
		"-stats", fmt.Sprintf("http://127.0.0.1:%d/stats", at.operator),
		"-redis", redisURL(b.redis),
		"-key", b.key,
		"-pid", fmt.Sprint(served.pid()),
		"-duration", r.duration.String(),
		"-json", file)
	if err != nil {
		return fmt.Errorf("%w%s", err, served.lastWords())
	}
	fmt.Fprintf(os.Stderr, "%-6s %s\n", s.name, line)
	encoded, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(encoded, into)
}
