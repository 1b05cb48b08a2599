package main

import "github.com/sluice-gateway/sluice/chaos/check"

// A seat is what happened to all subscribers of one transport.
type seat struct{ subscribers, received, resumed, gaps, needless, breaches int }

func (r *report) seats() map[string]*seat {
	seats := make(map[string]*seat)
	of := make(map[string]*seat) // by the name of the client
	for _, c := range r.history.Clients {
		s := seats[c.Transport]
		if s == nil {
			s = new(seat)
			seats[c.Transport] = s
		}
		of[c.Name] = s
		s.subscribers++
		for _, e := range c.Entries {
			switch e.Kind {
			case check.Received:
				s.received++
			case check.Resumed:
				s.resumed++
			case check.Gapped:
				s.gaps++
			}
		}
	}
	for _, f := range r.found {
		switch s := of[f.Client]; {
		case s == nil: // the publishers' log, or a stream
		case f.Kind == check.NeedlessGap:
			s.needless++
		default:
			s.breaches++
		}
	}
	return seats
}
