package operation

import (
	"encoding/hex"
	"time"

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
func labelsOf(def *ast.OperationDefinition, p *policy.Operation) analytics.Labels {
	l := analytics.Labels{Kind: string(def.Operation), Operation: def.Name, Document: hex.EncodeToString(p.Hash[:hashed])}
	if root := p.Root; root != nil && root.ObjectDefinition != nil {
		l.Field = root.ObjectDefinition.Name + "." + root.Name
	}
	if topic := p.Field().Topic; topic != nil {
		l.Topic = topic.String()
	}
	return l
}

// whose adds who runs an operation.
func (e *Engine) whose(l analytics.Labels, v *auth.Viewer, transport string, client Client) analytics.Labels {
	l.Consumer, l.Issuer, l.Subject, l.Plan = v.Consumer, v.Issuer, v.Subject, e.planOf(v).Name
	l.Transport, l.Client, l.Version = transport, client.Name, client.Version
	return l
}

// Via says by which transport the operation's results leave, where that was not known before. It is called
// before Run.
func (op *Operation) Via(transport string) { op.transport = transport }

// count has the operation counted from its beginning.
func (op *Operation) count(p *prepared) {
	o := &op.engine.options
	if p == nil || o.Recorder == nil && o.Usage == nil {
		return
	}
	labels := p.doc.labels[p.def]
	if op.live != nil {
		labels.Kind = "live"
	}
	labels = op.engine.whose(labels, op.Viewer(), op.transport, op.client)
	op.mu.Lock()
	op.began, op.counted = time.Now(), true
	if o.Recorder != nil {
		op.series = o.Recorder.Start(labels)
	}
	op.mu.Unlock()
	if op.ended.Load() { // stopped meanwhile
		op.uncount(nil)
	}
}

// bill has what the operation gets counted for its consumer's bill, from when nothing refuses it any more.
func (op *Operation) bill(p *prepared) {
	usage := op.engine.options.Usage
	if usage == nil {
		return
	}
	v := op.Viewer()
	key := ledger.Key{Issuer: v.Issuer, Consumer: v.Consumer, Plan: op.engine.planOf(v).Name, Field: p.doc.labels[p.def].Field}
	op.mu.Lock()
	defer op.mu.Unlock()
	if !op.counted { // stopped meanwhile
		return
	}
	op.stay = usage.Begin(key, op.Streaming())
	if op.Streaming() {
		op.tally = op.stay.Tally
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

// uncount counts the operation's end, by why it has ended. It may be called twice.
func (op *Operation) uncount(errs gqlerror.List) {
	op.mu.Lock()
	counted := op.counted
	op.counted = false
	op.mu.Unlock()
	if !counted {
		return
	}
	code := ""
	if len(errs) > 0 {
		code = Code(errs)
	}
	if op.series != nil {
		op.series.End(code, time.Since(op.began))
	}
	if op.stay != nil {
		op.stay.End()
	}
}

// noteRefusal counts a request that became no operation. What it asked for is not known in full.
func (e *Engine) noteRefusal(req Request, errs gqlerror.List) {
	if r := e.options.Recorder; r != nil {
		r.Refused(e.whose(analytics.Labels{Operation: req.OperationName}, req.Viewer, req.Transport, req.Client), Code(errs))
	}
}
