package prom

import (
	"strings"

	"github.com/sluice-gateway/sluice/analytics"
)

// sums are a Recorder's counts, by the labels of metrics.
type sums struct {
	flows   map[flow]delivered
	begun   map[begun]uint64
	running map[flow]uint64 // by type and transport
	codes   map[string]uint64
	dropped [len(analytics.Counts{}.Dropped)]uint64 // by analytics.Drop
}

// delivered is what the clients of a flow were sent.
type delivered struct{ events, bytes uint64 }

func (o *operations) sum() sums {
	s := sums{
		flows:   make(map[flow]delivered),
		begun:   make(map[begun]uint64),
		running: make(map[flow]uint64),
		codes:   make(map[string]uint64),
	}
	for class, c := range o.recorder.Classes() {
		for code, n := range c.Endings {
			s.codes[named(o.codes, code)] += n
		}
		for reason, n := range c.Dropped {
			s.dropped[reason] += n
		}
		if c.Started > 0 { // of what was refused, it is not known what it was
			o.addTo(&s, class, &c)
		}
	}
	return s
}

func (o *operations) addTo(s *sums, class analytics.Class, c *analytics.Counts) {
	f := flow{class.Kind, strings.ToValidUTF8(class.Field, "?"), class.Transport}
	b := begun{f, class.Operation}
	if !o.flows.has(f) {
		f.field = analytics.Other
	}
	if !o.begun.has(b) {
		b.field, b.operation = analytics.Other, analytics.Other
	}
	d := s.flows[f]
	d.events += c.Events
	d.bytes += c.Bytes
	s.flows[f] = d
	s.begun[b] += c.Started
	s.running[flow{kind: f.kind, transport: f.transport}] += c.Running()
}
