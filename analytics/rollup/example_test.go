package rollup_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/rollup/rollupdb"
)

func ExampleStart() {
	ctx := context.Background()
	store, err := rollupdb.Open(ctx, ":memory:")
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	recorder := analytics.NewRecorder(analytics.Options{})
	roller := rollup.Start(store, recorder, rollup.Options{})
	for range 3 {
		recorder.Refused(analytics.Labels{Consumer: "shop"}, "COST_LIMIT")
	}
	if err := roller.Close(ctx); err != nil {
		panic(err)
	}

	now := time.Now()
	lately := rollup.Query{Step: rollup.Minute, From: now.Add(-time.Hour), To: now}
	top, err := store.Top(ctx, lately, rollup.ByConsumer, rollup.OfRefusals, 10)
	if err != nil {
		panic(err)
	}
	for _, row := range top {
		fmt.Println(row.Labels.Consumer, row.Refused)
	}
	// Output: shop 3
}
