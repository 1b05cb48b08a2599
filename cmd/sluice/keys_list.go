package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
)

func (k *keysCommand) list(ctx context.Context, args []string) error {
	f := k.flagSet("list")
	consumer := f.String("consumer", "", "list only the keys of this `application`")
	if err := k.parse(f, args); err != nil {
		return err
	}
	return k.with(ctx, func(_ *Config, m *keys.Manager) error {
		table := tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tCONSUMER\tSCOPES\tPLAN\tCREATED\tEXPIRES\tSTATE")
		query := keys.Query{Consumer: *consumer, Limit: keys.MaxList}
		for {
			page, err := m.List(ctx, query)
			if err != nil {
				return err
			}
			for i := range page {
				fmt.Fprintln(table, keyRow(&page[i], time.Now()))
			}
			if len(page) < query.Limit {
				return table.Flush()
			}
			query.After = page[len(page)-1].ID
		}
	})
}

func keyRow(k *keys.Key, now time.Time) string {
	expires := "never"
	if !k.Expires.IsZero() {
		expires = k.Expires.Format(time.RFC3339)
	}
	return strings.Join([]string{
		k.ID, k.Name, k.Consumer, cmp.Or(strings.Join(k.Scopes, ","), "-"), cmp.Or(k.Plan, "-"),
		k.Created.Format(time.RFC3339), expires, keyState(k, now),
	}, "\t")
}

func keyState(k *keys.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case k.ExpiredAt(now):
		return "expired"
	case now.Before(k.Previous.Until):
		return "rotating until " + k.Previous.Until.Format(time.RFC3339)
	}
	return "good"
}
