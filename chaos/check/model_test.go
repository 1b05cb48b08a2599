package check

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A model is a broker with one topic, its publishers and clients, all of which are right.
type model struct {
	*rand.Rand
	topic    string
	epoch    uint64
	log      []Entry // since the epoch began
	kept     int
	next     []int // of each lane, its next number
	clients  []*reader
	sent     []Publish
	tryAgain []Publish // never answered, and lost with the log
}

// A reader is a client and the offset that it has read to.
type reader struct {
	Client
	read uint64
	left bool
}

// history makes what a run without faults in the gateway leaves behind.
func history(seed uint64) History {
	r := rand.New(rand.NewPCG(seed, 1))
	var h History
	for i := range 1 + r.IntN(3) {
		m := &model{Rand: r, topic: fmt.Sprintf("stock.%d", i), epoch: r.Uint64() | 1, kept: 20 + r.IntN(200), next: make([]int, 1+r.IntN(3))}
		m.run()
		h.Published = append(h.Published, m.sent...)
		h.Streams = append(h.Streams, Stream{Topic: m.topic, Events: m.log[m.first()-1:], Kept: m.kept})
		for _, c := range m.clients {
			h.Clients = append(h.Clients, c.Client)
			n, unread := received(c.Client), r.IntN(3)
			h.Usage = append(h.Usage, Usage{Client: c.Name, Delivered: n + r.IntN(unread+1), Unread: unread})
		}
	}
	return h
}

func received(c Client) (n int) {
	for _, e := range c.Entries {
		if e.Kind == Received {
			n++
		}
	}
	return n
}

func (m *model) run() {
	for range 2 + m.IntN(4) {
		m.enter(Began)
	}
	for range 50 + m.IntN(150) {
		switch c := m.clients[m.IntN(len(m.clients))]; m.IntN(20) {
		case 0:
			m.enter(Joined)
		case 1, 2:
			m.resume(c)
		case 3:
			c.left = c.left || m.IntN(4) == 0
		case 4:
			if m.IntN(4) == 0 {
				m.rollback()
			}
		case 5, 6, 7, 8, 9, 10:
			m.publish(false)
		default:
			m.read(c, m.IntN(6))
		}
	}
	for range 2 * len(m.next) {
		for _, c := range m.clients {
			m.read(c, len(m.log))
		}
		m.publish(true)
	}
	for _, c := range m.clients {
		m.read(c, len(m.log))
		c.Stayed = !c.left
	}
}

func (m *model) enter(how Kind) {
	name := fmt.Sprintf("%s client %d", m.topic, len(m.clients))
	c := &reader{Client: Client{Name: name, Topic: m.topic, Entries: []Entry{{Kind: how}}}, read: m.top()}
	m.clients = append(m.clients, c)
}

func (m *model) top() uint64   { return uint64(len(m.log)) }
func (m *model) first() uint64 { return uint64(max(0, len(m.log)-m.kept)) + 1 }

// resume has a client come back with its cursor, or without one when it has none.
func (m *model) resume(c *reader) {
	switch last := c.Entries[len(c.Entries)-1].Kind; {
	case c.left:
	case last != Received && last != Resumed:
		c.Entries, c.read = append(c.Entries, Entry{Kind: Joined}), m.top()
	case c.read+1 < m.first():
		m.gap(c)
	default:
		c.Entries = append(c.Entries, Entry{Kind: Resumed})
	}
}

func (m *model) gap(c *reader) {
	if !c.left {
		c.Entries, c.read = append(c.Entries, Entry{Kind: Gapped}, Entry{Kind: Joined}), m.top()
	}
}

func (m *model) read(c *reader, most int) {
	for ; most > 0 && !c.left && c.read < m.top(); most-- {
		if c.read+1 < m.first() {
			m.gap(c)
			return
		}
		c.Entries = append(c.Entries, m.log[c.read])
		c.read++
	}
}

// publish appends the next event of a lane, or one that has to be sent again. Now and then nobody knows of one.
func (m *model) publish(closing bool) {
	lane := m.IntN(len(m.next))
	if closing {
		lane = len(m.sent) % len(m.next)
	}
	i := slices.IndexFunc(m.tryAgain, func(p Publish) bool { return p.Lane == lane })
	if i >= 0 {
		m.append(m.tryAgain[i].ID)
		m.tryAgain = slices.Delete(m.tryAgain, i, i+1)
		return
	}
	m.next[lane]++
	p := Publish{ID: ID{lane, m.next[lane]}, Topic: m.topic, Acknowledged: closing || m.IntN(20) > 0, Tries: 1 + m.IntN(2), Closing: closing}
	m.sent = append(m.sent, p)
	if p.Acknowledged || m.IntN(2) == 0 {
		m.append(p.ID)
	}
}

func (m *model) append(id ID) {
	at := pubsub.Position{Epoch: m.epoch, Offset: m.top() + 1}
	for i := range at.ID {
		at.ID[i] = byte(m.Uint32())
	}
	m.log = append(m.log, Entry{Kind: Received, ID: id, Position: at})
}

// rollback loses the newest events, and tells everybody. The last of them may not have been answered.
func (m *model) rollback() {
	lost := m.log[len(m.log)-min(len(m.log), m.IntN(8)):]
	m.log = slices.Clone(m.log[:len(m.log)-len(lost)])
	for _, c := range m.clients {
		m.gap(c)
	}
	if len(lost) == 0 || m.IntN(2) == 0 {
		return
	}
	id := lost[len(lost)-1].ID
	for i := range m.sent {
		if p := &m.sent[i]; p.ID == id && p.Number == m.next[p.Lane] {
			p.Tries = 2
			m.tryAgain = append(m.tryAgain, *p)
		}
	}
}
