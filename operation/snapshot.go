package operation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/share"
)

// snapshotTries is how often a snapshot is made until no event has come meanwhile. After that the events
// that have come follow it, although it may tell of them already.
const snapshotTries = 5

// addSnapshot parses the query whose result stands before the events of a subscription.
func (e *Engine) addSnapshot(doc *document, def *ast.OperationDefinition) gqlerror.List {
	text := doc.operations[def].Snapshot(def, doc.ast.Fragments, e.schema.Schema())
	if text == "" {
		return nil
	}
	made, errs := e.parse(text)
	if errs != nil {
		return errs
	}
	if doc.snapshots == nil {
		doc.snapshots = make(map[*ast.OperationDefinition]*document)
	}
	doc.snapshots[def] = made
	return nil
}

// prepareSnapshot authorises the query of a snapshot, as any other.
func (e *Engine) prepareSnapshot(ctx context.Context, p *prepared, req Request) (*prepared, gqlerror.List) {
	doc := p.doc.snapshots[p.def]
	if doc == nil {
		return nil, nil
	}
	query := Request{Viewer: req.Viewer, Address: req.Address, Variables: make(map[string]any)}
	for _, v := range doc.ast.Operations[0].VariableDefinitions {
		if value, given := req.Variables[v.Variable]; given {
			query.Variables[v.Variable] = value
		}
	}
	op, errs := e.prepareDocument(ctx, doc, query)
	if errs != nil {
		return nil, errs
	}
	return op.prepared, nil
}

// begin gives the operation its snapshot, and returns the place after which events follow; nil: it has ended.
func (op *Operation) begin(p *prepared, key share.Key, spec func() share.Spec) (share.Place, error) {
	defer op.recoverPanic() // it has ended then, without an error and without a place
	ctx, cancel := context.WithTimeout(context.Background(), op.engine.options.Timeout)
	defer cancel()
	op.mu.Lock()
	op.cancel, op.freed = cancel, make(chan struct{}, 1)
	op.mu.Unlock()
	if op.ended.Load() {
		return nil, nil
	}
	made, at, err := op.quietSnapshot(ctx, p, key, spec)
	if errors.Is(err, share.ErrClosed) {
		return nil, err
	}
	if err != nil {
		op.End(op.noSnapshot(err))
		return nil, nil
	}
	cursor := op.resumption.place(op.engine.options.Cursors)(at)
	op.At(cursor)
	if made != nil {
		made.Key, made.Origin.Cursor = p.topics[0], cursor
		for !op.Next(*made) { // others fill the session: it waits for its client to read
			select {
			case <-op.freed:
			case <-ctx.Done():
				if !op.ended.Load() {
					op.sink.Disconnect(SlowConsumer)
				}
				return nil, nil
			}
		}
	}
	return at, nil
}

// quietSnapshot makes a snapshot while no event comes, if it can, and returns the place before it.
func (op *Operation) quietSnapshot(ctx context.Context, p *prepared, key share.Key, spec func() share.Spec) (made *outbox.Event, at share.Place, err error) {
	for range snapshotTries {
		if at, err = op.engine.groups.Begin(ctx, key, spec); err != nil {
			return nil, nil, err
		}
		if at, err = op.engine.tops(ctx, p.topics, at); err != nil {
			continue // events came so fast that the log has left the group behind
		}
		made = op.snapshot(ctx, p.snapshot)
		after, err := op.engine.tops(ctx, p.topics, at)
		if err == nil && slices.Equal(at, after) {
			break
		}
	}
	return made, at, err
}

func (op *Operation) noSnapshot(err error) gqlerror.List {
	if errors.Is(err, pubsub.ErrUnavailable) || errors.Is(err, pubsub.ErrClosed) || errors.Is(err, context.Canceled) {
		return refuse(CodeBroker, "events cannot be received at the moment; try again later")
	}
	op.engine.options.Log.Error("a snapshot could not be made", "field", op.labels.Field, "error", err)
	return refuse(CodeInternal, "the subscription could not be started")
}

// tops are the newest positions of topics. A log that has left the place behind has one as well.
func (e *Engine) tops(ctx context.Context, topics []string, at share.Place) (share.Place, error) {
	tops := make(share.Place, len(topics))
	for i, topic := range topics {
		past, err := e.broker.Read(ctx, topic, at[i], 1)
		var gap *pubsub.GapError
		if err != nil && (!errors.As(err, &gap) || past.Top.IsZero()) {
			return nil, fmt.Errorf("read the log of %q: %w", topic, err)
		}
		tops[i] = past.Top
	}
	return tops, nil
}

// snapshot executes the query of a snapshot for the operation's viewer. There is none where the value is null.
func (op *Operation) snapshot(ctx context.Context, p *prepared) *outbox.Event {
	e := op.engine
	ctx = withAddress(auth.WithViewer(ctx, op.Viewer()), op.address)
	next, ctx := e.exec.DispatchOperation(ctx, p.context(e))
	r := next(ctx)
	if r == nil {
		return nil
	}
	if len(r.Errors) == 0 && bytes.HasSuffix(r.Data, []byte(":null}")) && bytes.Count(r.Data, []byte(":")) == 1 {
		return nil
	}
	body := share.Encode(r.Data, withCode(r.Errors, CodeInternal), e.options.Share.MaxResult)
	return &outbox.Event{Body: body, Origin: &outbox.Origin{Failed: len(r.Errors) > 0}}
}
