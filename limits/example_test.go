package limits_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
)

func Example() {
	book := limits.NewBook(memory.New(memory.Options{}), limits.Options{Node: "gateway-1"})
	account := book.Open("consumer-42/priceChanged", limits.Quota{Events: 2, Window: limits.Day}, limits.Stop)

	for range 3 {
		term, verdict := take(account) // Take, and Wait while that is Pending
		fmt.Println(verdict)
		if verdict == limits.Taken {
			delivered := true // or not, because the client was too slow:
			if !delivered {
				account.Give(term, 1)
			}
		}
	}
	fmt.Println(account.State().Remaining, "left of", account.State().Limit)

	account.Close()
	_ = book.Close(context.Background())
	// Output:
	// taken
	// taken
	// exhausted
	// 0 left of 2
}

func ExampleWindow_Bounds() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	_, start, end := limits.Day.Bounds(time.Date(2026, time.October, 25, 12, 0, 0, 0, berlin), berlin)
	fmt.Println(start, end.Sub(start))
	// Output: 2026-10-25 00:00:00 +0200 CEST 25h0m0s
}

func ExampleBucket() {
	rate := limits.Rate{PerSecond: 50, Burst: 2}
	var pings limits.Bucket
	start := time.Now()
	passed := 0
	for range 10 {
		if pings.Take(rate, time.Since(start)) {
			passed++
		}
	}
	fmt.Println(passed >= 2)
	// Output: true
}

func ExampleBuckets() {
	perAddress := limits.NewBuckets(limits.Rate{PerSecond: 20, Burst: 1}, 10_000)
	fmt.Println(perAddress.Take("192.0.2.1", 0), perAddress.Take("192.0.2.2", 0))
	fmt.Println(perAddress.Take("192.0.2.1", 0))
	// Output:
	// 0s 0s
	// 50ms
}

func ExampleThrottle() {
	rate := limits.Rate{PerSecond: 0.1, Burst: 2}
	requests := limits.NewThrottle(rate, nil, limits.ThrottleOptions{Name: "requests"}) // of this node alone
	for range 3 {
		if wait := requests.Take(context.Background(), "consumer-42"); wait > 0 {
			fmt.Println("come again in", wait.Round(time.Second))
			continue
		}
		fmt.Println("passes")
	}
	// Output:
	// passes
	// passes
	// come again in 10s
}
