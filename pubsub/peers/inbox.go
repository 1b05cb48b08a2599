package peers

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// inboxMessages and inboxBytes are how much waits in an inbox. What is more is dropped: an
	// announcement comes again, and a question or an answer is missed by who waits for it.
	inboxMessages = 1024
	inboxBytes    = 16 << 20

	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// An inbox takes the messages of one topic until the node has the time. There is one for each topic,
// so that a flood on one leaves room on the others.
type inbox struct {
	topic  string
	limit  int                                             // of one message, in bytes
	act    func(ctx context.Context, payload []byte) error // does not wait; its error is errMalformed
	queue  chan []byte
	bytes  atomic.Int64 // of what is in queue
	counts *counts
}

// Receive implements pubsub.Receiver.
func (i *inbox) Receive(e *pubsub.Event) {
	size := len(e.Payload)
	if size > i.limit {
		i.counts.malformed.Add(1)
		return
	}
	if i.bytes.Add(int64(size)) > inboxBytes {
		i.drop(size)
		return
	}
	select {
	case i.queue <- e.Payload:
	default:
		i.drop(size)
	}
}

func (i *inbox) drop(size int) {
	i.bytes.Add(-int64(size))
	i.counts.dropped.Add(1)
}

// inboxes lists them as they are subscribed: a node that hears of others hears what they answer.
func (n *Node) inboxes() []*inbox { return []*inbox{n.answered, n.asked, n.nodes} }

// listen subscribes the inboxes until ctx is done.
func (n *Node) listen(ctx context.Context) {
	for _, i := range n.inboxes() {
		s := n.subscribe(ctx, i)
		if s == nil {
			return
		}
		defer s.Close()
	}
	close(n.listening)
	<-ctx.Done()
}

// subscribe tries until it succeeds. It returns nil when that has become pointless.
func (n *Node) subscribe(ctx context.Context, i *inbox) pubsub.Subscription {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		s, err := n.trySubscribe(ctx, i)
		if err == nil {
			return s
		}
		if ctx.Err() != nil || errors.Is(err, pubsub.ErrClosed) {
			return nil
		}
		n.complaints.Warn(n.options.Log, "this node does not know of the others until the broker is back", "error", err)
		if !pause(ctx, jitter(wait)) {
			return nil
		}
	}
}

func (n *Node) trySubscribe(ctx context.Context, i *inbox) (pubsub.Subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, subscribePatience)
	defer cancel()
	return n.broker.Subscribe(ctx, i.topic, i)
}

// hear acts on what is in the inboxes until ctx is done.
func (n *Node) hear(ctx context.Context) {
	for {
		select {
		case payload := <-n.nodes.queue:
			n.act(ctx, n.nodes, payload)
		case payload := <-n.asked.queue:
			n.act(ctx, n.asked, payload)
		case payload := <-n.answered.queue:
			n.act(ctx, n.answered, payload)
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) act(ctx context.Context, i *inbox, payload []byte) {
	i.bytes.Add(-int64(len(payload)))
	if err := i.act(ctx, payload); err != nil {
		n.counts.malformed.Add(1)
		n.complaints.Warn(n.options.Log, "a message among the nodes was not understood", "topic", i.topic, "bytes", len(payload))
	}
}

// pause waits, and reports whether ctx is still open.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter moves a duration by up to 10 % either way, so that nodes do not act together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}
