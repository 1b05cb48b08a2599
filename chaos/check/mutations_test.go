package check

import "slices"

// mutations spoil a history; spoil says false of one that cannot be spoilt so.
var mutations = []struct {
	name    string
	spoil   func(*spoiler) bool
	warning bool // it is found as a warning
}{
	{name: "publishers: an event is dropped", spoil: func(s *spoiler) bool {
		i := s.of(s.published(func(p Publish) bool { return p.Acknowledged && s.wasReceived(p) }))
		return i >= 0 && s.cutPublish(i)
	}},
	{name: "publishers: an event stands twice", spoil: func(s *spoiler) bool {
		i := s.IntN(len(s.h.Published))
		s.h.Published = slices.Insert(s.h.Published, i, s.h.Published[i])
		return true
	}},
	{name: "publishers: an event stands again at the end", spoil: func(s *spoiler) bool {
		s.h.Published = append(s.h.Published, s.h.Published[s.IntN(len(s.h.Published))])
		return true
	}},
	{name: "publishers: two events are swapped", spoil: (*spoiler).swapPublished},
	{name: "publishers: an event has another topic", spoil: func(s *spoiler) bool {
		i := s.of(s.published(s.wasReceived))
		return i >= 0 && s.set(&s.h.Published[i].Topic, "stock.elsewhere")
	}},
	{name: "publishers: an event has another lane", spoil: func(s *spoiler) bool {
		i := s.of(s.published(s.wasReceived))
		return i >= 0 && add(&s.h.Published[i].Lane, 100)
	}},
	{name: "publishers: an event has another number", spoil: func(s *spoiler) bool {
		i := s.of(s.published(s.wasReceived))
		return i >= 0 && add(&s.h.Published[i].Number, 10_000)
	}},
	{name: "publishers: one more was acknowledged", spoil: func(s *spoiler) bool {
		last := s.h.Published[s.lastOf(s.IntN(len(s.h.Published)))]
		last.Number++
		s.h.Published = append(s.h.Published, last)
		return s.staysAt(last.Topic)
	}},

	{name: "client: an event is dropped", spoil: func(s *spoiler) bool { return s.inside(func(c *Client, i int) bool { return cut(c, i, i+1) }) }},
	{name: "client: the first event is dropped", spoil: func(s *spoiler) bool {
		return s.client(func(c *Client) bool {
			return c.Stayed && c.Entries[0].Kind == Began && len(c.Entries) > 1 && c.Entries[1].Kind == Received && s.followed(c, 1) && s.acknowledged(c.Topic, c.Entries[1].ID) && cut(c, 1, 2)
		})
	}},
	{name: "client: the last event is dropped", spoil: func(s *spoiler) bool { return s.stayed(func(c *Client, i int) bool { return cut(c, i, i+1) }) }},
	{name: "client: it hears nothing from a moment on", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return c.Stayed && cut(c, i, len(c.Entries)) })
	}},
	{name: "client: the event after it resumed is dropped", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return c.Entries[i-1].Kind == Resumed && cut(c, i, i+1) })
	}},
	{name: "client: an event comes twice", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return put(c, i, c.Entries[i]) })
	}},
	{name: "client: an event comes again after it resumed", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool {
			return c.Entries[i-1].Kind == Resumed && c.Entries[i-2].Kind == Received && put(c, i, c.Entries[i-2])
		})
	}},
	{name: "client: an event comes again at the end", spoil: func(s *spoiler) bool {
		return s.stayed(func(c *Client, i int) bool { return put(c, i+1, c.Entries[i]) })
	}},
	{name: "client: two events are swapped", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return c.Entries[i+1].Kind == Received && swap(c, i, i+1) })
	}},
	{name: "client: the numbers of two events are swapped", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool {
			a, b := &c.Entries[i], &c.Entries[i+1]
			a.ID, b.ID = b.ID, a.ID
			return b.Kind == Received
		})
	}},
	{name: "client: an event has a number of nobody", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return add(&c.Entries[i].Number, 10_000) })
	}},
	{name: "client: an event has a lane of nobody", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { return add(&c.Entries[i].Lane, 100) })
	}},
	{name: "client: an event is of another topic", spoil: (*spoiler).mixTopics},
	{name: "client: an event is at another offset", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { c.Entries[i].Position.Offset += 1 + s.Uint64N(5); return true })
	}},
	{name: "client: an event is in another epoch", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { c.Entries[i].Position.Epoch++; return true })
	}},
	{name: "client: an event has another id", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { c.Entries[i].Position.ID[s.IntN(12)]++; return s.seenElsewhere(c, i) })
	}},
	{name: "client: an event has no position", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { c.Entries[i].Position = place{}; return true })
	}},
	{name: "client: a gap was needed and is not told", spoil: (*spoiler).hushGap},
	{name: "client: it comes back without its cursor and loses events", spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool { c.Entries[i] = Entry{Kind: Joined}; return true })
	}},
	{name: "client: a gap is told where nothing is lost", warning: true, spoil: func(s *spoiler) bool {
		return s.inside(func(c *Client, i int) bool {
			return c.Stayed && s.logged(c.Topic, c.Entries[i-1]) && !s.missed(c) && put(c, i, Entry{Kind: Gapped})
		})
	}},
	{name: "client: there are two of one name", spoil: func(s *spoiler) bool {
		s.h.Clients = append(s.h.Clients, s.h.Clients[s.IntN(len(s.h.Clients))])
		return true
	}},

	{name: "stream: an event is dropped", spoil: func(s *spoiler) bool {
		return s.stream(3, func(l *Stream, i int) bool { return cutStream(l, 1+i%(len(l.Events)-2)) })
	}},
	{name: "stream: the first event is dropped", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, _ int) bool { return cutStream(l, 0) })
	}},
	{name: "stream: the last event is dropped", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, _ int) bool { return cutStream(l, len(l.Events)-1) })
	}},
	{name: "stream: an event is there twice", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, i int) bool {
			l.Events = slices.Insert(slices.Clone(l.Events), i, l.Events[i])
			return true
		})
	}},
	{name: "stream: two events are swapped", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, i int) bool {
			j := (i + 1) % len(l.Events)
			l.Events = slices.Clone(l.Events)
			l.Events[i], l.Events[j] = l.Events[j], l.Events[i]
			return true
		})
	}},
	{name: "stream: an event has a number of nobody", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, i int) bool {
			l.Events = slices.Clone(l.Events)
			return add(&l.Events[i].Number, 10_000)
		})
	}},
	{name: "stream: an event has the number of another", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, i int) bool {
			l.Events = slices.Clone(l.Events)
			l.Events[i].ID = l.Events[(i+1)%len(l.Events)].ID
			return true
		})
	}},
	{name: "stream: an event has another id", spoil: func(s *spoiler) bool {
		return s.stream(2, func(l *Stream, i int) bool {
			l.Events = slices.Clone(l.Events)
			l.Events[i].Position.ID[0]++
			return s.receivedAny(l.Topic, l.Events[i].ID) && !s.sentAgain(l.Topic, l.Events[i].ID)
		})
	}},

	{name: "usage: too many are counted", spoil: func(s *spoiler) bool {
		u := s.anyUsage()
		return add(&u.Delivered, u.Unread+1)
	}},
	{name: "usage: too few are counted", spoil: func(s *spoiler) bool {
		u := s.anyUsage()
		return add(&u.Delivered, -u.Unread-1)
	}},
	{name: "usage: one is dropped", spoil: func(s *spoiler) bool {
		s.h.Usage = s.h.Usage[1:]
		return len(s.h.Usage) > 0
	}},
	{name: "usage: one stands twice", spoil: func(s *spoiler) bool { s.h.Usage = append(s.h.Usage, *s.anyUsage()); return true }},
	{name: "usage: two are swapped", spoil: (*spoiler).swapUsage},
}
