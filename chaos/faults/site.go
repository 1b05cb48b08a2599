// Package faults runs Redis, a replica of it and gateways as processes, with a proxy on every connection
// between them, and harms each in the ways that production does.
//
// A Site owns its processes and goroutines: when Close returns none of them is left. Its methods are for one
// goroutine, but for Gateways and Members.
package faults

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-gateway/sluice/chaos/proxy"
)

const (
	configName    = "sluice.yaml"
	cursorKeyName = "cursor-keys"
)

// Options are what a site is made of. All fields are needed.
type Options struct {
	Gateway string // the program
	Dir     string // a folder for files and logs
	Data    string // a folder for the files of Redis
	Nodes   int
	Key     string // may publish stock.*
	Fsync   string // of Redis' append-only file: always, everysec or no
	Events  int    // how many are kept of a topic; 0: none, the topics are ephemeral
}

// retain is the gateways' flag.
func (o Options) retain() string {
	if o.Events == 0 {
		return "stock.*=off"
	}
	return fmt.Sprintf("stock.*=10m/%d", o.Events)
}

// A Site is one Redis with its replica, and gateways.
type Site struct {
	options  Options
	redis    *redis // the master
	replica  *redis
	lag      *proxy.Proxy // from the replica to the master
	gateways []*gateway
}

// Open starts all of it, and returns when it is ready. What it has started when it fails, Close ends.
func Open(o Options) (*Site, error) {
	s := &Site{options: o}
	for _, step := range []func() error{s.write, s.startRedis, s.startGateways} {
		if err := step(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Site) write() error {
	config := fmt.Sprintf("keys:\n  - {key: %s, consumer: chaos, scopes: [publish], publish: [\"stock.*\"]}\n", s.options.Key)
	if err := os.WriteFile(filepath.Join(s.options.Dir, configName), []byte(config), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.options.Dir, cursorKeyName), []byte("the cursors of a run of chaos\n"), 0o600)
}

func (s *Site) startRedis() (err error) {
	if s.redis, err = newRedis(s.options, "redis-a"); err != nil {
		return err
	}
	if err = s.redis.start(); err != nil {
		return err
	}
	if s.lag, err = proxy.Start(s.redis.addr); err != nil {
		return err
	}
	if s.replica, err = newRedis(s.options, "redis-b"); err != nil {
		return err
	}
	s.replica.of = s.lag.Addr()
	if err = s.replica.start(); err != nil {
		return err
	}
	return s.replica.awaitLink()
}

func (s *Site) startGateways() error {
	for i := range s.options.Nodes {
		g, err := newGateway(s.options, s.options.Dir, fmt.Sprintf("gw-%d", i+1), s.redis.addr)
		if err != nil {
			return err
		}
		s.gateways = append(s.gateways, g)
		if err := g.start(); err != nil {
			return err
		}
	}
	for _, g := range s.gateways {
		if err := g.await("/readyz"); err != nil {
			return err
		}
	}
	return nil
}

// Gateways are where clients connect to, host:port of each.
func (s *Site) Gateways() (all []string) {
	for _, g := range s.gateways {
		all = append(all, g.front.Addr())
	}
	return all
}

// Members is how many subscriptions receive events now, on all nodes. A node that does not answer has none.
func (s *Site) Members() (n int) {
	for _, g := range s.gateways {
		if stats, err := g.stats(); err == nil && stats.Starting == 0 && stats.BrokerUp {
			n += stats.Members - stats.Behind
		}
	}
	return n
}

// Close ends everything. It may be called twice.
func (s *Site) Close() {
	for _, g := range s.gateways {
		g.close()
	}
	if s.lag != nil {
		s.lag.Close()
	}
	for _, r := range []*redis{s.replica, s.redis} {
		if r != nil {
			r.kill()
		}
	}
}
