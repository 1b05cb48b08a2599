package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
	"github.com/sluice-gateway/sluice/operation"
)

// A till is a sink that counts what it is given.
type till struct {
	mu     sync.Mutex // guards what follows
	events []outbox.Event
	ended  bool
	errs   gqlerror.List
}

func (s *till) Next(e outbox.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return true
}

func (s *till) End(errs gqlerror.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.errs = true, errs
}

func (s *till) Disconnect(operation.Ending) {}

func (s *till) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// code is how it ended; empty: it goes on.
func (s *till) code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		return ""
	}
	return operation.Code(s.errs)
}

func terms(events int64, per limits.Window) limits.Terms {
	return limits.Terms{Quotas: &[]limits.Quota{{Events: events, Window: per}}}
}

func plan(t *testing.T, fields map[string]limits.Terms) *limits.Plans {
	t.Helper()
	plans, err := limits.NewPlans([]*limits.Plan{
		{Name: "paid", Fields: fields},
		{Name: "credit", Fields: fields, Postpaid: true},
	}, "paid", "")
	if err != nil {
		t.Fatal(err)
	}
	return plans
}

// metered runs a test in a bubble, on an engine with plans.
func metered(t *testing.T, fields map[string]limits.Terms, run func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		run(t, newBench(t, operation.Options{Budgets: operation.BudgetOptions{Plans: plan(t, fields)}}))
	})
}

const room1 = `subscription { message(rooms: ["1"]) { text } }`

// watch starts a subscription with a till.
func (b *bench) watch(req operation.Request) *till {
	b.t.Helper()
	op, errs := b.engine.Prepare(b.t.Context(), req)
	if errs != nil {
		b.t.Fatal(errs)
	}
	s := new(till)
	op.Run(b.t.Context(), s)
	b.t.Cleanup(op.Stop)
	synctest.Wait()
	return s
}

func (b *bench) publishMany(n int) {
	b.t.Helper()
	for i := range n {
		b.publish("room.1", message("1", fmt.Sprint(i)))
	}
	synctest.Wait()
}

func TestABudgetIsExactOverAllOperationsOfAConsumer(t *testing.T) {
	metered(t, map[string]limits.Terms{"message": terms(1000, limits.Day)}, func(t *testing.T, b *bench) {
		var tills []*till
		for range 7 {
			tills = append(tills, b.watch(operation.Request{Viewer: alice, Query: room1}), b.watch(operation.Request{Viewer: bob, Query: room1}))
		}
		other := b.watch(operation.Request{Viewer: &auth.Viewer{Consumer: "other"}, Query: room1})
		b.publishMany(200) // for 14 operations of one consumer
		total := 0
		for i, s := range tills {
			total += s.count()
			// One that waits for a lease may be the first to be woken each time, and get all there are.
			if code, n := s.code(), s.count(); code != "BUDGET_EVENTS" && n < 200 {
				t.Errorf("operation %d has ended by %q after %d events", i, code, n)
			}
		}
		if total != 1000 {
			t.Errorf("%d events were delivered, want exactly 1000", total)
		}
		if n := other.count(); n != 200 || other.code() != "" {
			t.Errorf("another consumer got %d and has ended by %q", n, other.code())
		}

		late := b.watch(operation.Request{Viewer: alice, Query: room1})
		if late.code() != "BUDGET_EVENTS" {
			t.Errorf("a new subscription has ended by %q", late.code())
		}
		told := late.errs[0].Extensions
		reset, err := time.Parse(time.RFC3339Nano, told["resetAt"].(string))
		tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		if err != nil || !reset.Equal(tomorrow) || told["limit"] != int64(1000) || told["retryAfterMs"] != time.Until(reset).Milliseconds() {
			t.Errorf("it is told %v, want the reset at %v", told, tomorrow)
		}
		time.Sleep(time.Until(reset) + time.Second)
		next := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(10)
		if next.count() != 10 {
			t.Errorf("on the next day %d events were delivered, want 10: %q", next.count(), next.code())
		}
	})
}

