package operation_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/internal/cursor"
)

// note remembers a step, for who wants to know how it came to a failure.
func (h *history) note(format string, values ...any) {
	h.steps = append(h.steps, fmt.Sprintf(format, values...))
}

// act does something.
func (h *history) act() error {
	switch n := h.random.IntN(20); {
	case n < 5:
		h.publish(h.topics[h.random.IntN(len(h.topics))])
	case n < 7: // to several at once, while clients come back
		h.publish(h.topics[0])
		h.publish(h.topics[1])
		for range h.random.IntN(4) {
			h.comeBack()
		}
	case n < 10:
		h.subscribe(&listener{script: &scripts[h.random.IntN(len(scripts))]})
	case n < 14:
		h.comeBack()
	case n < 16:
		h.leave()
	case n < 19:
		h.read()
	default:
		return h.pass()
	}
	return nil
}

// publish publishes at once, or behind everybody's back: by one publisher, or by two.
func (h *history) publish(k *kept) {
	n := (1 + h.random.IntN(4)) * h.scale
	if h.random.IntN(8) == 0 {
		n += k.most
	}
	if h.random.IntN(2) == 0 {
		h.note("publish %d to %s", n, k.name)
		for range n {
			text := k.next(0)
			k.publish(h.t, h.broker, text)
			if k.tap == nil {
				k.add(text)
			}
		}
		return
	}
	k.listen(h.t, h.broker)
	publishers := 1 + h.random.IntN(2)
	h.note("publish %d to %s meanwhile, by %d", n, k.name, publishers)
	for range publishers {
		h.publishers++
		var texts []string
		for range n {
			texts = append(texts, k.next(h.publishers))
		}
		h.running.Go(func() {
			for _, text := range texts {
				k.publish(h.t, h.broker, text)
			}
		})
	}
}

// subscribe has a client subscribe, on a connection of its own or on one that it has.
func (h *history) subscribe(l *listener) {
	var c *connection
	for _, other := range h.connections {
		if !other.gone && len(other.readers) < 4 && h.random.IntN(5) == 0 {
			c = other
		}
	}
	if c == nil {
		c = h.newConnection([]int{1, 2, 3, 8, 1 << 20}[h.random.IntN(5)], h.random.IntN(3) == 0)
	}
	c.open(h.t, h.engine, l, h.random.IntN(2) == 0)
	h.listeners = append(h.listeners, l)
	at := h.place(l)
	l.late = at != nil && h.lost(l, at)
	switch {
	case l.late:
		h.count["came when what they had missed was not all kept any more"]++
	case l.from == "":
		h.count["began"]++
	}
	h.note("listener %d: %s by %s from %.8q %v, barred %v, too late %v", len(h.listeners)-1, l.script.query, l.script.viewer.Subject, l.from, at, l.barred, l.late)
	if h.random.IntN(2) == 0 && !l.script.begins { // a snapshot waits for room
		l.op.Run(h.t.Context(), l)
		return
	}
	h.starting.Go(func() { l.op.Run(h.t.Context(), l) })
}

// comeBack has a client come with a cursor: mostly its own and the latest.
func (h *history) comeBack() {
	if len(h.cursors) == 0 {
		return
	}
	from := h.cursors[len(h.cursors)-1-int(float64(len(h.cursors))*h.random.Float64()*h.random.Float64())]
	l := &listener{from: from.text}
	for l.script == nil || !from.script.shares(l.script) {
		l.script = &scripts[h.random.IntN(len(scripts))]
	}
	if h.random.IntN(4) == 0 {
		h.bar(l, from)
	}
	h.subscribe(l)
}

// bar makes the cursor of a client one that it may not go on after.
func (h *history) bar(l *listener, from given) {
	l.barred = true
	switch at := h.random.IntN(8); at {
	case 0:
		i := h.random.IntN(len(l.from))
		other := byte('A' + h.random.IntN(26))
		if other == l.from[i] {
			other = '-'
		}
		l.from = l.from[:i] + string(other) + l.from[i+1:]
	case 1:
		l.from = l.from[:h.random.IntN(len(l.from)-1)+1] // cut
		l.barred = l.from != from.text
	case 2:
		l.from = "latest"
	case 3:
		for from.script.shares(l.script) { // another subscription's, or somebody else's
			l.script = &scripts[h.random.IntN(len(scripts))]
		}
	default:
		scope := scopeIn(l.from)
		positions, err := h.keys.Read(l.from, scope, l.script.cursorTopics())
		if err != nil {
			h.t.Error(err)
			return
		}
		keys := h.keys
		switch p := &positions[h.random.IntN(len(positions))]; at {
		case 4:
			p.Epoch ^= 1 // of a log that is gone
		case 5:
			p.Offset += 1000 // after a rollback
		case 6:
			if p.ID[0] ^= 1; p.Offset == 0 {
				p.Epoch ^= 1
			}
		default:
			keys = cursor.NewKeys() // another server's
		}
		l.from = string(keys.Append(nil, scope, l.script.cursorTopics(), positions))
	}
}

// shares reports whether a cursor of one script is good for another one.
func (s *script) shares(other *script) bool {
	if len(s.topics) != len(other.topics) || s.viewer != other.viewer && strings.Contains(s.query, "keptSecret") {
		return false
	}
	return strings.Join(s.topics, " ") == strings.Join(other.topics, " ") ||
		len(s.topics) == 2 && s.topics[0] == other.topics[1] && s.topics[1] == other.topics[0]
}

func (h *history) leave() {
	for i := range h.listeners {
		l := h.listeners[len(h.listeners)-1-i]
		if l.left || l.done || l.conn.gone || h.random.IntN(3) > 0 {
			continue
		}
		l.left = true
		h.note("listener %d leaves", len(h.listeners)-1-i)
		if h.random.IntN(2) == 0 {
			l.leave()
			return
		}
		h.running.Go(l.leave)
		return
	}
}

// read has a client read some of what waits, or all.
func (h *history) read() {
	if len(h.connections) == 0 {
		return
	}
	c := h.connections[h.random.IntN(len(h.connections))]
	if c.eager != nil {
		return
	}
	most := []int{1, 200, 1 << 20}[h.random.IntN(3)]
	h.note("the client of listener %d reads %d bytes", h.index(c.readers[0]), most)
	c.take(most)
}

func (h *history) index(l *listener) int {
	for i, other := range h.listeners {
		if other == l {
			return i
		}
	}
	return -1
}

// pass lets time pass: for a group that nobody needs, or for what is kept, to go.
func (h *history) pass() error {
	if err := h.settle(); err != nil {
		return err
	}
	some := []time.Duration{time.Second, 2500 * time.Millisecond, 3001 * time.Millisecond}[h.random.IntN(3)]
	h.note("%v pass", some)
	time.Sleep(some)
	return h.settle()
}
