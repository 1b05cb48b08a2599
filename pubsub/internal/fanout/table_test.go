package fanout

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

type tally struct{ n int }

func (t *tally) Receive(*pubsub.Event) { t.n++ }

func TestTheOwnerIsToldOfTheFirstAndTheLast(t *testing.T) {
	for _, topic := range []string{"price.42", "price.*"} {
		var table Table
		one, first := table.Add(topic, new(tally))
		two, second := table.Add(topic, new(tally))
		if !first || second || !table.Has(topic) {
			t.Errorf("%s: first %v, then %v", topic, first, second)
		}
		for range 2 { // the second time must not count
			if one.Remove() {
				t.Errorf("%s: the first of two to leave was called the last", topic)
			}
		}
		if !two.Remove() || table.Has(topic) {
			t.Errorf("%s: the last was not noticed", topic)
		}
	}
}

func TestAnEventFindsItsTopicAndItsPattern(t *testing.T) {
	var table Table
	var exact, pattern, other tally
	table.Add("price.42", &exact)
	table.Add("price.*", &pattern)
	table.Add("stock.*", &other)
	table.Add("price.42.*", &other)
	table.Deliver(&pubsub.Event{Topic: "price.42"})
	table.DeliverTo("price.*", &pubsub.Event{Topic: "price.43"})
	if exact.n != 1 || pattern.n != 2 || other.n != 0 {
		t.Errorf("exact %d, pattern %d, other %d", exact.n, pattern.n, other.n)
	}
}

func TestClearedSeatsAreEmpty(t *testing.T) {
	var table Table
	var r tally
	seat, _ := table.Add("price.42", &r)
	table.Clear()
	table.Deliver(&pubsub.Event{Topic: "price.42"})
	if r.n != 0 || table.Has("price.42") || seat.Remove() {
		t.Error("something is left")
	}
}

func TestSeatsThatLeaveInAnyOrderLeaveTheOthers(t *testing.T) {
	const n = 1000
	var table Table
	receivers, seats := make([]tally, n), make([]*Seat, n)
	for i := range n {
		seats[i], _ = table.Add("t", &receivers[i])
	}
	for i, s := range seats {
		if i%3 != 0 {
			s.Remove()
		}
	}
	table.Deliver(&pubsub.Event{Topic: "t"})
	for i := range receivers {
		if want := map[bool]int{true: 1}[i%3 == 0]; receivers[i].n != want {
			t.Fatalf("receiver %d got %d events, want %d", i, receivers[i].n, want)
		}
	}
}

func TestDeliveringWhileOthersComeAndGo(t *testing.T) {
	var table Table
	var steady tally // one goroutine delivers
	table.Add("t", &steady)
	var churning sync.WaitGroup
	for range 4 {
		churning.Go(func() {
			for range 500 {
				seat, first := table.Add("t", new(ignore))
				if first || seat.Remove() {
					t.Error("the steady one was overlooked")
				}
			}
		})
	}
	for range 500 {
		table.Deliver(&pubsub.Event{Topic: "t"})
	}
	churning.Wait()
	if steady.n != 500 {
		t.Errorf("%d events, want 500", steady.n)
	}
}

type ignore struct{}

func (*ignore) Receive(*pubsub.Event) {}

// One topic with many receivers, and as many topics with one: both must grow linearly.
func BenchmarkAddRemove20000(b *testing.B) {
	for name, topic := range map[string]func(i int) string{
		"one topic":   func(int) string { return "t" },
		"many topics": func(i int) string { return fmt.Sprint("t.", i) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var table Table
				seats := make([]*Seat, 20_000)
				for i := range seats {
					seats[i], _ = table.Add(topic(i), new(ignore))
				}
				for _, s := range seats {
					s.Remove()
				}
			}
		})
	}
}

func BenchmarkDeliver(b *testing.B) {
	for _, receivers := range []int{1, 100, 20_000} {
		b.Run(fmt.Sprint(receivers), func(b *testing.B) {
			var table Table
			for range receivers {
				table.Add("price.42", new(tally))
			}
			e := &pubsub.Event{Topic: "price.42"}
			b.ReportAllocs()
			for b.Loop() {
				table.Deliver(e)
			}
		})
	}
}
