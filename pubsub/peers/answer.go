package peers

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
)

// The codes of answers without a body. A node that does not know a code reads codeFailed.
const (
	codeBusy    = "busy"
	codeUnknown = "unknown"
	codeLarge   = "large"
	codeFailed  = "failed"
)

var codes = map[string]error{codeBusy: ErrBusy, codeUnknown: ErrUnknown, codeLarge: ErrTooLarge}

var errPanic = errors.New("the handler panicked")

// outgoing is an answer on its way to the node that asked.
type outgoing struct {
	to string
	answer
}

// outcome returns what the answer says. It is the same for this node's own and for others'.
func (a answer) outcome() Answer {
	if a.Code == "" {
		return Answer{Node: a.Node, Body: a.Body}
	}
	if err, known := codes[a.Code]; known {
		return Answer{Node: a.Node, Err: err}
	}
	return Answer{Node: a.Node, Err: &AnswerError{Node: a.Node, Text: a.Text}}
}

// reply makes the answer to q.
func (n *Node) reply(q question, body []byte, err error) answer {
	a := answer{ID: q.ID, Node: n.options.Node}
	if err == nil && len(body) > MaxBody {
		err = ErrTooLarge
	}
	if err == nil {
		a.Body = body
		return a
	}
	a.Code, a.Text = codeFailed, cut(err.Error())
	for code, known := range codes {
		if errors.Is(err, known) {
			a.Code, a.Text = code, ""
		}
	}
	return a
}

// askSelf has this node answer its own question: in the same way as it answers others, but for the
// broker, and that it waits for a seat. What it returns cancels that and the handler.
func (n *Node) askSelf(q question) context.CancelFunc {
	// Nothing of the caller's context: a handler that found a viewer there would miss it elsewhere.
	ctx, cancel := context.WithCancel(context.Background())
	q.Body = bytes.Clone(q.Body) // the handler may outlive the question
	if refusal := n.startSelf(ctx, q); refusal != nil {
		n.settle(n.reply(q, nil, refusal))
	}
	return cancel
}

func (n *Node) startSelf(ctx context.Context, q question) error {
	handler := n.options.Handlers[q.Kind]
	if handler == nil {
		return ErrUnknown
	}
	seats := n.ownSeats[q.Kind]
	work := func() {
		select {
		case seats <- struct{}{}:
		case <-ctx.Done(): // the question is over, and this node was silent
			return
		}
		defer func() { <-seats }()
		if ctx.Err() == nil {
			n.settle(n.work(ctx, handler, q))
		}
	}
	if !n.begin(work) {
		return ErrClosed
	}
	return nil
}

func (n *Node) hearQuestion(ctx context.Context, payload []byte) error {
	q, err := parseQuestion(payload)
	if err != nil {
		return err
	}
	if q.From == n.options.Node || (q.To != "" && q.To != n.options.Node) {
		return nil
	}
	refusal := n.take(q, func(h Handler) {
		a := n.work(ctx, h, q)
		n.counts.handled.Add(1)
		if ctx.Err() == nil { // else it was cut short by Close, and the goodbye is the answer
			n.send(ctx, outgoing{to: q.From, answer: a})
		}
	})
	if refusal != nil {
		n.refuse(outgoing{to: q.From, answer: n.reply(q, nil, refusal)})
	}
	return nil
}

// take runs work for another node, on a goroutine, in one of the seats and with the handler of the
// question's kind. It fails where there is none: hear must not wait.
func (n *Node) take(q question, work func(Handler)) error {
	handler, seats := n.options.Handlers[q.Kind], n.seats[q.Kind]
	if handler == nil {
		return ErrUnknown
	}
	select {
	case seats <- struct{}{}:
	default:
		return ErrBusy
	}
	if !n.begin(func() { defer func() { <-seats }(); work(handler) }) {
		<-seats
		return ErrClosed
	}
	return nil
}

// work has the handler answer within the time that a question has.
func (n *Node) work(ctx context.Context, h Handler, q question) answer {
	ctx, cancel := context.WithTimeout(ctx, n.options.Timeout)
	defer cancel()
	body, err := n.call(ctx, h, q)
	return n.reply(q, body, err)
}

// call runs the handler. What it panics about may be a question that was made to: the node lives on.
func (n *Node) call(ctx context.Context, h Handler, q question) (body []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			n.options.Log.Error("a panic ended a question", "kind", q.Kind, "from", q.From, "panic", v, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return h(ctx, q.Body)
}

// refuse leaves it to speak to send an answer: hear must not wait.
func (n *Node) refuse(o outgoing) {
	n.counts.refused.Add(1)
	select {
	case n.refusals <- o:
	default:
		n.counts.dropped.Add(1)
	}
}

func (n *Node) send(ctx context.Context, o outgoing) {
	err := n.publish(ctx, publishPatience, answersTopic+o.to, o.answer)
	if err != nil && ctx.Err() == nil {
		n.complaints.Warn(n.options.Log, "an answer did not reach the node that asked", "node", o.to, "error", err)
	}
}
