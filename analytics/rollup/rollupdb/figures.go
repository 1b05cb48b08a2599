package rollupdb

import (
	"strings"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
)

// figures are the columns of rollup.Counts.
var figures = []string{
	"started", "ended", "refused", "events", "bytes", "failed", "connected_ms",
	"dropped_slow", "dropped_rate", "dropped_lease", "dropped_write", "dropped_decode", "dropped_overrun",
}

// A drop that is new wants a column, by a migration.
var _ = [6]struct{}{} == [analytics.Drops]struct{}{}

// figuresOf are where the figures of c stand, in the order of the columns.
func figuresOf(c *rollup.Counts) []any {
	all := []any{&c.Started, &c.Ended, &c.Refused, &c.Events, &c.Bytes, &c.Failed, &c.ConnectedMillis}
	for i := range c.Dropped {
		all = append(all, &c.Dropped[i])
	}
	return all
}

// each writes a form for every name, with commas between; % stands for the name.
func each(names []string, form string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strings.ReplaceAll(form, "%", name)
	}
	return strings.Join(all, ", ")
}
