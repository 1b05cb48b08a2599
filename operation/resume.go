package operation

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/share"
)

// resumption is what a subscription says of going on where another one ended.
type resumption struct {
	topics []cursor.Topic // all are replayable; nil: not all are, or there are too many
	never  string         // why it cannot be resumed; empty: it can
	scope  cursor.Scope
	from   string // the cursor that the client has; or empty: it begins now
	asks   bool   // the client wants cursors in extensions
}

// newResumption reads what a request for a subscription says of resuming. It returns nil where it says
// nothing and nothing is kept.
func (e *Engine) newResumption(p *prepared, req Request) *resumption {
	r := &resumption{from: req.LastEventID}
	switch said := req.Extensions["resume"].(type) {
	case bool:
		r.asks = said
	case string:
		r.asks, r.from = true, cmp.Or(r.from, said) // what stands in a URL does not change, the header does
	}
	if r.never = e.unreplayable(p.topics); r.never != "" {
		if r.from == "" && p.snapshot == nil {
			return nil
		}
		return r
	}
	for _, topic := range p.topics {
		r.topics = append(r.topics, cursor.TopicOf(topic))
	}
	shared := ""
	if p.policy.Private {
		v := req.Viewer // who it is: what it may do is looked at anew
		shared = fmt.Sprintf("of %q %q %q", v.Issuer, v.Consumer, v.Subject)
	}
	r.scope = cursor.ScopeOf(shared)
	return r
}

// unreplayable says why a subscription to these topics cannot be resumed. It can, and nothing is said, where each
// is a name whose events are kept, and a cursor has room for all of them.
func (e *Engine) unreplayable(topics []string) string {
	if len(topics) > cursor.MaxTopics {
		return fmt.Sprintf("it has %d topics, and may have %d", len(topics), cursor.MaxTopics)
	}
	for _, topic := range topics {
		switch {
		case pubsub.IsPattern(topic):
			return "it has all topics of a pattern, and nobody knows which these are; name some in its arguments"
		case e.options.Retain(topic).IsZero():
			return "its events are not kept"
		}
	}
	if len(topics) == 0 {
		return "its events are not kept"
	}
	return ""
}

// keeps reports whether what the operation has no room for can be read again.
func (op *Operation) keeps() bool { return op.resumption != nil && op.resumption.topics != nil }

// catchesUp reports whether a client that reads slowly has everything later.
func (op *Operation) catchesUp() bool { return op.keeps() && op.overflow == outbox.Disconnect }

// configureResumption says on a stream what its client is shown of where it stands, and what happens when
// it reads slowly.
func (op *Operation) configureResumption(s *outbox.Stream) {
	switch {
	case !op.keeps():
		s.Cursor = outbox.NoCursor
	case op.resumption.asks: // besides where its protocol always says
		s.Cursor |= outbox.InExtensions
	}
	if op.box != nil && op.catchesUp() {
		s.Keeps, s.Room = true, op.hasRoom
	}
}

// place writes a place as a cursor.
func (r *resumption) place(keys *cursor.Keys) func(share.Place) []byte {
	topics, scope := r.topics, r.scope
	return func(at share.Place) []byte { return keys.Append(nil, scope, topics, at) }
}

// enter makes the operation a member of its group: at once, after what it has missed, or after a snapshot.
// Without an error and without a membership it has ended.
func (op *Operation) enter(p *prepared, key share.Key, spec func() share.Spec) (*share.Membership, error) {
	groups := op.engine.groups
	switch {
	case op.resumption != nil && op.resumption.from != "":
		at, err := op.from()
		if err != nil {
			groups.CountGap()
			op.End(cannotResume(err.Error(), nil))
			return nil, nil
		}
		return groups.Resume(key, spec, op, at)
	case p.snapshot != nil && !op.keeps():
		op.End(refuse(CodeBadUserInput, "this subscription begins with what is true now, and here it cannot: %s", op.resumption.never))
		return nil, nil
	case p.snapshot != nil:
		at, err := op.begin(p, key, spec)
		if err != nil || at == nil {
			return nil, err
		}
		return groups.Resume(key, spec, op, at)
	}
	return groups.Join(key, spec, op)
}

// from is the place that the client's cursor says.
func (op *Operation) from() (share.Place, error) {
	if !op.keeps() {
		return nil, errors.New(op.resumption.never)
	}
	return op.engine.options.Cursors.Read(op.resumption.from, op.resumption.scope, op.resumption.topics)
}

// cannotResume tells a client that what it has missed cannot be had in full.
func cannotResume(why string, gap *pubsub.GapError) gqlerror.List {
	errs := refuse(CodeResumeGap, "events may have been missed: %s; load what is true now, and subscribe anew, without a cursor", why)
	if gap != nil {
		facts := errs[0].Extensions
		facts["topic"], facts["epoch"] = gap.Topic, fmt.Sprintf("%x", gap.Epoch)
		facts["firstAvailable"], facts["top"] = gap.First, gap.Top
	}
	return errs
}

// At implements share.Member.
func (op *Operation) At(cursor []byte) {
	if sink, ok := op.sink.(interface{ At(cursor []byte) }); ok && !op.ended.Load() {
		sink.At(cursor)
	}
}

// Gap implements share.Member. A client that was too slow for too long learns it as any slow client does.
func (op *Operation) Gap(gap *pubsub.GapError, slow bool) {
	if slow && !op.ended.Load() {
		op.sink.Disconnect(SlowConsumer)
		return
	}
	op.End(cannotResume("those from this client's place on are not all kept any more", gap))
}

// hasRoom has an operation go on whose client had read too slowly. It may be called before the operation
// knows its membership.
func (op *Operation) hasRoom() {
	op.mu.Lock()
	meter := op.meter
	op.mu.Unlock()
	if meter != nil && meter.unblock() {
		return
	}
	op.mu.Lock()
	m, member := op.membership.(*share.Membership)
	op.roomy = !member
	freed := op.freed
	op.mu.Unlock()
	if member {
		m.Room()
		return
	}
	select {
	case freed <- struct{}{}: // of nil nothing is ever taken
	default:
	}
}
