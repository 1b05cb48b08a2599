package memory_test

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
)

func ExampleNew() {
	counter := memory.New(memory.Options{})
	ctx, quota := context.Background(), limits.Quota{Events: 1000, Window: limits.Month}
	lease, err := counter.Lease(ctx, limits.Request{Key: "consumer-42", Quota: quota, Want: 10, ID: "a lease"})
	if err != nil {
		panic(err)
	}
	fmt.Println(lease.Events, lease.Left)
	if err := counter.Return(ctx, "consumer-42", "a lease", 3); err != nil {
		panic(err)
	}
	usage, err := counter.Usage(ctx, "consumer-42", quota)
	if err != nil {
		panic(err)
	}
	fmt.Println(usage.Charged, usage.Returned, usage.Left)
	// Output:
	// 10 990
	// 3 7 997
}
