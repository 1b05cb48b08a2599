package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/ledger/webhook"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/store"
)

const (
	// usageSweep is how often what was counted is handed to the ledger, which makes batches of it.
	usageSweep = time.Second
	// usageClose is how long the last batch may take; then it stays in the spool, for the next start.
	usageClose = 5 * time.Second
)

// usage is the ledger of what consumers have had. Nil is none.
type usage struct {
	tallies *ledger.Tallies
	ledger  *ledger.Ledger
	store   *ledgerdb.Store
	sender  *webhook.Sender // nil: nobody is told
	folder  string          // to be removed; empty: none
}

// newUsage opens the ledger beside the gateway's data.
func newUsage(ctx context.Context, c *Config, observe observer, log *slog.Logger) (_ *usage, err error) {
	if c.Usage == "off" {
		return nil, nil
	}
	u := new(usage)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("usage: %w", err), u.Close())
		}
	}()
	spool := cmp.Or(c.UsageSpool, spoolFolder(c.Database))
	if spool == "" {
		if spool, err = os.MkdirTemp("", "sluice-usage-"); err != nil {
			return nil, err
		}
		u.folder = spool
	}
	if u.store, err = ledgerdb.Open(ctx, c.Database); err != nil {
		return nil, err
	}
	if u.ledger, err = ledger.Open(timedLedger{u.store, observe}, spool, ledger.Options{Keep: c.UsageKeep.orZero(), Log: log}); err != nil {
		return nil, err
	}
	u.tallies = ledger.NewTallies(u.ledger)
	if c.UsageWebhook == "" {
		return u, nil
	}
	secret, err := readWebhookSecret(c.UsageSecretFile)
	if err != nil {
		return nil, err
	}
	u.sender, err = webhook.New(u.store, c.UsageWebhook, secret, webhook.Options{Private: c.UsagePrivate, Log: log})
	return u, err
}

// spoolFolder is where batches wait for a database; empty: nowhere that lasts.
func spoolFolder(dsn string) string {
	switch {
	case dsn == store.Memory:
		return ""
	case store.IsURL(dsn):
		return "sluice-usage"
	}
	return dsn + "-usage"
}

func readWebhookSecret(path string) ([]byte, error) {
	if path == "" {
		return nil, errors.New("usage-webhook needs usage-webhook-secret-file, with a secret such as whsec_…")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return webhook.ParseSecret(strings.TrimSpace(string(text)))
}

// count is what the gateway counts in; nil where nobody wants to know.
func (u *usage) count() *ledger.Tallies {
	if u == nil {
		return nil
	}
	return u.tallies
}

// addTo has a gateway answer what was had, and what it costs.
func (u *usage) addTo(o *gateway.Options, c *Config) (err error) {
	if u == nil {
		return nil
	}
	o.Usage = u.store
	o.Prices, err = loadPrices(c.file)
	return err
}

// stats says how the ledger is; nil where there is none.
func (u *usage) stats() *gateway.UsageStats {
	if u == nil {
		return nil
	}
	s := &gateway.UsageStats{Health: u.ledger.Health()}
	if u.sender != nil {
		status := u.sender.Status()
		s.Webhook = &status
	}
	return s
}

// full reports whether usage can be kept no more, which is when plans may stop their consumers.
func (u *usage) full() bool { return u != nil && u.ledger.Full() }

// run hands on what was counted, and stops who may have nothing that cannot be kept, until ctx ends.
func (u *usage) run(ctx context.Context, g *gateway.Gateway) {
	if u == nil {
		return
	}
	sweep := time.NewTicker(usageSweep)
	defer sweep.Stop()
	for {
		select {
		case <-sweep.C:
			u.tallies.Sweep()
			g.StopUnrecorded()
		case <-ctx.Done():
			return
		}
	}
}

// tell sends batches to the webhook, if there is one, until ctx ends.
func (u *usage) tell(ctx context.Context) {
	if u != nil && u.sender != nil {
		u.sender.Run(ctx)
	}
}

// Close writes what was counted last, when the gateway has been closed.
func (u *usage) Close() (err error) {
	if u == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), usageClose)
	defer cancel()
	if u.tallies != nil {
		u.tallies.Sweep()
	}
	if u.ledger != nil {
		err = u.ledger.Close(ctx)
	}
	if u.store != nil {
		err = errors.Join(err, u.store.Close())
	}
	if u.folder != "" {
		err = errors.Join(err, os.RemoveAll(u.folder))
	}
	return err
}

// checkUsage says what is wrong with the settings of usage.
func (c *Config) checkUsage() error {
	if c.Usage != "on" && c.Usage != "off" {
		return fmt.Errorf("usage: %q is neither on nor off", c.Usage)
	}
	if c.UsageWebhook != "" && c.UsageSecretFile == "" {
		return errors.New("usage-webhook needs usage-webhook-secret-file, with a secret such as whsec_…")
	}
	return c.checkRecorded()
}
