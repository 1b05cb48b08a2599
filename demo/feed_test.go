package demo

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/store"
)

type call struct {
	query     string
	variables map[string]any
}

// run lets a feed work for some time, which passes at once, and returns what it asked for.
func run(t *testing.T, f Feed, length time.Duration, do func(call) error) (calls []call) {
	t.Helper()
	f.Logger = slog.New(slog.DiscardHandler)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		start := time.Now()
		f.Run(ctx, func(_ context.Context, query string, variables map[string]any) error {
			calls = append(calls, call{query, variables})
			return do(calls[len(calls)-1])
		})
		if took := time.Since(start); took != length {
			t.Errorf("Run returned after %s, and the context ended after %s", took, length)
		}
	})
	return calls
}

func succeed(call) error { return nil }

func TestSomethingChangesEveryInterval(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration
		want     int
	}{
		{"four times a second if nobody says", 0, 40},
		{"as often as one says", time.Second, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Feed{Products: store.Seed(), Interval: c.interval}
			// A little longer, so that the last tick and the end do not race.
			if got := len(run(t, f, 10*time.Second+50*time.Millisecond, succeed)); got != c.want {
				t.Errorf("%d mutations in ten seconds, want %d", got, c.want)
			}
		})
	}
}

func TestTheSameSeedInventsTheSame(t *testing.T) {
	f := Feed{Products: store.Seed(), Seed: 7}
	one, two := run(t, f, time.Minute, succeed), run(t, f, time.Minute, succeed)
	if !reflect.DeepEqual(one, two) {
		t.Error("two runs differ")
	}
}

func TestPricesWanderInSmallStepsWithinBounds(t *testing.T) {
	products := store.Seed()[:3]
	price, anchor := map[string]store.Decimal{}, map[string]store.Decimal{}
	for _, p := range products {
		price[p.ID], anchor[p.ID] = p.Price, p.Price
	}
	run(t, Feed{Products: products}, time.Hour, func(c call) error {
		if c.query != changePrice {
			return nil
		}
		id := c.variables["id"].(string)
		next, err := store.ParseDecimal(c.variables["price"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if step := next - price[id]; step > price[id]/20 || -step > price[id]/20 {
			t.Errorf("the price of %s went from %s to %s", id, price[id], next)
		}
		if next < anchor[id]/2 || next > anchor[id]*2 {
			t.Errorf("the price of %s is %s, and was %s once", id, next, anchor[id])
		}
		price[id] = next
		return nil
	})
}

func TestTheFirstProductsChangeMoreOften(t *testing.T) {
	first, all, seed := 0, 0, store.Seed()
	run(t, Feed{Products: seed}, time.Hour, func(c call) error {
		if id, ok := c.variables["id"].(string); ok {
			all++
			if number, _ := strconv.Atoi(id); number <= len(seed)/8 {
				first++
			}
		}
		return nil
	})
	if first < all*2/5 || first > all*3/5 {
		t.Errorf("%d of %d changes fall on the first eighth, want about half", first, all)
	}
}

func TestAShopWithoutProductsIsQuiet(t *testing.T) {
	if calls := run(t, Feed{}, time.Minute, succeed); len(calls) != 0 {
		t.Errorf("there were %d mutations", len(calls))
	}
}

func TestFailuresDoNotStopTheFeed(t *testing.T) {
	calls := run(t, Feed{Products: store.Seed()}, time.Minute+time.Millisecond, func(call) error { return errors.New("away") })
	if len(calls) != 240 {
		t.Errorf("%d mutations in a minute, want 240", len(calls))
	}
}

// The texts are the API's, and in an hour of trade nothing fails.
func TestTheMutationsAreValid(t *testing.T) {
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	exec := executor.New(graph.NewExecutableSchema(graph.Config{
		Resolvers: &resolvers.Resolver{Store: s, Broker: deaf{}},
	}))
	viewer := auth.WithViewer(t.Context(), &auth.Viewer{Consumer: "demo", Subject: "demo"})
	used := map[string]int{}
	// Outside of the bubble, because a database has goroutines of its own.
	shop := newShop(store.Seed(), Feed{}.randomness())
	for range 2000 {
		c := shop.next()
		ctx := graphql.StartOperationTrace(viewer)
		op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: c.query, Variables: c.variables})
		if errs != nil {
			t.Fatal(errs)
		}
		next, ctx := exec.DispatchOperation(ctx, op)
		if r := next(ctx); r.Errors != nil {
			t.Fatalf("%v: %v", c.variables, r.Errors)
		}
		c.done(nil)
		used[c.query]++
	}
	if len(used) != 3 {
		t.Errorf("only these mutations were used: %v", used)
	}
}

// deaf is a broker that takes every event.
type deaf struct{ pubsub.Broker }

func (deaf) Publish(context.Context, string, []byte) error { return nil }