func TestEveryQuotaHolds(t *testing.T) {
	fields := map[string]limits.Terms{"Subscription.message": {Quotas: &[]limits.Quota{
		{Events: 50, Window: limits.Hour}, {Events: 70, Window: limits.Day},
	}}}
	metered(t, fields, func(t *testing.T, b *bench) {
		first := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(60)
		time.Sleep(time.Hour)
		second := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(60)
		if first.count() != 50 || second.count() != 20 {
			t.Errorf("%d and then %d events were delivered, want 50 and 20", first.count(), second.count())
		}
	})
}

func TestStrangersAreCountedByTheirNetwork(t *testing.T) {
	metered(t, map[string]limits.Terms{"message": terms(10, limits.Day)}, func(t *testing.T, b *bench) {
		at := func(address string) operation.Request {
			return operation.Request{Query: room1, Address: netip.MustParseAddr(address)}
		}
		one, same, other := b.watch(at("2001:db8::1")), b.watch(at("2001:db8::2")), b.watch(at("2001:db8:0:1::1"))
		b.publishMany(10)
		if n := one.count() + same.count(); n != 10 || other.count() != 10 {
			t.Errorf("one network got %d and another %d, want 10 each", n, other.count())
		}
	})
}

func TestADurationEndsAnOperationToTheMoment(t *testing.T) {
	hour := time.Hour
	metered(t, map[string]limits.Terms{"message": {Duration: &hour}}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Viewer: alice, Query: room1})
		time.Sleep(time.Hour - time.Millisecond)
		b.publishMany(1)
		if s.count() != 1 || s.code() != "" {
			t.Errorf("before its end it got %d events and %q", s.count(), s.code())
		}
		time.Sleep(2 * time.Millisecond)
		b.publishMany(1)
		if s.count() != 1 || s.code() != "BUDGET_TIME" {
			t.Errorf("after its end it got %d events and %q", s.count(), s.code())
		}
	})
}

func TestARateDropsWhatIsTooMuchAndTellsIt(t *testing.T) {
	rate := 20.0
	metered(t, map[string]limits.Terms{"message": {Rate: &rate}}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(1000)
		if n := s.count(); n != 20 {
			t.Errorf("at once %d events were delivered, want 20", n)
		}
		time.Sleep(time.Minute)
		b.publishMany(1)
		got, dropped := s.count(), uint64(0)
		for _, e := range s.events {
			dropped += e.Dropped
		}
		if uint64(got)+dropped != 1001 {
			t.Errorf("%d events were delivered and %d were told as dropped, of 1001", got, dropped)
		}
		if s.code() != "" {
			t.Errorf("it has ended by %q", s.code())
		}
	})
}

// slowly is a counter that takes its time.
type slowly struct {
	limits.Counter
	mu    sync.Mutex
	takes time.Duration
}

func (s *slowly) set(takes time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = takes
}

func (s *slowly) Lease(ctx context.Context, r limits.Request) (limits.Lease, error) {
	s.mu.Lock()
	takes := s.takes
	s.mu.Unlock()
	time.Sleep(takes) // in a bubble
	return s.Counter.Lease(ctx, r)
}

