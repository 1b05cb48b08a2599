package share

import "github.com/sluice-gateway/sluice/pubsub"

// burst is how many events a group may take from its mailbox before others get their turn.
const burst = 64

// Receive implements pubsub.Receiver: it puts the event into the mailbox.
func (g *Group) Receive(e *pubsub.Event) {
	g.mu.Lock()
	if g.ended || g.ready && !g.feed.Bound() {
		g.mu.Unlock()
		return
	}
	o := &g.groups.options
	if len(g.mailbox) >= o.MailboxEvents || g.waiting > 0 && g.waiting+len(e.Payload) > o.MailboxBytes {
		g.lost++ // the next step tells, or has the members catch up
		g.mu.Unlock()
		g.groups.dropped.Add(1)
		return
	}
	g.mailbox = append(g.mailbox, e)
	g.waiting += len(e.Payload)
	submit := g.ready && !g.busy
	g.busy = g.busy || submit
	g.mu.Unlock()
	if submit {
		g.groups.pool.Submit(g)
	}
}

// Run implements work.Task: it takes a step for each event in the mailbox, a burst of them at most.
func (g *Group) Run() {
	defer g.recoverPanic()
	for steps := 0; steps < burst; {
		events, lost := g.takeMail()
		if len(events) == 0 {
			return
		}
		for i, e := range events {
			if !g.execute(e, lost) {
				return
			}
			events[i], lost = nil, 0
		}
		steps += len(events)
	}
	g.groups.pool.Submit(g)
}

// takeMail empties the mailbox, up to a burst. With nothing in it, the group stops being busy.
func (g *Group) takeMail() (events []*pubsub.Event, lost uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended || len(g.mailbox) == 0 {
		g.busy = false
		if g.taken != g.version {
			g.forgetLocked()
		}
		return nil, 0
	}
	lost, g.lost = g.lost, 0
	events = g.mailbox
	if len(events) > burst {
		events = events[:burst:burst]
	}
	for _, e := range events {
		g.waiting -= len(e.Payload)
	}
	if g.mailbox = g.mailbox[len(events):]; len(g.mailbox) == 0 {
		g.mailbox = nil
	}
	return events, lost
}
