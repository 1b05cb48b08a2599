package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

func TestWhatIsStoppedBeforeItRunsLeavesNothing(t *testing.T) {
	for _, query := range []string{`query @live { metered { text } }`, `subscription { message(rooms: ["1"]) { text } }`} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, operation.Options{})
			for range 100 {
				op, errs := b.engine.Prepare(t.Context(), operation.Request{Viewer: alice, Query: query, Extensions: map[string]any{"budget": true}})
				if errs != nil {
					t.Fatal(errs)
				}
				op.Stop()
				op.Run(t.Context(), new(till))
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := b.engine.BudgetStats().Accounts; n != 0 {
				t.Errorf("%s: %d accounts are left open", query, n)
			}
			if s := b.engine.LiveStats(); s.Members+s.Groups != 0 {
				t.Errorf("%s: %+v", query, s)
			}
		})
	}
}

func TestARunOfALiveQueryIsNotFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, operation.Options{})
		for i, code := range []string{"", "", "BUDGET_EVENTS"} {
			op, errs := b.engine.Prepare(t.Context(), operation.Request{Viewer: alice, Query: `query @live { metered { text } }`})
			if errs != nil {
				t.Fatal(errs)
			}
			s := new(till)
			op.Run(t.Context(), s)
			if s.code() != code {
				t.Errorf("the query number %d has ended by %q, want %q", i, s.code(), code)
			}
			op.Stop() // before the result is there, or after
		}
	})
}

func TestQueriesThatDifferALittleInTheirThrottleAreOne(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		for _, throttle := range []string{"1001", "1500", "2000", "9223372036854775807"} {
			b.watch(operation.Request{Viewer: alice, Query: `query ($t: Int) @live(throttle: $t) { hello }`, Variables: map[string]any{"t": json.Number(throttle)}})
		}
		if n := b.engine.LiveStats().Groups; n != 2 {
			t.Errorf("they are %d groups, want 2", n)
		}
	})
}

func TestThereAreOnlySoManyLiveQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, operation.Options{Live: operation.LiveOptions{Most: 2}})
		for i, want := range []string{"", "", "SUBSCRIPTION_LIMIT"} {
			s := b.watch(operation.Request{Viewer: alice, Query: `query @live { hello(name: "` + strings.Repeat("x", i) + `") }`})
			if s.code() != want {
				t.Errorf("number %d has ended by %q, want %q", i, s.code(), want)
			}
		}
		if n := b.engine.Refusals().Counts()["max-live-queries"]; n != 1 {
			t.Errorf("%d refusals are counted", n)
		}
	})
}

// quietBroker is a broker on which nothing can be published while it is mute.
type quietBroker struct {
	*memory.Broker
	mu   sync.Mutex
	mute bool
}

func (q *quietBroker) Publish(ctx context.Context, topic string, payload []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mute {
		return pubsub.ErrUnavailable
	}
	return q.Broker.Publish(ctx, topic, payload)
}

func TestAChangeWhoseEventCouldNotBeSentIsSeenHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker, pool, notes := &quietBroker{Broker: memory.New()}, work.NewPool(), new(testschema.Notes)
		engine, err := operation.New(testschema.NewWith(notes), broker, pool, operation.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			engine.Close()
			pool.Close()
			_ = broker.Close()
		}()
		b := &bench{t: t, engine: engine, notes: notes}
		notes.Set("1", "old")
		s := b.watch(operation.Request{Query: `query @live { note(id: 1) { text } }`})
		time.Sleep(2 * time.Second)
		broker.mu.Lock()
		broker.mute = true
		broker.mu.Unlock()
		if _, err := engine.Do(t.Context(), operation.Request{Viewer: alice, Query: `mutation { announce(ids: ["1"], text: "new") { ids } }`}); err != nil && !errors.Is(err, pubsub.ErrUnavailable) {
			t.Fatal(err)
		}
		synctest.Wait()
		if bodies := s.bodies(); len(bodies) != 2 || !strings.Contains(bodies[1], "new") {
			t.Errorf("it was sent %s", bodies)
		}
	})
}

// A crate is a sink whose outbox is written by hand.
type crate struct {
	box   *outbox.Outbox
	place outbox.Stream
}

func (c *crate) Ready()                   {}
func (c *crate) Urge(int) bool            { return false }
func (c *crate) Slow() bool               { return true }
func (c *crate) Next(e outbox.Event) bool { return c.box.Offer(&c.place, e) != outbox.Full }

func (c *crate) AppendFrame(dst, _, body, _ []byte) []byte { return append(append(dst, body...), '\n') }

// A crateSink is a crate as a Sink.
type crateSink struct{ *crate }

func (crateSink) End(gqlerror.List)           {}
func (crateSink) Disconnect(operation.Ending) {}

func TestAResultThatFoundNoRoomIsOfferedAgain(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		c := &crate{}
		c.box = outbox.New(c, &outbox.Limits{Events: 10, Bytes: 100}, c)
		other := &outbox.Stream{Overflow: outbox.Latest}
		c.box.Offer(other, outbox.Event{Body: []byte(strings.Repeat("x", 90)), Key: "other"})
		op := b.prepare(nil, `query @live { note(id: 1) { text } }`, "")
		op.Configure(c.box, &c.place)
		op.Run(t.Context(), crateSink{c})
		defer op.Stop()
		synctest.Wait()
		text, _ := c.box.Take(nil, 1<<20)
		if strings.Contains(string(text), "one") {
			t.Fatalf("there was room: %s", text)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if text, _ = c.box.Take(nil, 1<<20); !strings.Contains(string(text), `"text":"one"`) {
			t.Errorf("the result never came: %q", text)
		}
	})
}