// A field with a rate and a quota counted all that it lost by the rate.
func TestWhatIsHeldForTooLongIsCountedByWhatItHasWaitedFor(t *testing.T) {
	rate := 1000.0
	quota := &[]limits.Quota{{Events: 1_000_000, Window: limits.Day}}
	for _, c := range []struct {
		name      string
		terms     limits.Terms
		takes     time.Duration // a lease, after the first
		published int           // at once: more than the rate lets pass, or not
		why       analytics.Drop
	}{
		{"for its turn at the rate", limits.Terms{Rate: &rate}, 0, 3000, analytics.DropRate},
		{"for a lease of the quota", limits.Terms{Quotas: quota}, 100 * time.Millisecond, 900, analytics.DropLease},
		{"for a lease, where there is a rate", limits.Terms{Rate: &rate, Quotas: quota}, 100 * time.Millisecond, 900, analytics.DropLease},
		{"for its turn, where there is a quota", limits.Terms{Rate: &rate, Quotas: quota}, 0, 3000, analytics.DropRate},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				counter, recorder := &slowly{Counter: memory.New(memory.Options{})}, analytics.NewRecorder(analytics.Options{})
				book := limits.NewBook(counter, limits.Options{Log: slog.New(slog.DiscardHandler)})
				defer func() { _ = book.Close(context.Background()) }()
				b := newBench(t, operation.Options{Recorder: recorder, Budgets: operation.BudgetOptions{
					Book: book, Plans: plan(t, map[string]limits.Terms{"message": c.terms}),
				}})
				s := b.watch(operation.Request{Viewer: alice, Query: room1})
				counter.set(c.takes)
				for range c.published / 100 {
					b.publishMany(100)
				}
				time.Sleep(time.Minute)
				counter.set(0)
				b.publishMany(1) // and tells what was lost
				lost := recorder.Totals().Dropped
				if want := uint64(c.published + 1 - s.count()); want == 0 || lost[c.why] != want {
					t.Errorf("%d were lost, counted as %v", want, lost)
				}
			})
		})
	}
}

func TestNewPlansHoldFromTheNextEvent(t *testing.T) {
	metered(t, map[string]limits.Terms{"message": terms(1000, limits.Day)}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(10)
		set := func(fields map[string]limits.Terms) error { return b.engine.SetPlans(plan(t, fields)) }
		if err := set(map[string]limits.Terms{"nothing": terms(1, limits.Day)}); err == nil || !strings.Contains(err.Error(), `no field "nothing"`) {
			t.Errorf("a plan of an unknown field: %v", err)
		}
		if err := set(map[string]limits.Terms{"message": terms(15, limits.Day)}); err != nil {
			t.Fatal(err)
		}
		b.publishMany(10)
		if s.count() != 15 || s.code() != "BUDGET_EVENTS" {
			t.Errorf("%d events were delivered under a quota of 15, and it has ended by %q", s.count(), s.code())
		}
		if err := set(map[string]limits.Terms{"message": terms(100, limits.Day)}); err != nil {
			t.Fatal(err)
		}
		more := b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(100)
		if more.count() != 85 {
			t.Errorf("%d more were delivered under a quota of 100, want 85", more.count())
		}
	})
}

func TestNewPlansDropNobody(t *testing.T) {
	metered(t, map[string]limits.Terms{"message": terms(1_000_000, limits.Day)}, func(t *testing.T, b *bench) {
		var tills []*till
		for i := range 1000 {
			viewer := &auth.Viewer{Consumer: fmt.Sprint("consumer-", i%100)}
			tills = append(tills, b.watch(operation.Request{Viewer: viewer, Query: room1}))
		}
		for round := range 5 {
			if err := b.engine.SetPlans(plan(t, map[string]limits.Terms{"message": terms(int64(500_000+round), limits.Day)})); err != nil {
				t.Fatal(err)
			}
			b.publishMany(1)
		}
		if err := b.engine.SetPlans(plan(t, map[string]limits.Terms{"message": terms(60, limits.Day)})); err != nil {
			t.Fatal(err)
		}
		b.publishMany(10)
		got := 0
		for i, s := range tills {
			got += s.count()
			if code := s.code(); code != "BUDGET_EVENTS" {
				t.Errorf("subscription %d has ended by %q", i, code)
			}
		}
		// 5 events for 10 subscriptions of each consumer, and 10 more under the last plan. What was on its
		// way back from a lease of the plan before may be found too late: never too early.
		if got > 100*60 || got < 100*60-100 {
			t.Errorf("%d events were delivered, want %d", got, 100*60)
		}
	})
}

