package operation

import (
	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/internal/outbox"
)

// Configure makes a stream of an outbox the operation's place there: it says what becomes of results
// that the client is too slow to read. A transport calls it once, before Run. Without an outbox the
// operation itself counts what it offers.
func (op *Operation) Configure(box *outbox.Outbox, s *outbox.Stream) {
	op.mu.Lock()
	p := op.prepared
	op.mu.Unlock()
	b := p.policy.Field().Backpressure
	op.box, op.place = box, s
	op.overflow, op.most = b.Overflow, b.Events
	if op.live != nil { // what is not the latest is of no use to anybody
		op.overflow = outbox.Latest
		s.Tracks = op.live.patched
	}
	if op.overflow != outbox.Disconnect {
		op.limit = "@backpressure " + p.policy.Root.ObjectDefinition.Name + "." + p.policy.Root.Name
	}
	s.Overflow, s.Most = op.overflow, op.most
	op.configureResumption(s)
	s.Lost = op.lost
}

// Dropped is how many of the operation's results its client will never have: they gave way to newer
// ones, found no room, or waited when the session or the operation ended.
func (op *Operation) Dropped() uint64 { return op.dropped.Load() }

// noteLosses counts and logs what was lost since there were so many losses.
func (op *Operation) noteLosses(before uint64) {
	if n := op.dropped.Load() - before; n > 0 {
		op.engine.reached.Note(op.limit, int(n))
	}
}

// lost counts results that were charged and will not be sent, and has them given back.
func (op *Operation) lost(n int, why outbox.Loss) {
	op.dropped.Add(uint64(n))
	if op.counts {
		drop := analytics.DropSlow
		if why == outbox.Gone {
			drop = analytics.DropWrite
		}
		op.record.Drop(uint64(n), drop)
		op.correct()
	}
	op.giveBack(n)
}

// giveBack gives events back that were charged and will not be sent.
func (op *Operation) giveBack(n int) {
	op.mu.Lock()
	m := op.meter
	op.mu.Unlock()
	if m != nil {
		m.give(n)
	}
}
