package share_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/share"
)

// An echo is an executor whose results are the events.
type echo struct{}

func (echo) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	events, err := pubsub.Stream(ctx, func(payload []byte) (json.RawMessage, error) {
		var text json.RawMessage
		return text, json.Unmarshal(payload, &text)
	})
	if err != nil {
		panic(err)
	}
	return func(context.Context) *graphql.Response { return &graphql.Response{Data: <-events} }, ctx
}

// A reader is a member that takes some events and then has no room, until it is given more.
type reader struct {
	mu     sync.Mutex // guards what follows
	got    []string   // by topic and event
	at     []byte     // the last cursor
	began  []byte     // what At said
	room   int        // -1: always
	full   bool       // it has said that it has none
	gap    *pubsub.GapError
	slow   bool
	lost   map[share.Loss]uint64
	ended  gqlerror.List
	member *share.Membership
}

func (r *reader) Next(e outbox.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.room == 0 {
		r.full = true
		return false
	}
	r.room--
	r.got = append(r.got, e.Key+" "+strings.Trim(string(e.Body), `{}`))
	r.at = e.Origin.Cursor
	return true
}

func (r *reader) At(cursor []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.began, r.at = cursor, cursor
}

func (r *reader) Lose(n uint64, why share.Loss) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost == nil {
		r.lost = make(map[share.Loss]uint64)
	}
	r.lost[why] += n
}

func (r *reader) Gap(gap *pubsub.GapError, slow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gap, r.slow = gap, slow
}

func (r *reader) End(errs gqlerror.List) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = errs
}

// give gives the reader room for n events.
func (r *reader) give(n int) {
	r.mu.Lock()
	r.room = n
	full := r.full
	r.full = false
	r.mu.Unlock()
	if full {
		r.member.Room()
	}
}

func (r *reader) events() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *reader) cursor() share.Place {
	r.mu.Lock()
	defer r.mu.Unlock()
	return placeOf(r.at)
}

// The cursor of a test is its place as JSON.
func cursorOf(at share.Place) []byte {
	text, _ := json.Marshal(at)
	return text
}

func placeOf(cursor []byte) (at share.Place) {
	_ = json.Unmarshal(cursor, &at)
	return at
}

// A stage has a broker that keeps the topics kept.*, and groups.
type stage struct {
	testing.TB
	broker *memory.Broker
	groups *share.Groups
	topics []string
}

func newStage(t testing.TB, retained int, topics ...string) *stage {
	return newStageOf(t, echo{}, retained, topics...)
}

func newStageOf(t testing.TB, exec share.Executor, retained int, topics ...string) *stage {
	s := &stage{TB: t, topics: topics}
	s.broker = memory.NewWith(memory.Options{Retain: func(topic string) pubsub.Retention {
		if !strings.HasPrefix(topic, "kept.") {
			return pubsub.Retention{}
		}
		return pubsub.Retention{Events: retained, For: time.Hour}
	}})
	pool := work.NewPool()
	s.groups = share.NewGroups(exec, s.broker, pool, share.Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { s.groups.Close(); pool.Close(); _ = s.broker.Close() })
	return s
}

func (s *stage) spec() share.Spec {
	return share.Spec{Context: subscription, Topics: s.topics, Root: share.Root{Key: "m"}, Cursor: cursorOf}
}

func (s *stage) join(room int) *reader {
	r := &reader{room: room}
	m, err := s.groups.Join(share.Key{}, s.spec, r)
	if err != nil {
		s.Fatal(err)
	}
	r.member = m
	s.until("it has begun", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.began != nil })
	return r
}

func (s *stage) resume(room int, at share.Place) *reader {
	r := &reader{room: room, at: cursorOf(at)}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := s.groups.Resume(share.Key{}, s.spec, r, at)
	if err != nil {
		s.Fatal(err)
	}
	r.member = m
	return r
}

