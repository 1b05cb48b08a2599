package peers

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// All lists the nodes that are present, this one included, in order of their names. The state of this
// node is the one of now, those of the others are as old as Seen says. It asks nobody.
func (n *Node) All() []Peer {
	now := time.Now()
	self := Peer{Node: n.options.Node, Started: n.started, Seen: now, State: n.state(), Self: true}
	list := n.peers.present(now, n.options.Expire)
	at, _ := slices.BinarySearchFunc(list, self, comparePeers)
	return slices.Insert(list, at, self)
}

// state returns what is told of this node, nil when it is no good.
func (n *Node) state() []byte {
	state := n.options.State()
	if len(state) == 0 {
		return nil
	}
	if len(state) > MaxState || !json.Valid(state) {
		n.complaints.Warn(n.options.Log, "the state of this node is too large or no JSON, and is not told", "bytes", len(state))
		return nil
	}
	return state
}

// speak says everything that takes no work: that this node is there, that it does not answer a
// question, and in the end goodbye. It begins once this node can hear the others. An announcement is
// not cut short by Close: it could overtake the goodbye.
func (n *Node) speak(ctx context.Context) {
	select {
	case <-n.listening:
	case <-ctx.Done():
		return
	}
	var last, next time.Time
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-due.C:
			n.announce(ctx)
			last = time.Now()
			next = last.Add(jitter(n.options.Every))
			due.Reset(time.Until(next))
		case <-n.newcomer:
			if soon := last.Add(greetingGap); soon.Before(next) {
				next = soon
				due.Reset(time.Until(next))
			}
		case refusal := <-n.refusals:
			n.send(ctx, refusal)
		case <-ctx.Done():
			n.leave(ctx)
			return
		}
	}
}

func (n *Node) announce(ctx context.Context) {
	a := announcement{Node: n.options.Node, Started: n.started, State: n.state()}
	if err := n.publish(context.WithoutCancel(ctx), publishPatience, nodesTopic, a); err != nil {
		n.complaints.Warn(n.options.Log, "this node cannot tell the others that it is there", "error", err)
	}
}

// leave says goodbye. Where it is not heard, this node expires.
func (n *Node) leave(ctx context.Context) {
	goodbye := announcement{Node: n.options.Node, Started: n.started, Gone: true}
	if err := n.publish(context.WithoutCancel(ctx), publishPatience, nodesTopic, goodbye); err != nil {
		n.options.Log.Debug("this node could not say goodbye to the others", "error", err)
	}
}

func (n *Node) hearAnnouncement(_ context.Context, payload []byte) error {
	a, err := parseAnnouncement(payload)
	if err != nil {
		return err
	}
	switch {
	case a.Node == n.options.Node:
		if !a.Gone && !a.Started.Equal(n.started) {
			n.complaints.Warn(n.options.Log, "another process uses the name of this node: neither sees the other", "node", a.Node)
		}
	case a.Gone:
		if n.peers.remove(a) {
			n.pending.lose(a.Node, ErrGone)
		}
	default:
		n.heard(a)
	}
	return nil
}

func (n *Node) heard(a announcement) {
	newcomer, kept := n.peers.add(a, time.Now(), n.options.Expire)
	if !kept {
		n.counts.dropped.Add(1)
		n.complaints.Warn(n.options.Log, "there are more nodes, or larger states, than this node keeps")
	}
	if newcomer {
		select {
		case n.newcomer <- struct{}{}:
		default:
		}
	}
}
