package check

import (
	"math/rand/v2"
	"slices"
)

// A spoiler changes a history.
type spoiler struct {
	*rand.Rand
	h *History
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

// of picks one of some indexes, or -1.
func (s *spoiler) of(some []int) int {
	if len(some) == 0 {
		return -1
	}
	return some[s.IntN(len(some))]
}

func add(n *int, by int) bool                       { *n += by; return true }
func (s *spoiler) set(text *string, to string) bool { *text = to; return true }

func cut(c *Client, from, to int) bool {
	c.Entries = slices.Delete(c.Entries, from, to)
	return true
}

func put(c *Client, at int, e Entry) bool {
	c.Entries = slices.Insert(c.Entries, at, e)
	return true
}

func swap(c *Client, i, j int) bool {
	c.Entries[i], c.Entries[j] = c.Entries[j], c.Entries[i]
	return true
}

func (s *spoiler) published(pick func(Publish) bool) (some []int) {
	for i, p := range s.h.Published {
		if pick(p) {
			some = append(some, i)
		}
	}
	return some
}

func (s *spoiler) cutPublish(i int) bool {
	s.h.Published = slices.Delete(s.h.Published, i, i+1)
	return true
}

func (s *spoiler) wasReceived(p Publish) bool { return s.receivedAny(p.Topic, p.ID) }

func (s *spoiler) receivedAny(topic string, id ID) bool {
	return slices.ContainsFunc(s.h.Clients, func(c Client) bool {
		return c.Topic == topic && slices.ContainsFunc(c.Entries, func(e Entry) bool { return e.Kind == Received && e.ID == id })
	})
}

// lastOf is the last publish of the lane of another.
func (s *spoiler) lastOf(i int) int {
	same := s.published(func(p Publish) bool { return p.Topic == s.h.Published[i].Topic && p.Lane == s.h.Published[i].Lane })
	return same[len(same)-1]
}

func (s *spoiler) staysAt(topic string) bool {
	return slices.ContainsFunc(s.h.Clients, func(c Client) bool { return c.Topic == topic && c.Stayed })
}

func (s *spoiler) swapPublished() bool {
	i := s.IntN(len(s.h.Published))
	j := s.lastOf(i)
	s.h.Published[i], s.h.Published[j] = s.h.Published[j], s.h.Published[i]
	return i != j
}

// client tries clients in random order until one can be changed.
func (s *spoiler) client(change func(*Client) bool) bool {
	for _, i := range s.Perm(len(s.h.Clients)) {
		if change(&s.h.Clients[i]) {
			return true
		}
	}
	return false
}

// inside changes a client at an event that has others before and after it, with no gap between.
func (s *spoiler) inside(change func(c *Client, i int) bool) bool {
	return s.client(func(c *Client) bool {
		for _, i := range s.Perm(len(c.Entries)) {
			if c.Entries[i].Kind == Received && s.led(c, i) && s.followed(c, i) {
				kept := slices.Clone(c.Entries)
				if change(c, i) {
					return true
				}
				c.Entries = kept
			}
		}
		return false
	})
}

func (s *spoiler) led(c *Client, i int) bool {
	for i--; i >= 0 && c.Entries[i].Kind == Resumed; i-- {
	}
	return i >= 0 && c.Entries[i].Kind == Received
}

func (s *spoiler) followed(c *Client, i int) bool {
	for i++; i < len(c.Entries) && c.Entries[i].Kind == Resumed; i++ {
	}
	return i < len(c.Entries) && c.Entries[i].Kind == Received
}

// stayed changes a client that stayed at its last event.
func (s *spoiler) stayed(change func(c *Client, i int) bool) bool {
	return s.client(func(c *Client) bool {
		last := len(c.Entries) - 1
		return c.Stayed && c.Entries[last].Kind == Received && change(c, last)
	})
}

func (s *spoiler) mixTopics() bool {
	other := s.h.Clients[s.IntN(len(s.h.Clients))]
	return s.inside(func(c *Client, i int) bool {
		e := other.Entries[len(other.Entries)-1]
		c.Entries[i] = e
		return e.Kind == Received && other.Topic != c.Topic
	})
}

// seenElsewhere reports whether a stream or another client has an event too.
func (s *spoiler) seenElsewhere(c *Client, i int) bool {
	for _, o := range s.h.Clients {
		if o.Name != c.Name && o.Topic == c.Topic && slices.ContainsFunc(o.Entries, func(e Entry) bool { return e.Kind == Received && e.ID == c.Entries[i].ID }) {
			return !s.sentAgain(c.Topic, c.Entries[i].ID)
		}
	}
	return false
}

func (s *spoiler) sentAgain(topic string, id ID) bool {
	return slices.ContainsFunc(s.h.Published, func(p Publish) bool { return p.Topic == topic && p.ID == id && p.Tries > 1 })
}

func (s *spoiler) acknowledged(topic string, id ID) bool {
	return slices.ContainsFunc(s.h.Published, func(p Publish) bool { return p.Topic == topic && p.ID == id && p.Acknowledged })
}

// logged reports whether a log has an event where it was received.
func (s *spoiler) logged(topic string, e Entry) bool {
	return slices.ContainsFunc(s.h.Streams, func(l Stream) bool { return l.Topic == topic && slices.Contains(l.Events, e) })
}

// missed reports whether a client may lack events already: then nobody knows of a gap that it is needless.
func (s *spoiler) missed(c *Client) bool {
	return slices.ContainsFunc(c.Entries, func(e Entry) bool { return e.Kind == Gapped || e.Kind == Joined })
}

// hushGap removes a gap that was needed: a number of the lane that follows it is missing.
func (s *spoiler) hushGap() bool {
	return s.client(func(c *Client) bool {
		for i := range c.Entries {
			if c.Entries[i].Kind != Gapped || i == 0 || c.Entries[i-1].Kind != Received || i+2 >= len(c.Entries) {
				continue
			}
			before, after := c.Entries[i-1], c.Entries[i+2]
			if after.Kind == Received && after.Lane == before.Lane && after.Number > before.Number+1 {
				return cut(c, i, i+1)
			}
		}
		return false
	})
}

func (s *spoiler) stream(least int, change func(l *Stream, i int) bool) bool {
	l := &s.h.Streams[s.IntN(len(s.h.Streams))]
	return len(l.Events) >= least && change(l, s.IntN(len(l.Events)))
}

func cutStream(l *Stream, i int) bool {
	l.Events = slices.Delete(slices.Clone(l.Events), i, i+1)
	return true
}

func (s *spoiler) anyUsage() *Usage { return &s.h.Usage[s.IntN(len(s.h.Usage))] }

func (s *spoiler) swapUsage() bool {
	a, b := s.anyUsage(), s.anyUsage()
	a.Delivered, b.Delivered = b.Delivered, a.Delivered
	return a.Delivered > b.Delivered+b.Unread+a.Unread || b.Delivered > a.Delivered+a.Unread+b.Unread
}
