package transporttest

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// plan gives everybody terms for the prices.
func (b *bench) plan(terms limits.Terms) {
	b.Helper()
	plans, err := limits.NewPlans([]*limits.Plan{{Name: "all", Fields: map[string]limits.Terms{"priceChanged": terms}}}, "all", "")
	if err != nil {
		b.Fatal(err)
	}
	if err := b.Engine.SetPlans(plans); err != nil {
		b.Fatal(err)
	}
}

func budgetOfEvents(t *testing.T, b *bench) {
	b.plan(limits.Terms{Quotas: &[]limits.Quota{{Events: 3, Window: limits.Day}}})
	client := b.client()
	op := b.subscribe(client)
	for i := range 5 {
		b.Publish(i, "")
	}
	for i := range 3 {
		if got := b.price(op); got.Revision != i {
			t.Fatalf("event %d is %+v", i, got)
		}
	}
	end := b.ended(op)
	if code := operation.Code(end.Errors); code != operation.CodeBudgetEvents {
		t.Fatalf("it has ended by %+v", end)
	}
	told := end.Errors[0].Extensions
	if told["limit"] != 3.0 || told["resetAt"] == nil || told["retryAfterMs"] == nil {
		t.Errorf("the client is told %v", told)
	}
	if end := b.ended(client.Start(Prices, One())); operation.Code(end.Errors) != operation.CodeBudgetEvents {
		t.Errorf("a new subscription has ended by %+v", end)
	}
	b.members(0)
	time.Sleep(25 * time.Hour)
	again := b.subscribe(b.client())
	b.Publish(9, "")
	if got := b.price(again); got.Revision != 9 {
		t.Errorf("the next day begins with %+v", got)
	}
}

func budgetOfTime(t *testing.T, b *bench) {
	minute := time.Minute
	b.plan(limits.Terms{Duration: &minute})
	op := b.subscribe(b.client())
	next := reading(op)
	time.Sleep(minute - time.Millisecond)
	b.Publish(1, "")
	if event := <-next; event.Result == nil {
		t.Fatalf("before its time it has ended by %+v", event)
	}
	time.Sleep(2 * time.Millisecond)
	b.Publish(2, "")
	end := b.ended(op)
	if code := operation.Code(end.Errors); code != operation.CodeBudgetTime {
		t.Errorf("it has ended by %+v", end)
	}
}

func rate(t *testing.T, b *bench) {
	ten := 10.0
	b.plan(limits.Terms{Rate: &ten})
	op := b.subscribe(b.client())
	const many = 500
	for i := range many {
		b.Publish(i, "")
	}
	began, got, dropped := time.Now(), 0, 0
	for got+dropped < many {
		var result struct{ Extensions struct{ Dropped int } }
		mustParse(t, (<-reading(op)).Result, &result)
		got, dropped = got+1, dropped+result.Extensions.Dropped
		if may := 10 * (1 + int(time.Since(began)/time.Second)); got > may {
			t.Fatalf("%d events arrived within %v, at a rate of 10", got, time.Since(began))
		}
	}
	if got != 10+256 { // those that may pass at once, and those that are held
		t.Errorf("%d events arrived and %d are told as dropped", got, dropped)
	}
}