func TestAClientSeesItsBudgetIfItWantsTo(t *testing.T) {
	metered(t, map[string]limits.Terms{"message": terms(100, limits.Day)}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Viewer: alice, Query: room1, Extensions: map[string]any{"budget": true}})
		quiet := b.watch(operation.Request{Viewer: &auth.Viewer{Consumer: "other"}, Query: room1})
		b.publishMany(3)
		var told struct {
			Budget struct {
				Limit, Remaining int64
				ResetAt          time.Time
				Dropped          uint64
			}
		}
		if err := json.Unmarshal([]byte("{"+string(s.events[2].Extensions)+"}"), &told); err != nil {
			t.Fatal(err, string(s.events[2].Extensions))
		}
		if told.Budget.Limit != 100 || told.Budget.Remaining != 97 || told.Budget.ResetAt.IsZero() {
			t.Errorf("it is told %+v", told.Budget)
		}
		if quiet.events[0].Extensions != nil {
			t.Errorf("who did not ask is told %s", quiet.events[0].Extensions)
		}
	})
}

func TestRequestsHaveBudgetsToo(t *testing.T) {
	metered(t, map[string]limits.Terms{"hello": terms(3, limits.Minute)}, func(t *testing.T, b *bench) {
		ask := func(query string) string {
			_, err := b.engine.Do(t.Context(), operation.Request{Viewer: alice, Query: query})
			var errs gqlerror.List
			if errors.As(err, &errs) {
				return operation.Code(errs)
			}
			return ""
		}
		for i, step := range []struct{ query, code string }{
			{`{ a: hello b: hello whoami }`, ""}, // two fields cost two
			{`{ whoami }`, ""},
			{`{ a: hello b: hello whoami }`, "BUDGET_EVENTS"}, // and nothing if one of them is refused
			{`{ hello }`, ""},
			{`{ hello }`, "BUDGET_EVENTS"},
			{`{ whoami }`, ""},
		} {
			if code := ask(step.query); code != step.code {
				t.Errorf("request %d, %s: %q, want %q", i, step.query, code, step.code)
			}
		}
		time.Sleep(time.Minute + time.Second)
		if code := ask(`{ hello }`); code != "" {
			t.Errorf("a minute later: %q", code)
		}
	})
}

// gone is a counter that can be away.
type gone struct {
	limits.Counter
	mu   sync.Mutex
	away bool
}

func (g *gone) set(away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away = away
}

func (g *gone) Lease(ctx context.Context, r limits.Request) (limits.Lease, error) {
	g.mu.Lock()
	away := g.away
	g.mu.Unlock()
	if away {
		return limits.Lease{}, errors.New("connection refused")
	}
	return g.Counter.Lease(ctx, r)
}

func TestWithoutItsCounterThePlanDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counter := &gone{Counter: memory.New(memory.Options{})}
		book := limits.NewBook(counter, limits.Options{Log: slog.New(slog.DiscardHandler)})
		defer func() { _ = book.Close(context.Background()) }()
		b := newBench(t, operation.Options{Budgets: operation.BudgetOptions{
			Book: book, Plans: plan(t, map[string]limits.Terms{"message": terms(1_000_000, limits.Day)}),
		}})
		paid := b.watch(operation.Request{Viewer: &auth.Viewer{Consumer: "p", Plan: "paid"}, Query: room1})
		credit := b.watch(operation.Request{Viewer: &auth.Viewer{Consumer: "c", Plan: "credit"}, Query: room1})
		b.publishMany(10)
		counter.set(true)
		b.publishMany(500)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := paid.count(); n < 10 || n > 10+64 || paid.code() != "BUDGET_UNAVAILABLE" {
			t.Errorf("a prepaid consumer got %d and %q", n, paid.code())
		}
		b.publishMany(10)
		dropped := 0 // until it was clear that the counter is away, more had to wait than may
		for _, e := range credit.events {
			dropped += int(e.Dropped)
		}
		if n := credit.count(); n+dropped != 520 || n < 256+20 || credit.code() != "" {
			t.Errorf("a postpaid consumer got %d, was told of %d dropped, and %q, of 520", n, dropped, credit.code())
		}
	})
}
