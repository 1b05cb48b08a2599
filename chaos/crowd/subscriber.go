package crowd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

const (
	firstPause = 50 * time.Millisecond
	longest    = 2 * time.Second
)

// A subscriber is an application with one subscription. It keeps its cursor with what it has done, as an
// application does that wants each event once.
type subscriber struct {
	*Crowd
	*rand.Rand
	name, topic, product, transport string

	dawdles bool
	diary   diary
	cursor  string // of the last event, or of where the subscription begins; empty: it has none
}

func newSubscriber(c *Crowd, i int, transport string) *subscriber {
	product := 1 + i%c.options.Topics
	return &subscriber{
		Crowd: c, Rand: c.rng(uint64(i)), name: fmt.Sprintf("subscriber %d", i), topic: topicOf(product), product: fmt.Sprint(product),
		transport: transport,
		dawdles:   c.options.Dawdlers > 0 && i%c.options.Dawdlers == 0,
	}
}

// run connects, to any gateway, until the context is over. Whoever is refused waits longer each time.
func (s *subscriber) run(ctx context.Context) {
	for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longest) {
		before := s.diary.count()
		s.visit(ctx, s.options.Gateways[s.IntN(len(s.options.Gateways))])
		if s.diary.count() > before {
			pause = firstPause
		}
		wait(ctx, pause/2+time.Duration(s.Int64N(int64(pause))))
	}
}

// begin says how the next subscription continues the last.
func (s *subscriber) begin() (resume any) {
	switch {
	case s.cursor != "":
		s.diary.write(check.Entry{Kind: check.Resumed})
		return s.cursor
	case s.loaded.Load():
		s.diary.write(check.Entry{Kind: check.Joined})
	default:
		s.diary.write(check.Entry{Kind: check.Began})
	}
	return true
}

// take does what an application does with an event, and keeps the cursor with it.
func (s *subscriber) take(id check.ID, cursor string) {
	s.diary.write(check.Entry{Kind: check.Received, ID: id, Position: position(cursor)})
	s.cursor = cursor
}

// gap is what an application does that is told of one: it reads its state anew, and goes on from now.
func (s *subscriber) gap() {
	s.diary.write(check.Entry{Kind: check.Gapped})
	s.cursor = ""
}

// dawdle is the time that a slow one needs for an event.
func (s *subscriber) dawdle(ctx context.Context) {
	if s.dawdles && s.IntN(100) == 0 {
		wait(ctx, time.Duration(s.Int64N(int64(2*time.Second))))
	}
}
