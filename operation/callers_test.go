package operation_test

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

var far = netip.MustParseAddr("203.0.113.7")

// asked sends requests and counts those that are not refused; it returns the last refusal, too.
func (b *bench) asked(n int, req operation.Request) (passed int, refused map[string]any) {
	b.t.Helper()
	req.Query = `{ __typename }`
	for range n {
		if _, errs := b.engine.Prepare(b.t.Context(), req); errs == nil {
			passed++
		} else {
			refused = errs[0].Extensions
		}
	}
	return passed, refused
}

func TestRatesOfRequests(t *testing.T) {
	caller := operation.CallerLimits{
		Requests:        limits.Rate{PerSecond: 10, Burst: 20},
		AddressRequests: limits.Rate{PerSecond: 5, Burst: 8},
	}
	sister := &auth.Viewer{Consumer: alice.Consumer, Subject: "another end user"}
	for _, c := range []struct {
		name   string
		req    operation.Request
		burst  int // that pass at once
		second int // that pass after a second more
		limit  string
	}{
		{"a viewer has its own", operation.Request{Viewer: alice}, 20, 10, "request-rate-per-viewer"},
		{"another end user of its consumer has another", operation.Request{Viewer: sister}, 20, 10, "request-rate-per-viewer"},
		{"an address is narrower here", operation.Request{Viewer: alice, Address: far}, 8, 5, "request-rate-per-address"},
		{"anonymous callers have their address", operation.Request{Address: far}, 8, 5, "request-rate-per-address"},
		{"loopback is not counted", operation.Request{Address: netip.MustParseAddr("127.0.0.1")}, 100, 100, ""},
		{"nor in IPv6", operation.Request{Address: netip.MustParseAddr("::1")}, 100, 100, ""},
		{"nor is an address that is not known", operation.Request{}, 100, 100, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, operation.Options{Callers: caller})
				passed, refused := b.asked(c.burst+4, c.req)
				if c.limit == "" { // all pass
					passed -= 4
				}
				if passed != c.burst {
					t.Fatalf("%d requests pass at once, want %d", passed, c.burst)
				}
				if c.limit != "" {
					if refused["code"] != "RATE_LIMITED" || b.engine.Refusals().Counts()[c.limit] != 4 {
						t.Errorf("refused with %v, counted %v", refused, b.engine.Refusals().Counts())
					}
					time.Sleep(time.Duration(refused["retryAfterMs"].(int64)) * time.Millisecond)
					if n, _ := b.asked(1, c.req); n != 1 {
						t.Error("who comes back when told to is refused")
					}
				}
				time.Sleep(time.Second)
				passed, refused = b.asked(c.second+4, c.req)
				if c.limit == "" && refused == nil {
					passed -= 4
				}
				if passed != c.second {
					t.Errorf("%d requests pass a second later, want %d", passed, c.second)
				}
			})
		})
	}
}

func TestTheProgramItselfHasNoRate(t *testing.T) {
	b := newBench(t, operation.Options{Callers: operation.CallerLimits{Requests: limits.Rate{PerSecond: 1, Burst: 1}}})
	for range 10 {
		if _, err := b.engine.Do(t.Context(), operation.Request{Viewer: alice, Query: `{ __typename }`}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARateThatCannotBeStopsTheStart(t *testing.T) {
	_, err := operation.New(testschema.New(), nil, nil, operation.Options{Callers: operation.CallerLimits{Requests: limits.Rate{PerSecond: -1, Burst: 1}}})
	if err == nil {
		t.Error("it starts")
	}
}

// shared are buckets of other nodes, which have used everything up.
type shared struct{ err error }

func (s shared) Take(context.Context, string, limits.Rate) (time.Duration, error) {
	return 2 * time.Second, s.err
}

func TestOtherNodesCount(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		passes bool
	}{
		"what they have passed counts":         {},
		"this node decides if nobody can tell": {errors.New("no route to host"), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, operation.Options{Callers: operation.CallerLimits{Shared: shared{c.err}}})
			_, errs := b.engine.Prepare(t.Context(), operation.Request{Viewer: alice, Query: `{ __typename }`})
			if (errs == nil) != c.passes {
				t.Errorf("refused with %v", errs)
			}
			if errs != nil && errs[0].Extensions["retryAfterMs"] != int64(2000) {
				t.Errorf("told %v", errs[0].Extensions)
			}
		})
	}
}

