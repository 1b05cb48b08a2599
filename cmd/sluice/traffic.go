package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/rollup/rollupdb"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/geo"
)

// trafficClose is how long the last sums may take to be written.
const trafficClose = 3 * time.Second

// traffic is what operations have had over time. Nil is none.
type traffic struct {
	store  *rollupdb.Store
	roller atomic.Pointer[rollup.Roller] // nil until begin
}

// newTraffic opens the sums beside the gateway's data.
func newTraffic(ctx context.Context, c *Config) (*traffic, error) {
	if c.Traffic == "off" {
		return nil, nil
	}
	sums, err := rollupdb.Open(ctx, c.Database)
	if err != nil {
		return nil, fmt.Errorf("traffic: %w", err)
	}
	return &traffic{store: sums}, nil
}

// reader is what the API reads; nil where nothing is kept.
func (t *traffic) reader() rollup.Reader {
	if t == nil {
		return nil
	}
	return t.store
}

// begin adds up what a gateway counts, until Close.
func (t *traffic) begin(c *Config, recorder *analytics.Recorder, g *gateway.Gateway, observe observer, log *slog.Logger) {
	if t == nil {
		return
	}
	t.roller.Store(rollup.Start(timedSums{t.store, observe}, recorder, rollup.Options{
		Node:      c.Node,
		Latencies: recorder.Latencies,
		Gauges: func() map[string]int64 {
			gauges := make(map[string]int64)
			for transport, n := range g.Stats().SessionsBy {
				gauges["sessions/"+transport] = int64(n)
			}
			return gauges
		},
		Keep: rollup.Keep{
			Second: time.Duration(c.TrafficSeconds), Minute: time.Duration(c.TrafficMinutes),
			Hour: time.Duration(c.TrafficHours), Day: time.Duration(c.TrafficDays),
		},
		Log: log,
	}))
}

// stats says how the sums are; nil where there are none.
func (t *traffic) stats() *rollup.Health {
	if t == nil || t.roller.Load() == nil {
		return nil
	}
	h := t.roller.Load().Health()
	return &h
}

// Close writes the last sums, when the gateway has been closed.
func (t *traffic) Close() (err error) {
	if t == nil {
		return nil
	}
	if roller := t.roller.Load(); roller != nil {
		ctx, cancel := context.WithTimeout(context.Background(), trafficClose)
		defer cancel()
		err = roller.Close(ctx)
	}
	return errors.Join(err, t.store.Close())
}

// checkTraffic says what is wrong with the settings of traffic.
func (c *Config) checkTraffic() error {
	if c.Traffic != "on" && c.Traffic != "off" {
		return fmt.Errorf("traffic: %q is neither on nor off", c.Traffic)
	}
	return nil
}

// newCountries is what knows the countries of addresses; nil: nobody does.
func newCountries(c *Config) (func(netip.Addr) string, error) {
	if c.Countries == "" {
		return nil, nil
	}
	file, err := geo.Open(c.Countries)
	if err != nil {
		return nil, fmt.Errorf("countries: %w", err)
	}
	return file.Country, nil
}
