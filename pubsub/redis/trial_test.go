package redis_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// kept is quick, with logs that lose nothing.
var kept = redis.Options{ProbeInterval: 200 * time.Millisecond, Retain: everything}

func everything(topic string) pubsub.Retention {
	if !strings.HasPrefix(topic, "log.") {
		return pubsub.Retention{}
	}
	return pubsub.Retention{Events: 1_000_000, For: time.Hour}
}

// A trial is a replayable topic that is published to and received on two nodes, while something happens.
type trial struct {
	t     *testing.T
	topic string
	nodes [2]*redis.Broker

	at        [2]pubsub.Position
	received  [2]*Recorder
	confirmed [2]map[string]bool // what each node was told to be published
}

func newTrial(t *testing.T, urls ...string) *trial {
	l := &trial{t: t, topic: LogTopic()}
	for i := range l.nodes {
		l.nodes[i] = open(t, urls[i%len(urls)], kept)
		UntilUp(t, l.nodes[i])
		l.received[i] = new(Recorder)
		l.confirmed[i] = make(map[string]bool)
		l.at[i] = Subscribe(t, l.nodes[i], l.topic, l.received[i]).Position()
	}
	return l
}

// during publishes on both nodes while something happens.
func (l *trial) during(happens func()) {
	ctx, stop := context.WithCancel(l.t.Context())
	var publishing sync.WaitGroup
	for i, b := range l.nodes {
		publishing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				text := fmt.Sprintf("%d-%d", i, n)
				if err := b.Publish(l.t.Context(), l.topic, []byte(text)); err == nil {
					l.confirmed[i][text] = true
				}
			}
		})
	}
	happens()
	stop()
	publishing.Wait()
}

// settle waits until both nodes have received one more event.
func (l *trial) settle() {
	l.t.Helper()
	for _, b := range l.nodes {
		UntilUp(l.t, b)
	}
	end := "end " + LogTopic()
	Until(l.t, func() error { return l.nodes[0].Publish(l.t.Context(), l.topic, []byte(end)) })
	for i, r := range l.received {
		Until(l.t, func() error {
			events := r.Events()
			if n := len(events); n == 0 || string(events[n-1].Payload) != end {
				return fmt.Errorf("node %d has not received the last event, but %d others", i, n)
			}
			return nil
		})
	}
}

// check wants everything that was confirmed once, in one order, without a gap.
func (l *trial) check() {
	l.t.Helper()
	l.settle()
	for i, r := range l.received {
		CheckJoined(l.t, l.at[i], r.Events())
		if !slices.Equal(r.Payloads(), l.received[0].Payloads()) {
			l.t.Error("two nodes have different events")
		}
		times := make(map[string]int)
		for _, text := range r.Payloads() {
			times[text]++
			if times[text] > 1 {
				l.t.Errorf("node %d received %s again", i, text)
			}
		}
		for _, confirmed := range l.confirmed {
			for text := range confirmed {
				if times[text] != 1 {
					l.t.Errorf("node %d received %s, which was published, %d times", i, text, times[text])
				}
			}
		}
	}
	l.t.Logf("%d events, %d of them confirmed", len(l.received[0].Events()), len(l.confirmed[0])+len(l.confirmed[1]))
}

// more waits until n more events were received on the first node.
func (l *trial) more(n int) {
	l.t.Helper()
	l.received[0].Await(l.t, len(l.received[0].Events())+n)
}