func (s *stage) publish(topic string, from, to int) {
	for i := from; i <= to; i++ {
		if err := s.broker.Publish(s.Context(), topic, strconv.AppendInt(nil, int64(i), 10)); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *stage) until(what string, true func() bool) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); !true(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("it never came to be that %s", what)
		}
	}
}

// numbers are the events of a topic from one to another.
func numbers(topic string, from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf(`%s "data":%d`, topic, i))
	}
	return all
}

func (s *stage) has(r *reader, want []string) {
	s.Helper()
	s.until(fmt.Sprintf("the reader has %d events", len(want)), func() bool { return len(r.events()) >= len(want) })
	if got := r.events(); !slices.Equal(got, want) {
		s.Errorf("the reader has %d events, want %d: %.200q", len(got), len(want), got)
	}
}

func TestAMemberThatComesBackHasWhatItMissed(t *testing.T) {
	s := newStage(t, 10_000, "kept.1")
	first := s.join(-1)
	s.publish("kept.1", 1, 5)
	s.has(first, numbers("kept.1", 1, 5))
	at := first.cursor()
	first.member.Leave()
	s.publish("kept.1", 6, 1005)
	back := s.resume(-1, at)
	s.publish("kept.1", 1006, 1010)
	s.has(back, numbers("kept.1", 6, 1010))
	s.until("nobody is behind", func() bool { return s.groups.Stats().Behind == 0 })
	s.publish("kept.1", 1011, 1011)
	s.has(back, numbers("kept.1", 6, 1011))
}

func TestAMemberThatReadsSlowlyHasEverythingLater(t *testing.T) {
	s := newStage(t, 10_000, "kept.1")
	quick, slow := s.join(-1), s.join(3)
	s.publish("kept.1", 1, 500)
	s.has(quick, numbers("kept.1", 1, 500))
	s.until("it is behind", func() bool { return s.groups.Stats().Behind == 1 })
	s.has(slow, numbers("kept.1", 1, 3))
	slow.give(100)
	s.has(slow, numbers("kept.1", 1, 103))
	slow.give(-1)
	s.has(slow, numbers("kept.1", 1, 500))
	s.until("nobody is behind", func() bool { return s.groups.Stats().Behind == 0 })
	s.publish("kept.1", 501, 510)
	s.has(slow, numbers("kept.1", 1, 510))
	s.has(quick, numbers("kept.1", 1, 510))
}

func TestMembersAtOnePlaceShareTheCatchingUp(t *testing.T) {
	s := newStage(t, 10_000, "kept.1")
	first := s.join(-1)
	at := first.cursor()
	first.member.Leave()
	s.publish("kept.1", 1, 300)
	s.has(first, first.events())
	members := make([]*reader, 1000)
	for i := range members {
		members[i] = s.resume(-1, at)
	}
	for _, m := range members {
		s.has(m, numbers("kept.1", 1, 300))
	}
	s.until("nobody is behind", func() bool { return s.groups.Stats().Behind == 0 })
	if got := s.groups.Stats().Replayed; got != 300 {
		t.Errorf("%d events were executed for 1,000 members that had missed 300", got)
	}
}

func TestWhoIsBehindTheWindowIsToldSo(t *testing.T) {
	s := newStage(t, 10, "kept.1")
	first := s.join(-1)
	at := first.cursor()
	slow := s.join(0)
	s.publish("kept.1", 1, 50)
	back := s.resume(-1, at)
	s.until("it is told of the gap", func() bool { back.mu.Lock(); defer back.mu.Unlock(); return back.gap != nil })
	if g := back.gap; back.slow || g.First != 41 || g.Top != 50 || len(back.events()) != 0 {
		t.Errorf("%v, slow %v, %d events", g, back.slow, len(back.events()))
	}
	s.until("the slow one is behind", func() bool { return s.groups.Stats().Behind == 1 })
	slow.give(-1)
	s.until("the slow one is told", func() bool { slow.mu.Lock(); defer slow.mu.Unlock(); return slow.gap != nil })
	if !slow.slow || len(slow.events()) != 0 {
		t.Errorf("slow %v, %d events", slow.slow, len(slow.events()))
	}
}

