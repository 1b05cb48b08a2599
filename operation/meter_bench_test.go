package operation_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
	"github.com/sluice-gateway/sluice/operation"
)

// gatherMetered makes members of one group whose consumer has a quota, and leases as large as its
// demand: what is measured is the taking, not the asking for more.
func gatherMetered(t testing.TB, members int) *crowd {
	t.Helper()
	book := limits.NewBook(memory.New(memory.Options{}), limits.Options{MaxBlock: 1 << 20, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = book.Close(context.Background()) })
	plans, err := limits.NewPlans([]*limits.Plan{{
		Name: "paid", Fields: map[string]limits.Terms{"message": terms(limits.MaxEvents, limits.Day)},
	}}, "paid", "")
	if err != nil {
		t.Fatal(err)
	}
	options := operation.Options{Budgets: operation.BudgetOptions{Book: book, Plans: plans}}
	c := gatherWith(t, options, "message", members)
	for range 100 { // until the leases have grown to the demand
		c.publish()
	}
	return c
}

// BenchmarkMeteredFanOut is BenchmarkFanOut for members that have a quota together.
func BenchmarkMeteredFanOut(b *testing.B) {
	gatherMetered(b, 10_000).measure(b)
}
