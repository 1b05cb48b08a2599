package operation_test

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// oneHistory is for who looks for the cause of a failure. Goroutines meet by chance, so one run of a seed tells little.
var oneHistory = flag.Int64("history", -1, "the seed of the only history that is told, again and again")

// A history is a broker, an engine and clients, to whom things happen by chance: publishing by several, subscribing,
// with a snapshot or not, leaving, coming back with a cursor, be it old, somebody else's or none, reading slowly or at
// once, and time that passes. A model says what each client is to have: everything after its place, once and in order,
// each with the cursor of where it stands then; or an end, where and only where what follows is not all kept any more.
type history struct {
	t      *testing.T
	random *rand.Rand
	broker *memory.Broker
	engine *operation.Engine
	keys   *cursor.Keys
	narrow bool // groups can be overrun
	scale  int  // of what is published at once
	topics []*kept
	steps  []string

	running     sync.WaitGroup // publishers, and clients that leave
	starting    sync.WaitGroup // operations
	publishers  int
	connections []*connection
	listeners   []*listener
	cursors     []given
	places      map[string]map[string]uint64 // offsets of topics, by cursor
	spoil       func(*listener)              // changes what a client has before it is looked at; may be nil
	count       tally
}

// A given is a cursor that a client has got.
type given struct {
	script *script
	text   string
}

// A tally says what histories were about, and how often.
type tally map[string]int

// ordinary is what happens in histories again and again.
var ordinary = []string{
	"results",
	"began",
	"resumed",
	"began with a snapshot",
	"came with what is no cursor of theirs",
	"came when what they had missed was not all kept any more",
	"were told of a gap",
	"were ended as slow",
}

// newHistory makes a history in a bubble.
func newHistory(t *testing.T, seed uint64) *history {
	h := &history{
		t: t, random: rand.New(rand.NewPCG(seed, 13)), scale: 1,
		keys: cursor.NewKeys(), places: make(map[string]map[string]uint64), count: make(tally),
	}
	most, life := 2+h.random.IntN(10), 3*time.Second
	options := operation.Options{Cursors: h.keys, Log: slog.New(slog.DiscardHandler)}
	switch {
	case seed%64 == 0: // pages and turns have ends, too
		h.scale, most = 150, 250+h.random.IntN(1000)
	case seed%3 == 0:
		h.narrow, options.Share.MailboxEvents = true, 1+h.random.IntN(4)
	}
	if seed%5 == 0 {
		options.Share.Replays = 1
	}
	retain := func(string) pubsub.Retention { return pubsub.Retention{Events: most, For: life} }
	options.Retain = retain
	for _, name := range []string{"kept.1", "kept.2", boardTopic, "kept-secret.alice"} {
		h.topics = append(h.topics, &kept{name: name, most: most, life: life})
	}
	notes := &testschema.Notes{LatestOf: h.latest}
	h.broker = memory.NewWith(memory.Options{Retain: retain})
	pool := work.NewPool()
	engine, err := operation.New(testschema.NewWith(notes), h.broker, pool, options)
	if err != nil {
		t.Fatal(err)
	}
	h.engine = engine
	t.Cleanup(func() {
		for _, c := range h.connections {
			c.close()
		}
		h.starting.Wait()
		engine.Close()
		pool.Close()
		_ = h.broker.Close()
	})
	return h
}

// latest is what stands on the board.
func (h *history) latest(string) (*testschema.Message, error) {
	k := h.topic(boardTopic)
	k.board.Lock()
	defer k.board.Unlock()
	if k.shown == "" {
		return nil, nil
	}
	return &testschema.Message{Room: k.name, Text: k.shown}, nil
}

// tell lets a history happen, and then everybody read to the end.
func (h *history) tell(steps int) error {
	for range steps {
		if err := h.act(); err != nil {
			return err
		}
		if h.random.IntN(5) < 2 {
			if err := h.settle(); err != nil {
				return err
			}
		}
	}
	h.note("everybody reads")
	for more := true; more; {
		if err := h.settle(); err != nil {
			return err
		}
		more = false
		for _, c := range h.connections {
			more = c.eager == nil && c.take(1<<20) || more
		}
	}
	for i, l := range h.listeners {
		if !l.done && (l.full || l.checked < len(l.taken)) {
			return fmt.Errorf("in the end listener %d has read %d of %d, and is full: %v", i, l.checked, len(l.taken), l.full)
		}
	}
	for _, c := range h.connections {
		c.close()
	}
	h.starting.Wait()
	if s := h.engine.Stats(); s.Members != 0 || s.Behind != 0 {
		return fmt.Errorf("everybody has left, and %d are members of groups, and %d behind", s.Members, s.Behind)
	}
	return nil
}

// tellHistory runs the history of a seed.
func tellHistory(t *testing.T, seed uint64, spoil func(*history)) (count tally, failure error) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, seed)
		if spoil != nil {
			spoil(h)
		}
		if failure = h.tell(16); failure != nil {
			failure = fmt.Errorf("history %d: %w\n  %s", seed, failure, strings.Join(h.steps, "\n  "))
		}
		count = h.count
	})
	return count, failure
}

func TestInEveryHistoryEachClientHasWhatFollowsItsPlace(t *testing.T) {
	const parts = 2
	var mu sync.Mutex // guards total
	total := make(tally)
	t.Run("parts", func(t *testing.T) {
		for part := range uint64(parts) {
			t.Run(fmt.Sprint(part), func(t *testing.T) {
				t.Parallel()
				for n := part * histories / parts; n < (part+1)*histories/parts; n++ {
					seed := n
					if *oneHistory >= 0 {
						seed = uint64(*oneHistory)
					}
					count, failure := tellHistory(t, seed, nil)
					if failure != nil {
						t.Fatal(failure)
					}
					mu.Lock()
					for what, times := range count {
						total[what] += times
					}
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d histories: %v", histories, total)
	for _, what := range ordinary {
		if total[what] < histories/20 && *oneHistory < 0 && !t.Failed() {
			t.Errorf("%d %s", total[what], what)
		}
	}
}
