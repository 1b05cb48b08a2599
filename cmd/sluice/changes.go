package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/store"
	"github.com/sluice-gateway/sluice/store/replication"
)

// checkChanges says what is wrong with the settings of the database's changes.
func (c *Config) checkChanges() error {
	switch mode := c.DatabaseChanges; {
	case mode != "auto" && mode != "on" && mode != "off":
		return fmt.Errorf("database-changes: %q is none of auto, on and off", mode)
	case mode == "on" && !store.IsURL(c.Database):
		return errors.New("database-changes: on needs a postgres:// database: SQLite tells nobody what others change")
	}
	if err := replication.CheckName(c.DatabaseSlot); err != nil {
		return fmt.Errorf("database-slot: %w", err)
	}
	return nil
}

// databaseChanges are what others change in the database. Nil is those that nobody reads.
type databaseChanges struct {
	reader *replication.Reader
	tell   *resolvers.Changes
}

// newDatabaseChanges finds out whether they can be read, and has the store mark its own from then on.
func newDatabaseChanges(ctx context.Context, c *Config, shop *store.Store, broker pubsub.Broker, log *slog.Logger) (*databaseChanges, error) {
	if c.DatabaseChanges == "off" || !store.IsURL(c.Database) {
		return nil, nil
	}
	tell := &resolvers.Changes{Broker: broker}
	reader, err := replication.New(c.Database, tell, replication.Options{Name: c.DatabaseSlot, Log: log})
	if err == nil {
		err = reader.Check(ctx)
	}
	switch {
	case err == nil:
		shop.MarkWrites(c.DatabaseSlot)
		return &databaseChanges{reader, tell}, nil
	case c.DatabaseChanges == "on":
		return nil, fmt.Errorf("database-changes: %w", err)
	}
	log.Warn("what others change in the database reaches no subscriber; --database-changes off says that it need not", "error", err)
	return nil, nil
}

// addTo makes a gateway ready only while a node reads, where the configuration asks for it.
func (d *databaseChanges) addTo(checks map[string]func(context.Context) error, c *Config) {
	if d != nil && c.DatabaseChanges == "on" {
		checks["changes"] = d.check
	}
}

func (d *databaseChanges) check(context.Context) error {
	status := d.reader.Status()
	if status.Reading() {
		return nil
	}
	return errors.New(cmp.Or(status.Reason, "no node has read what others change in the database for 10 s"))
}

// stats says how they are read; nil where nobody reads.
func (d *databaseChanges) stats() *gateway.ChangeStats {
	if d == nil {
		return nil
	}
	s := gateway.ChangeStats(d.reader.Status())
	return &s
}

// run tells the gateway's subscribers and live queries until ctx ends.
func (d *databaseChanges) run(ctx context.Context, g *gateway.Gateway) {
	if d == nil {
		return
	}
	d.tell.Invalidate = g.Invalidate
	d.reader.Run(ctx)
}
