package operation

import (
	"cmp"
	"encoding/hex"
	"net/netip"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/policy"
)

// hashed is how many bytes of a document's hash tell it apart from others.
const hashed = 8

// labelsOf are what can be told of an operation without knowing who runs it.
func labelsOf(def *ast.OperationDefinition, p *policy.Operation) *analytics.Labels {
	l := &analytics.Labels{Kind: string(def.Operation), Operation: def.Name, Document: hex.EncodeToString(p.Hash[:hashed])}
	l.Field = rootField(p)
	if topic := p.Field().Topic; topic != nil {
		l.Topic = topic.String()
	}
	return l
}

// rootField is the name of an operation's first root field.
func rootField(p *policy.Operation) string {
	if p.Root == nil || p.Root.ObjectDefinition == nil {
		return ""
	}
	return p.Root.ObjectDefinition.Name + "." + p.Root.Name
}

// whose adds who runs an operation.
func (e *Engine) whose(l analytics.Labels, v *auth.Viewer, address netip.Addr, transport string, client Client) analytics.Labels {
	l.Consumer, l.Issuer, l.Subject, l.Plan = v.Consumer, v.Issuer, v.Subject, e.planOf(v).Name
	l.Transport, l.Client, l.Version = transport, client.Name, client.Version
	if e.options.Country != nil {
		l.Country = e.options.Country(address)
	}
	return l
}

// Labels implements analytics.Runner.
func (op *Operation) Labels() analytics.Labels {
	l := *op.labels
	if op.live != nil {
		l.Kind = "live"
	}
	return op.engine.whose(l, op.Viewer(), op.address, op.transport, op.client)
}

// Dismiss implements analytics.Runner: it ends the operation for an operator.
func (op *Operation) Dismiss(why string) {
	message := "an operator has ended this operation"
	if why != "" {
		message += ": " + why
	}
	op.Fail(refuse(CodeDismissed, "%s", message))
}

// Offered implements analytics.Source. It takes the outbox' lock alone: who calls it has a shelf's, which
// bill takes with the operation's held.
func (op *Operation) Offered() (events, bytes uint64) { return op.box.Offered(op.place) }

// Via says by which transport the operation's results leave, where that was not known before. It is called
// before Run.
func (op *Operation) Via(transport string) { op.transport = transport }

// count has the operation counted from its beginning.
func (op *Operation) count() {
	r := op.engine.options.Recorder
	if r == nil {
		return
	}
	r.Begin(&op.record, op.Labels(), op)
	if op.box != nil {
		op.record.CountedBy(op)
	}
	op.mu.Lock()
	op.counts, op.running = true, true
	op.mu.Unlock()
	if op.ended.Load() { // stopped meanwhile
		op.uncount(endedByClient)
	}
}

// bill has what the operation gets counted for its consumer's bill, from when nothing refuses it any more.
func (op *Operation) bill() {
	usage := op.engine.options.Usage
	if usage == nil {
		return
	}
	v := op.Viewer()
	key := ledger.Key{Issuer: v.Issuer, Consumer: v.Consumer, Plan: op.engine.planOf(v).Name, Field: op.labels.Field}
	op.mu.Lock()
	defer op.mu.Unlock()
	if !op.running { // stopped meanwhile
		return
	}
	op.stay = usage.Begin(key, op.Streaming())
	if op.Streaming() {
		op.record.Bill(op.stay)
	}
}

// billAnswer counts the bytes of a request's result.
func (op *Operation) billAnswer(bytes int) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.stay != nil {
		op.stay.Answer(bytes)
	}
}

// What has ended an operation, where no error has.
const (
	endedByItself = "COMPLETE"
	endedByClient = "LEFT"
)

// conclude notes why the operation ends, before its sink is told: a transport may stop it then.
func (op *Operation) conclude(errs gqlerror.List) {
	why := endedByItself
	if len(errs) > 0 {
		why = Code(errs)
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.why = why
}

// uncount counts the operation's end, for the reason that it has concluded with or this one. It may be called
// twice.
func (op *Operation) uncount(why string) {
	op.mu.Lock()
	running := op.running
	if running {
		why = cmp.Or(op.why, why)
		op.running, op.why, op.line = false, why, lineBegun
	}
	op.mu.Unlock()
	if !running {
		return
	}
	op.write(logEnded, why)
	if why == endedByItself || why == endedByClient {
		why = ""
	}
	op.record.End(why)
	if op.stay != nil {
		op.stay.End()
	}
}

// noteRefusal counts a request that became no operation. What it asked for is not known in full.
func (e *Engine) noteRefusal(req Request, errs gqlerror.List) {
	if r := e.options.Recorder; r != nil {
		l := analytics.Labels{Operation: req.OperationName}
		if req.Viewer.IsAnonymous() { // nobody can fill the series with names for nothing
			l.Operation, req.Client = "", Client{}
		}
		r.Refused(e.whose(l, req.Viewer, req.Address, req.Transport, req.Client), Code(errs))
	}
}
