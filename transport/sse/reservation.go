package sse

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A reservation is a single connection: from its PUT on it takes operations, whose results wait
// until the stream is opened. It is the Session of that stream, and the auth.Holder of its grant.
type reservation struct {
	token   string
	stream  *transport.Stream
	place   *transport.Place
	most    int            // operations at a time
	running sync.WaitGroup // operations that were started

	// Set by begin; they may be used after mu was held.
	grant  *auth.Grant // its viewer's: a token is worth nothing to others
	expiry *time.Timer // drops the reservation while it is not open

	mu         sync.Mutex // guards what follows; nothing is called with it held, but by begin
	operations map[string]*held
	opened     bool
	gone       bool
}

// held is one operation of a reservation, and its Sink. Its id is taken from the moment the request
// was read, before there is an operation.
type held struct {
	reservation *reservation
	id          string
	place       outbox.Stream
	op          *operation.Operation // nil while it is prepared; guarded by reservation.mu
}

// begin makes the reservation a session that stands on a grant, and gives it so much time until drop
// is called. None of the three ends it before it has all. It reports false when the node is closing.
func (r *reservation) begin(sessions *transport.Sessions, viewer *auth.Viewer, within time.Duration, drop func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !sessions.Add(r) {
		return false
	}
	r.expiry = time.AfterFunc(within, func() {
		if r.expire() {
			drop()
		}
	})
	r.grant = sessions.Grants().Open(viewer, r)
	return true
}

// isOf reports whether the reservation is a viewer's.
func (r *reservation) isOf(viewer *auth.Viewer) bool {
	owner := r.grant.Viewer()
	return owner.Is(viewer) && owner.Identity() == viewer.Identity()
}

// take reserves an id for an operation.
func (r *reservation) take(id string) (*held, *transport.Refusal) {
	h := &held{reservation: r, id: id}
	h.place.Head, h.place.Tail = around(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone:
		return nil, unknownToken()
	case r.operations[id] != nil:
		return nil, transport.Refuse(http.StatusConflict, operation.DuplicateID.Code, "an operation with this id is running")
	case len(r.operations) >= r.most:
		return nil, transport.Refuse(0, operation.CodeSubscriptionCap, "this connection has its %d operations", r.most)
	}
	r.operations[id] = h
	return h, nil
}

// start runs an operation that was prepared. It reports false when the client stopped it meanwhile.
func (r *reservation) start(ctx context.Context, h *held, op *operation.Operation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone || r.operations[h.id] != h {
		return false
	}
	h.op = op
	op.Configure(r.stream.Outbox(), &h.place)
	r.running.Go(func() {
		op.Reauthorize(r.grant.Viewer()) // should they have changed before the reservation knew the operation
		op.Run(ctx, h)
	})
	return true
}

// release frees an operation's id, unless another has it by now.
func (r *reservation) release(h *held) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.operations[h.id] == h {
		delete(r.operations, h.id)
	}
}

// stop ends an operation because the client asked for it; nothing more is sent of it.
func (r *reservation) stop(id string) {
	r.mu.Lock()
	h := r.operations[id]
	delete(r.operations, id)
	var op *operation.Operation
	if h != nil {
		op = h.op
	}
	r.mu.Unlock()
	if h == nil {
		return
	}
	r.stream.Drop(&h.place)
	if op != nil {
		op.Stop()
	}
}

// open makes the caller the one who serves the stream.
func (r *reservation) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opened || r.gone {
		return false
	}
	r.opened = true
	r.expiry.Stop()
	return true
}

// expire reports whether the reservation is to be dropped because nobody has opened it; then
// nobody can any more.
func (r *reservation) expire() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = r.gone || !r.opened
	return !r.opened
}

// close stops every operation and waits for them.
func (r *reservation) close() {
	r.mu.Lock()
	r.gone = true
	running := r.runningLocked()
	clear(r.operations)
	r.mu.Unlock()

	r.stream.Abandon()
	for _, op := range running {
		op.StopFor(r.stream.Ending())
	}
	r.running.Wait()
	r.grant.Close()
}

// runningLocked are the operations that were started.
func (r *reservation) runningLocked() []*operation.Operation {
	var running []*operation.Operation
	for _, h := range r.operations {
		if h.op != nil {
			running = append(running, h.op)
		}
	}
	return running
}

// Changed implements auth.Holder: the operations that run go by the viewer's new rights.
func (r *reservation) Changed(v *auth.Viewer) {
	r.mu.Lock()
	running := r.runningLocked()
	r.mu.Unlock()
	for _, op := range running {
		op.Reauthorize(v)
	}
}

// Ended implements auth.Holder: every operation is told why, then the stream ends.
func (r *reservation) Ended(why error) {
	ending := operation.CredentialsEnded(why)
	r.mu.Lock()
	r.gone = true
	all := slices.Collect(maps.Values(r.operations))
	running := r.runningLocked()
	r.mu.Unlock()
	for _, h := range all {
		h.End(ending.Errors())
	}
	for _, op := range running {
		op.Stop()
	}
	r.End(ending)
}

// End implements transport.Session. Where no stream is open there is nobody to tell: the reservation
// expires at once.
func (r *reservation) End(ending operation.Ending) {
	r.stream.End(ending)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opened {
		r.expiry.Reset(0)
	}
}

// Transport implements transport.Session.
func (r *reservation) Transport() string { return r.stream.Transport() }

func (h *held) Next(e outbox.Event) bool { return h.reservation.stream.Offer(&h.place, e) }

func (h *held) End(errs gqlerror.List) {
	if !h.reservation.stream.Last(&h.place, h.last(errs)) {
		h.reservation.End(operation.SlowConsumer)
	}
	h.reservation.release(h) // after the last words, so that those of the id's next owner follow them
}

func (h *held) Disconnect(ending operation.Ending) { h.reservation.End(ending) }

// around are the bytes that stand around each result of an operation.
func around(id string) (head, tail []byte) {
	return []byte(nextEvent + `{"id":` + quote(id) + `,"payload":`), []byte("}" + endEvent)
}

func (h *held) last(errs gqlerror.List) []byte {
	complete := "event: complete\ndata: {\"id\":" + quote(h.id) + "}" + endEvent
	if len(errs) == 0 {
		return []byte(complete)
	}
	return append(format{}.AppendFrame(nil, h.place.Head, transport.ErrorResult(errs), h.place.Tail), complete...)
}

func quote(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted)
}
