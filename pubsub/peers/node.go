// Package peers lets the nodes of one gateway know of each other, and ask each other.
//
// A node says on the broker every few seconds that it is there, with a state of its own, and hears
// the others say so. It asks all of them, or one, and gathers what they answer; its own answer never
// takes the way over the broker. Presence is what was heard lately: a node that was killed is listed
// until Options.Expire is over, one that closed is gone at once.
//
// Whoever may publish on the broker can pretend to be a node, and can ask. So what is heard is
// bounded in number, size and memory, parsed strictly, and trusted for nothing: a message that is no
// good is counted and passed over. Keep the topics that begin with "_sluice." to the gateway's nodes.
//
// The package does not know what states, questions and answers mean.
package peers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/pubsub"
)

// Errors of questions, tested with errors.Is. Those of a node's handlers are *AnswerError.
var (
	// ErrClosed reports a question after Close, or Close during a question.
	ErrClosed = errors.New("peers: node closed")
	// ErrGone reports that no node of this name is present, or that it left during the question.
	ErrGone = errors.New("peers: no such node is present")
	// ErrSilent reports a node that has not answered in time.
	ErrSilent = errors.New("peers: the node has not answered in time")
	// ErrBusy reports a node with too many questions of this kind at a time; trying again later may help.
	ErrBusy = errors.New("peers: too many questions at a time")
	// ErrUnknown reports a node without a handler for questions of this kind: an older one, perhaps.
	ErrUnknown = errors.New("peers: the node does not know questions of this kind")
	// ErrTooLarge reports a question or an answer of more than MaxBody bytes, or answers that are
	// too much in sum.
	ErrTooLarge = errors.New("peers: too large")
	// ErrInvalid reports a question whose kind is no name.
	ErrInvalid = errors.New("peers: not a name; use up to 64 letters, digits, _ and -")
)

// A Node is this process among its peers. It is safe for concurrent use.
type Node struct {
	broker     pubsub.Broker
	options    Options
	started    time.Time
	complaints complain.Log
	counts     counts

	peers    table
	pending  pending
	nodes    *inbox // announcements
	asked    *inbox // questions of others
	answered *inbox // answers to this node

	listening chan struct{} // closed once every inbox is subscribed
	newcomer  chan struct{} // somebody new was heard, who should hear of this node
	refusals  chan outgoing // answers without a handler's work
	seats     seats         // of handlers that work for others
	ownSeats  seats         // of handlers that work for this node: others cannot take these
	stop      context.CancelFunc
	stopped   <-chan struct{} // closed when Close begins

	mu      sync.Mutex // guards closed, and that nothing is added to running after it
	closed  bool
	running sync.WaitGroup
}

// New returns a node that is about to announce itself. It does not wait for the broker: until that
// can be subscribed, the node is alone, and not heard of. The error is about o.
func New(broker pubsub.Broker, o Options) (*Node, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Node{
		broker: broker, options: o,
		started:   time.Now().UTC().Round(0), // as others read it
		listening: make(chan struct{}),
		newcomer:  make(chan struct{}, 1),
		refusals:  make(chan outgoing, maxRefusals),
		seats:     newSeats(o.Handlers),
		ownSeats:  newSeats(o.Handlers),
		stop:      stop,
		stopped:   ctx.Done(),
	}
	n.nodes = &inbox{topic: nodesTopic, limit: maxAnnouncement, act: n.hearAnnouncement}
	n.asked = &inbox{topic: askTopic, limit: maxMessage, act: n.hearQuestion}
	n.answered = &inbox{topic: answersTopic + o.Node, limit: maxMessage, act: n.hearAnswer}
	for _, i := range n.inboxes() {
		i.queue, i.counts = make(chan []byte, inboxMessages), &n.counts
	}
	n.running.Go(func() { n.listen(ctx) })
	n.running.Go(func() { n.hear(ctx) })
	n.running.Go(func() { n.speak(ctx) })
	return n, nil
}

// seats are those of handlers that work, by kind: one kind of question, of which there are many, takes
// none from another. Who takes one leaves it.
type seats map[string]chan struct{}

func newSeats(handlers map[string]Handler) seats {
	s := make(seats, len(handlers))
	for kind := range handlers {
		s[kind] = make(chan struct{}, maxHandlers)
	}
	return s
}

// Name returns the node's name.
func (n *Node) Name() string { return n.options.Node }

// Close tells the others that this node leaves, ends its open questions with ErrClosed, and waits for
// the goroutines, handlers included; with a broker that hangs, for two seconds. It does not close the
// broker, which must be open for the goodbye. It may be called twice.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.stop()
	n.running.Wait()
	return nil
}

func (n *Node) isClosed() bool {
	select {
	case <-n.stopped:
		return true
	default:
		return false
	}
}

// begin runs f on a goroutine that Close waits for. It reports whether the node is still open.
func (n *Node) begin(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.running.Go(f)
	return true
}

// publish sends a message. When the broker has not taken it within patience, that is unavailable.
func (n *Node) publish(ctx context.Context, patience time.Duration, topic string, message any) error {
	payload, err := encode(message)
	if err != nil {
		return fmt.Errorf("peers: encode a message: %w", err)
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = n.broker.Publish(within, topic, payload)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
	}
	return err
}
