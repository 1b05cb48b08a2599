package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/sluice-gateway/sluice/chaos/proxy"
)

// A gateway is one node, with a proxy before it and one between it and Redis.
type gateway struct {
	process
	public, operator string // host:port
	clock            string // the file that says how wrong its clock is
	front, back      *proxy.Proxy
}

// clockVariable names a gateway's file about its clock. Only one that was built for that reads it.
const clockVariable = "CHAOS_CLOCK"

// stats is what is read of a node's own.
type stats struct {
	Members, Starting, Behind int
	BrokerUp                  bool
}

func newGateway(o Options, dir, name, redis string) (*gateway, error) {
	g := new(gateway)
	var err error
	if g.public, err = freeAddress(); err != nil {
		return nil, err
	}
	if g.operator, err = freeAddress(); err != nil {
		return nil, err
	}
	if g.back, err = proxy.Start(redis); err != nil {
		return nil, err
	}
	if g.front, err = proxy.Start(g.public); err != nil {
		g.back.Close()
		return nil, err
	}
	g.clock = filepath.Join(dir, name+".clock")
	g.process = process{name: name, path: o.Gateway, log: filepath.Join(dir, name+".log"), environment: clockVariable + "=" + g.clock, args: []string{
		"--node", name, "--listen", g.public, "--operator-listen", g.operator, "--redis", "redis://" + g.back.Addr(),
		"--config", filepath.Join(dir, configName), "--cursor-key-file", filepath.Join(dir, cursorKeyName), "--retain", o.retain(),
		"--database", filepath.Join(dir, name+".db"), "--usage-spool", filepath.Join(dir, name+"-usage"),
		"--broker-probe", "2s", "--subscribe-timeout", "2s", "--drain-delay", "0s", "--drain-window", "100ms",
		"--log-operations", "off",
	}}
	return g, nil
}

// start returns when it answers.
func (g *gateway) start() error {
	if err := g.process.start(); err != nil {
		return err
	}
	return g.await("/healthz")
}

// await waits until a path of the operators' port says 200.
func (g *gateway) await(path string) error {
	err := poll(startTimeout, func() error {
		answer, err := client.Get("http://" + g.operator + path)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is %d", path, answer.StatusCode)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", g.name, err, g.tail())
	}
	return nil
}

func (g *gateway) stats() (s stats, err error) {
	answer, err := client.Get("http://" + g.operator + "/stats")
	if err != nil {
		return s, err
	}
	defer func() { _ = answer.Body.Close() }()
	return s, json.NewDecoder(answer.Body).Decode(&s)
}

func (g *gateway) close() {
	g.kill()
	g.front.Close()
	g.back.Close()
}

// client asks gateways how they are. It keeps no connection, for what it asks is killed.
var client = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