func TestABrokerThatKeepsNothingIsAnError(t *testing.T) {
	s := newStage(t, 10, "fleeting.1")
	begins := &reader{room: -1}
	if _, err := s.groups.Join(share.Key{}, s.spec, begins); err != nil {
		t.Fatal(err)
	}
	comesBack := s.resume(-1, share.Place{{Epoch: 1, Offset: 1}})
	for _, r := range []*reader{begins, comesBack} {
		s.until("it is told", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.ended) > 0 })
		if code := r.ended[0].Extensions["code"]; code != "INTERNAL" {
			t.Errorf("it is told %v", r.ended)
		}
	}
}

func TestSeveralTopicsAreResumedEach(t *testing.T) {
	s := newStage(t, 10_000, "kept.1", "kept.2", "kept.3")
	first := s.join(-1)
	s.publish("kept.1", 1, 3)
	s.publish("kept.3", 1, 2)
	s.until("it has them", func() bool { return len(first.events()) == 5 })
	at := first.cursor()
	first.member.Leave()
	s.publish("kept.2", 1, 2)
	s.publish("kept.1", 4, 5)
	back := s.resume(-1, at)
	s.has(back, append(numbers("kept.2", 1, 2), numbers("kept.1", 4, 5)...))
	s.until("nobody is behind", func() bool { return s.groups.Stats().Behind == 0 })
	s.publish("kept.3", 3, 3)
	s.has(back, append(append(numbers("kept.2", 1, 2), numbers("kept.1", 4, 5)...), numbers("kept.3", 3, 3)...))
}

// TestNothingIsLostWhateverComesBetween lets publishers, slow members and members that come and go meet by
// chance: each has every event after its place, once and in order.
func TestNothingIsLostWhateverComesBetween(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		chance := rand.New(rand.NewPCG(uint64(round), 8))
		s := newStage(t, 100_000, "kept.1", "kept.2")
		const events = 400
		var publishing sync.WaitGroup
		for _, topic := range s.topics {
			publishing.Go(func() { s.publish(topic, 1, events) })
		}
		var reading sync.WaitGroup
		for range 6 {
			seed := chance.Uint64()
			reading.Go(func() { s.wander(seed, events) })
		}
		publishing.Wait()
		reading.Wait()
		s.groups.Close()
	}
}

// wander is a client that begins, reads as slowly as it likes, leaves and comes back, until it has all that
// followed its beginning.
func (s *stage) wander(seed uint64, events int) {
	chance := rand.New(rand.NewPCG(seed, 9))
	r := s.join(chance.IntN(50))
	begun := placeOf(r.began)
	wanted := 0
	for _, at := range begun {
		wanted += events - int(at.Offset)
	}
	var all []string
	for end := time.Now().Add(20 * time.Second); ; {
		if time.Now().After(end) {
			s.Errorf("a reader has %d of %d events", len(all)+len(r.events()), wanted)
			return
		}
		time.Sleep(time.Duration(chance.IntN(300)) * time.Microsecond)
		switch chance.IntN(4) {
		case 0:
			r.member.Leave()
			s.settled(r)
			all = append(all, r.events()...)
			r = s.resume(chance.IntN(50), r.cursor())
		default:
			r.give(chance.IntN(100))
		}
		if len(all)+len(r.events()) >= wanted {
			break
		}
	}
	r.member.Leave()
	s.settled(r)
	all = append(all, r.events()...)
	for i, topic := range s.topics {
		var of []string
		for _, e := range all {
			if strings.HasPrefix(e, topic+" ") {
				of = append(of, e)
			}
		}
		if want := numbers(topic, int(begun[i].Offset)+1, events); !slices.Equal(of, want) {
			s.Errorf("of %s a reader has %d events, want %d", topic, len(of), len(want))
		}
	}
}

// settled waits until no delivery to a reader that has left is under way.
func (s *stage) settled(r *reader) {
	r.mu.Lock()
	r.room = 0
	r.mu.Unlock()
}
