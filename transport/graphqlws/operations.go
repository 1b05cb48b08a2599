package graphqlws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// handle acts on one message, in the order of their arrival. It does not wait: what takes time
// gets a goroutine of the session.
func (s *session) handle(m message) {
	switch m.Type {
	case typePing:
		s.reply(pongFrame(m.Payload))
	case typeInit:
		s.init(m.Payload)
	case typeSubscribe:
		s.subscribe(m)
	case typeComplete:
		s.complete(m)
	}
}

func (s *session) init(payload json.RawMessage) {
	s.mu.Lock()
	again := s.inited
	s.inited = true
	s.mu.Unlock()
	if again {
		s.End(operation.TooManyInits)
		return
	}
	s.running.Go(func() { s.authenticate(payload) })
}

// authenticate learns who is calling and acknowledges. Nothing executes before.
func (s *session) authenticate(payload json.RawMessage) {
	credentials := s.credentials
	if credentials.Token == "" && payload != nil {
		var members map[string]any
		if json.Unmarshal(payload, &members) == nil {
			credentials = transport.InitCredentials(members)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.server.options.InitTimeout)
	defer cancel()
	viewer, err := s.server.authn.Authenticate(ctx, credentials)
	switch {
	case errors.Is(err, auth.ErrBadCredentials):
		s.End(operation.BadCredentials)
		return
	case err != nil:
		s.server.options.Log.Error("credentials could not be checked", "error", err)
		s.End(operation.TryAgain)
		return
	}
	s.mu.Lock()
	s.viewer = viewer
	s.credentials = auth.Credentials{}
	s.timer.Reset(jitter(s.server.options.PingInterval))
	s.mu.Unlock()
	s.reply(ackFrame)
}

func (s *session) subscribe(m message) {
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
	req.Viewer = s.viewer
	most := s.server.options.Operations
	taken, full := s.findLocked(id) != nil, len(s.streams) >= most || s.starting >= most
	if req.Viewer != nil && !taken && !full {
		s.streams = append(s.streams, st)
		s.starting++
	}
	s.mu.Unlock()
	switch {
	case req.Viewer == nil:
		s.End(operation.Unauthorized)
	case taken:
		s.endFor(operation.DuplicateID, fmt.Sprintf("Subscriber for %s already exists", id))
	case full:
		s.reply(endFrame(m.ID, gqlerror.List{operation.Errorf(operation.CodeSubscriptionCap,
			"this session runs %d operations, its limit; complete one first", s.server.options.Operations)}))
	default:
		s.running.Go(func() { s.start(st, req) })
	}
}

// start prepares an operation and runs it. It returns when a query has its result, or when a
// subscription has joined its group.
func (s *session) start(st *stream, req operation.Request) {
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
	op, errs := s.server.engine.Prepare(req)
	if errs != nil {
		st.End(errs)
		return
	}
	s.mu.Lock()
	gone := s.findLocked(st.id) != st
	st.op = op
	s.mu.Unlock()
	if gone { // completed by the client meanwhile
		return
	}
	op.Run(context.Background(), st)
}

func (s *session) complete(m message) {
	var id string
	if json.Unmarshal(m.ID, &id) != nil {
		return
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
}

// stopStreams stops every operation without a word.
func (s *session) stopStreams() {
	s.mu.Lock()
	streams := s.streams
	s.streams = nil
	ops := make([]*operation.Operation, 0, len(streams))
	for _, st := range streams {
		if st.op != nil {
			ops = append(ops, st.op)
		}
	}
	s.mu.Unlock()
	for _, op := range ops {
		op.Stop()
	}
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
