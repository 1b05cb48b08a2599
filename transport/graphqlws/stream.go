package graphqlws

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// A stream is one operation of a session. It implements operation.Sink.
type stream struct {
	outbox.Stream
	session *session
	id      string
	op      *operation.Operation // nil until it is prepared; guarded by session.mu
}

// Next implements operation.Sink.
func (s *stream) Next(e outbox.Event) bool {
	return s.session.socket.Offer(&s.Stream, e) != outbox.Full
}

// End implements operation.Sink. The id is free from the moment the last message is queued.
func (s *stream) End(errs gqlerror.List) {
	s.session.mu.Lock()
	lost := s.session.removeLocked(s) && s.session.socket.End(&s.Stream, endFrame(s.rawID(), errs)) == outbox.Full
	s.session.mu.Unlock()
	if lost { // a peer that asks and never reads has had enough answers
		s.session.End(operation.SlowConsumer)
	}
}

// Disconnect implements operation.Sink.
func (s *stream) Disconnect(e operation.Ending) { s.session.End(e) }

// rawID is the id as the client wrote it.
func (s *stream) rawID() json.RawMessage {
	return s.Head[len(`{"id":`) : len(s.Head)-len(`,"type":"next","payload":`)]
}