func TestOperationsOfACallerHaveACap(t *testing.T) {
	plans, err := limits.NewPlans([]*limits.Plan{{Name: "small", Operations: 3, Sessions: 2}, {Name: "free", Operations: math.MaxInt}}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	small := func(subject string) *auth.Viewer {
		return &auth.Viewer{Consumer: "shop", Subject: subject, Plan: "small"}
	}
	for _, c := range []struct {
		name    string
		viewers []*auth.Viewer // of the operations, by turns
		address netip.Addr
		most    int
		limit   string
	}{
		{"one viewer's", []*auth.Viewer{alice}, far, 5, "max-operations-per-viewer"},
		{"each end user's", []*auth.Viewer{alice, {Consumer: alice.Consumer, Subject: "another"}}, far, 10, "max-operations-per-viewer"},
		{"all of a consumer's, by its plan", []*auth.Viewer{small("ann"), small("ben")}, far, 3, "operations of plan small"},
		{"a plan without a limit", []*auth.Viewer{{Consumer: "shop", Plan: "free"}}, far, 20, ""},
		{"strangers have none", []*auth.Viewer{auth.Anonymous}, far, 20, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, operation.Options{
					Callers: operation.CallerLimits{Operations: 5},
					Budgets: operation.BudgetOptions{Plans: plans},
				})
				for round := range 3 { // those that end give up their places
					var ops []*operation.Operation
					running := 0
					for i := range 20 {
						req := operation.Request{Viewer: c.viewers[i%len(c.viewers)], Address: c.address, Query: room1}
						op, errs := b.engine.Prepare(t.Context(), req)
						if errs != nil {
							t.Fatal(errs)
						}
						s := new(till)
						op.Run(t.Context(), s)
						ops = append(ops, op)
						switch code := s.code(); code {
						case "":
							running++
						case "SUBSCRIPTION_LIMIT":
						default:
							t.Fatalf("ended by %q", code)
						}
					}
					if refused := b.engine.Refusals().Counts()[c.limit]; running != c.most || refused != uint64((round+1)*(20-c.most)) {
						t.Errorf("round %d: %d run and %d were refused, want %d and all others", round, running, refused, c.most)
					}
					for _, op := range ops {
						op.Stop()
						op.Stop()
					}
				}
			})
		})
	}
}

func TestPlacesOfOperationsComeBackWhateverEndsThem(t *testing.T) {
	b := newBench(t, operation.Options{Callers: operation.CallerLimits{Operations: 4}})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 200 {
				op, errs := b.engine.Prepare(context.Background(), operation.Request{Viewer: alice, Query: room1})
				if errs != nil {
					t.Error(errs)
					return
				}
				s := new(till)
				var stopping sync.WaitGroup
				if i%2 == 0 { // stopped while it starts
					stopping.Go(op.Stop)
				}
				op.Run(context.Background(), s)
				stopping.Wait()
				op.Stop()
				if code := s.code(); code != "" {
					t.Errorf("ended by %s", code)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestSessionCaps(t *testing.T) {
	plans, err := limits.NewPlans([]*limits.Plan{{Name: "small", Sessions: 2}, {Name: "guest", Sessions: 1}}, "", "guest")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, operation.Options{Callers: operation.CallerLimits{Sessions: 7}, Budgets: operation.BudgetOptions{Plans: plans}})
	for name, c := range map[string]struct {
		viewer *auth.Viewer
		limit  string
		most   int
	}{
		"a viewer's":     {alice, "max-sessions-per-viewer", 7},
		"by its plan":    {&auth.Viewer{Consumer: "shop", Plan: "small"}, "sessions of plan small", 2},
		"of an address,": {auth.Anonymous, "sessions of plan guest", 1},
	} {
		got := b.engine.SessionCap(c.viewer, far)
		if got.Limit != c.limit || got.Most != c.most || got.Whose == "" || strings.Contains(got.Whose, far.String()) {
			t.Errorf("%s: %+v, want %d by %s", name, got, c.most, c.limit)
		}
	}
}

func TestEveryLimitIsCountedByItsName(t *testing.T) {
	b := newBench(t, operation.Options{Query: operation.QueryLimits{Depth: 2, Tokens: 20}})
	for limit, req := range map[string]operation.Request{
		"max-tokens":         {Query: "{" + strings.Repeat(" __typename", 20) + "}"},
		"max-depth":          {Query: `{ __typename ... { a { b { c { d } } } } }`},
		"max-operation-name": {Query: `{ __typename }`, OperationName: strings.Repeat("a", 129)},
		"max-variables":      {Query: `{ __typename }`, Variables: map[string]any{"a": strings.Repeat("a", 33<<10)}},
	} {
		_, errs := b.engine.Prepare(t.Context(), req)
		if n := b.engine.Refusals().Counts()[limit]; errs == nil || n != 1 {
			t.Errorf("%s: counted %d times for %v", limit, n, errs)
		}
	}
	for _, line := range []string{"limit=max-tokens", "limit=max-depth"} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the log has no %s:\n%s", line, b.log)
		}
	}
}
