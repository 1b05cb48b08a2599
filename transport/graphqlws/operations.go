package graphqlws

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// handle acts on one message, in the order of their arrival. It does not wait: what takes time
// gets a goroutine of the session. It reports false when there were too many messages to read on.
func (s *session) handle(m message) (goOn bool) {
	switch m.Type {
	case typePing, typePong:
		if s.takePing() != nil {
			return false
		}
		if m.Type == typePing {
			s.ping(m.Payload)
		}
	case typeInit: // another one ends the session
		s.init(m.Payload)
	case typeSubscribe:
		wait, err := s.takeMessage()
		if err != nil {
			return false
		}
		s.subscribe(m, wait)
	case typeComplete:
		if s.complete(m) {
			return true
		}
		_, err := s.takeMessage() // of nothing
		return err == nil
	}
	return true
}

// subscribe begins an operation, if its client need not have waited with it.
func (s *session) subscribe(m message, wait time.Duration) {
	var id string
	if json.Unmarshal(m.ID, &id) != nil {
		s.End(operation.BadMessage)
		return
	}
	req, err := transport.ParseRequest(m.Payload)
	if err != nil {
		s.malformed(err.Error())
		return
	}
	st := &stream{session: s, id: id}
	st.Head, st.Tail = nextHead(m.ID), nextTail
	s.mu.Lock()
	grant, leaving := s.grant, s.leaving
	req.Address = s.credentials.Address
	most := s.server.options.Operations
	taken, full := s.findLocked(id) != nil, len(s.streams) >= most || s.starting >= most
	if grant != nil && !leaving && !taken && !full && wait == 0 {
		s.streams = append(s.streams, st)
		s.starting++
	}
	s.mu.Unlock()
	switch {
	case leaving:
	case grant == nil:
		s.End(operation.Unauthorized)
	case taken:
		s.endFor(operation.DuplicateID, fmt.Sprintf("Subscriber for %s already exists", id))
	case full:
		s.note("max-operations")
		s.reply(endFrame(m.ID, gqlerror.List{operation.Errorf(operation.CodeSubscriptionCap,
			"this session runs %d operations, its limit; complete one first", s.server.options.Operations)}))
	case wait > 0:
		s.note("message-rate")
		s.reply(endFrame(m.ID, s.tooFast(wait)))
	default:
		s.running.Go(func() { s.start(st, req, grant) })
	}
}

// start prepares an operation and runs it. It returns when a query has its result, or when a
// subscription has joined its group.
func (s *session) start(st *stream, req operation.Request, grant *auth.Grant) {
	defer func() {
		s.mu.Lock()
		s.starting--
		s.mu.Unlock()
	}()
	defer func() {
		if v := recover(); v != nil {
			s.server.options.Log.Error("a panic ended an operation", "panic", v, "stack", string(debug.Stack()))
			st.End(gqlerror.List{operation.Errorf(operation.CodeInternal, "internal error")})
		}
	}()
	req.Viewer = grant.Viewer()
	req.Transport, req.Client = "websocket", transport.ClientOf(nil, req.Extensions)
	req.Trace = transport.TraceOf(nil, req.Extensions)
	op, errs := s.server.engine.Prepare(context.Background(), req)
	if errs != nil {
		st.End(errs)
		return
	}
	s.mu.Lock()
	gone := s.findLocked(st.id) != st
	st.op = op
	if !gone {
		op.Configure(&s.socket.Outbox, &st.Stream)
	}
	s.mu.Unlock()
	if gone { // completed by the client meanwhile
		return
	}
	op.Reauthorize(grant.Viewer()) // should they have changed before the session knew the operation
	op.Run(context.Background(), st)
}

// complete ends an operation. It reports false when there was none.
func (s *session) complete(m message) bool {
	var id string
	if json.Unmarshal(m.ID, &id) != nil {
		return false
	}
	s.mu.Lock()
	st := s.findLocked(id)
	var op *operation.Operation
	if st != nil {
		s.removeLocked(st)
		s.socket.Drop(&st.Stream)
		op = st.op
	}
	s.mu.Unlock()
	if op != nil {
		op.Stop()
	}
	return st != nil
}

// stopStreams stops every operation without a word.
func (s *session) stopStreams(e operation.Ending) {
	s.mu.Lock()
	streams := s.streams
	s.streams = nil
	ops := running(streams)
	s.mu.Unlock()
	for _, op := range ops {
		op.StopFor(e)
	}
}

// running are the operations of streams that are prepared. It is called with session.mu held.
func running(streams []*stream) []*operation.Operation {
	ops := make([]*operation.Operation, 0, len(streams))
	for _, st := range streams {
		if st.op != nil {
			ops = append(ops, st.op)
		}
	}
	return ops
}

func (s *session) findLocked(id string) *stream {
	for _, st := range s.streams {
		if st.id == id {
			return st
		}
	}
	return nil
}

func (s *session) removeLocked(st *stream) bool {
	for i, other := range s.streams {
		if other == st {
			last := len(s.streams) - 1
			s.streams[i] = s.streams[last]
			s.streams[last] = nil
			s.streams = s.streams[:last]
			return true
		}
	}
	return false
}
