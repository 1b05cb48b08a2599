package prom

import (
	"strings"

	"github.com/sluice-gateway/sluice/analytics"
)

// sums are a Recorder's counts, by the labels of metrics.
type sums struct {
	flows   map[flow]had
	running map[kind]uint64
	codes   map[string]uint64
	dropped [analytics.Drops]uint64 // by analytics.Drop
	failed  uint64
}

// had is what the operations of a flow have had.
type had struct{ started, events, bytes uint64 }

func (o *operations) sum() sums {
	s := sums{flows: make(map[flow]had), running: make(map[kind]uint64), codes: make(map[string]uint64)}
	for class, c := range o.recorder.Classes() {
		for code, n := range c.Endings {
			s.codes[named(o.codes, code)] += n
		}
		for reason, n := range c.Dropped {
			s.dropped[reason] += n
		}
		s.failed += c.Failed
		if c.Started > 0 { // of what was refused, it is not known what it was
			o.addTo(&s, class, &c)
		}
	}
	return s
}

func (o *operations) addTo(s *sums, class analytics.Class, c *analytics.Counts) {
	f := flow{kind{class.Kind, class.Transport}, strings.ToValidUTF8(class.Field, "?"), class.Operation}
	if !o.flows.has(f) {
		f.field, f.operation = analytics.Other, analytics.Other
	}
	of := s.flows[f]
	of.started += c.Started
	of.events += c.Events
	of.bytes += c.Bytes
	s.flows[f] = of
	s.running[f.kind] += c.Running()
}

// errors are the events that clients have not had, or with errors, by what has caused that.
func (s *sums) errors() map[string]uint64 {
	return map[string]uint64{
		"decode":    s.dropped[analytics.DropDecode],
		"resolver":  s.failed,
		"write":     s.dropped[analytics.DropWrite],
		"throttled": s.dropped[analytics.DropRate] + s.dropped[analytics.DropLease],
		"slow":      s.dropped[analytics.DropSlow] + s.dropped[analytics.DropOverrun],
	}
}
