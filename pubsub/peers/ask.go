package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// awayShare is which part of its time a question leaves to a broker that is away to take it.
const awayShare = 10

// An Answer is what one node has to say to a question.
type Answer struct {
	Node string
	Body []byte
	Err  error // why there is no body: an error of this package, of the broker, or an *AnswerError
}

// An AnswerError says that a node's handler failed.
type AnswerError struct {
	Node string
	Text string // of the handler's error, at most 512 bytes
}

func (e *AnswerError) Error() string { return fmt.Sprintf("peers: node %s: %s", e.Node, e.Text) }

// Ask asks every node that is present, this one included, and returns when all have answered, when
// Options.Timeout is over or when ctx is done. Each of them has an Answer, in order of the names:
// whoever could not be asked, failed, or has not answered by then has an Err. Ask itself fails with
// ErrClosed, with ErrBusy, and for a question that is no good with ErrInvalid or ErrTooLarge.
//
// A node that has missed its latest two announcements, or has not answered a question in all its time and
// was not heard since, was killed, perhaps: it is asked, but not waited for when all others have answered.
//
// While the broker is away, this node's own answer comes all the same, without waiting for others.
// The body must not be changed before Ask returns.
func (n *Node) Ask(ctx context.Context, kind string, body []byte) ([]Answer, error) {
	nodes, overdue := []string{n.options.Node}, make(map[string]bool)
	now := time.Now()
	for _, p := range n.peers.present(now, n.options.Expire) {
		nodes = append(nodes, p.Node)
		if p.silent || now.Sub(p.Seen) >= n.options.overdue() {
			overdue[p.Node] = true
		}
	}
	slices.Sort(nodes)
	return n.gather(ctx, question{Kind: kind, Body: body}, nodes, overdue)
}

// Tell asks one node and returns its answer, or an error that an Answer would have or Ask. A node
// that is not present is ErrGone; one that is overdue is waited for, as there are no others.
func (n *Node) Tell(ctx context.Context, node, kind string, body []byte) ([]byte, error) {
	if node != n.options.Node && !n.peers.has(node, time.Now(), n.options.Expire) {
		return nil, ErrGone
	}
	answers, err := n.gather(ctx, question{To: node, Kind: kind, Body: body}, []string{node}, nil)
	if err != nil {
		return nil, err
	}
	return answers[0].Body, answers[0].Err
}

// gather puts a question to nodes, which are in order, and waits for what they say; for those that are
// overdue, no longer than for the others.
func (n *Node) gather(ctx context.Context, q question, nodes []string, overdue map[string]bool) ([]Answer, error) {
	switch {
	case !isName(q.Kind):
		return nil, fmt.Errorf("%w: kind %q", ErrInvalid, short(q.Kind))
	case len(q.Body) > MaxBody:
		return nil, ErrTooLarge
	case n.isClosed():
		return nil, ErrClosed
	}
	g, err := n.pending.begin(q.Kind, nodes, overdue)
	if err != nil {
		return nil, err
	}
	n.counts.asked.Add(1)
	q.ID, q.From = g.id, n.options.Node
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
	defer cancel()
	self := slices.Contains(nodes, n.options.Node)
	if self {
		defer n.askSelf(q)()
	}
	if !self || len(nodes) > 1 {
		n.askOthers(ctx, g, q)
	}
	return n.await(ctx, g, asked)
}

// askOthers sends the question. When the broker does not take it, nobody need wait for the others.
func (n *Node) askOthers(ctx context.Context, g *gathering, q question) {
	patience := n.options.Timeout
	if !n.broker.Health().Up { // parts of it may work
		patience /= awayShare
	}
	if err := n.publish(ctx, patience, askTopic, q); err != nil && ctx.Err() == nil {
		n.pending.fail(g, n.options.Node, err)
	}
}

func (n *Node) await(ctx context.Context, g *gathering, asked time.Time) ([]Answer, error) {
	select {
	case <-g.complete:
	case <-ctx.Done():
	case <-n.stopped:
	}
	answers, silent := n.pending.end(g)
	if n.isClosed() { // whatever came of it
		return nil, ErrClosed
	}
	n.counts.timeouts.Add(uint64(silent))
	if silent > 0 && time.Since(asked) >= n.options.Timeout { // else its caller was in a hurry
		for _, a := range answers {
			if errors.Is(a.Err, ErrSilent) {
				n.peers.hush(a.Node, asked)
			}
		}
	}
	return answers, nil
}

func (n *Node) hearAnswer(_ context.Context, payload []byte) error {
	a, err := parseAnswer(payload)
	if err != nil {
		return err
	}
	n.peers.unhush(a.Node)
	n.settle(a) // one that comes too late is nobody's fault
	return nil
}

func (n *Node) settle(a answer) {
	if n.pending.settle(a.ID, a.outcome()) {
		n.counts.answered.Add(1)
	}
}
