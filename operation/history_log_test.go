package operation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

// A kept is what a history's model knows of a topic: what was published, in its order, and from where on it can be read.
type kept struct {
	name   string
	most   int           // events that can be read
	life   time.Duration // for how long after the latest
	texts  []string      // of the events, by offset - 1
	from   uint64        // the oldest that has not gone with its time
	latest time.Time
	tap    *tap   // hears the order of events whose publishers do not wait for each other; nil: there are none
	spoken int    // events that were given to publishers
	before uint64 // the top when all was quiet last

	board sync.Mutex // held while what the board shows is changed, and published
	shown string
}

// A tap notes what a topic brings.
type tap struct {
	sub  pubsub.Subscription
	mu   sync.Mutex // guards what follows
	came []*pubsub.Event
}

// Receive implements pubsub.Receiver.
func (p *tap) Receive(e *pubsub.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came = append(p.came, e)
}

func (k *kept) top() uint64 { return uint64(len(k.texts)) }

// first is the oldest event that can be read; 0: none can.
func (k *kept) first() uint64 {
	switch n := k.top(); {
	case n == 0 || time.Now().After(k.latest.Add(k.life)):
		return 0
	case n > uint64(k.most):
		return max(k.from, n-uint64(k.most)+1)
	default:
		return k.from
	}
}

// joins reports whether who has everything up to an offset can have what follows.
func (k *kept) joins(offset uint64) bool {
	first := k.first()
	return offset == k.top() || first > 0 && (offset >= first || offset == 0 && first == 1)
}

// offset is that of an event; 0: there is none.
func (k *kept) offset(text string) uint64 {
	for i := len(k.texts); i > 0; i-- {
		if k.texts[i-1] == text {
			return uint64(i)
		}
	}
	return 0
}

// add notes an event that was published now.
func (k *kept) add(text string) {
	if k.first() == 0 {
		k.from = k.top() + 1
	}
	k.texts = append(k.texts, text)
	k.latest = time.Now()
}

// next is the text of an event that nobody has published yet.
func (k *kept) next(publisher int) string {
	k.spoken++
	return fmt.Sprintf("%s/%d/%d", k.name, publisher, k.spoken)
}

// publish publishes to the topic, and writes on its board if it has one.
func (k *kept) publish(t *testing.T, b *memory.Broker, text string) {
	if k.name == boardTopic {
		k.board.Lock()
		defer k.board.Unlock()
		k.shown = text
	}
	if err := b.Publish(context.Background(), k.name, []byte(message(k.name, text))); err != nil {
		t.Error(err)
	}
}

// listen has the order of what is published from now on heard.
func (k *kept) listen(t *testing.T, b *memory.Broker) {
	if k.tap != nil {
		return
	}
	k.tap = new(tap)
	var err error
	if k.tap.sub, err = b.Subscribe(context.Background(), k.name, k.tap); err != nil {
		t.Fatal(err)
	}
}

// settle notes what was published meanwhile. It is an error if that is not what was given to publishers, each of
// whom keeps its order.
func (k *kept) settle() error {
	if k.tap == nil {
		return nil
	}
	k.tap.sub.Close()
	came := k.tap.came
	k.tap = nil
	latest := make(map[int]int) // by publisher
	for _, e := range came {
		var m struct{ Text string }
		if err := json.Unmarshal(e.Payload, &m); err != nil {
			return err
		}
		var publisher, number int
		if _, err := fmt.Sscanf(m.Text[len(k.name):], "/%d/%d", &publisher, &number); err != nil {
			return fmt.Errorf("%q: %w", m.Text, err)
		}
		if number <= latest[publisher] || e.Position.Offset != k.top()+1 {
			return fmt.Errorf("%s has %q at %v, after %d events and %d of its publisher", k.name, m.Text, e.Position, k.top(), latest[publisher])
		}
		latest[publisher] = number
		k.add(m.Text)
	}
	if len(k.texts) != k.spoken {
		return fmt.Errorf("%s has %d events of %d", k.name, len(k.texts), k.spoken)
	}
	return nil
}
