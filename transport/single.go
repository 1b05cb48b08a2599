package transport

import (
	"net/http"
	"sync"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// A SingleFormat is the Format of a response that belongs to one operation.
type SingleFormat interface {
	Format
	// Around are the bytes before and after each result.
	Around() (head, tail []byte)
	// Last are the operation's last words and the end of the response: errs says why it was refused
	// or stopped, nothing that it is complete.
	Last(errs gqlerror.List) []byte
}

// A CursorFormat is a SingleFormat whose results say where a client can go on after them.
type CursorFormat interface {
	SingleFormat
	// CursorMark stands before the cursor of a result, behind the result.
	CursorMark() []byte
	// At says where the client can go on before there is a result.
	At(cursor []byte) []byte
}

// A Single serves streams of one operation each.
type Single struct {
	format   SingleFormat
	sessions *Sessions
	options  StreamOptions
}

// NewSingle makes a Single. options have their defaults.
func NewSingle(format SingleFormat, sessions *Sessions, options StreamOptions) *Single {
	return &Single{format: format, sessions: sessions, options: options}
}

// Serve answers with the results of op, which it runs if there is a place for one more session, or with
// the errors that refused it. When it returns, nothing of the operation runs.
func (s *Single) Serve(w http.ResponseWriter, r *http.Request, op *operation.Operation, errs gqlerror.List) {
	if op != nil { // what only refuses is short
		place, refusal := s.sessions.Admit(op.Viewer(), op.Address())
		if refusal != nil {
			refusal.Write(w, ParseAccept(r.Header.Values("Accept")))
			return
		}
		defer place.Leave()
	}
	stream := NewStream(s.format, s.sessions, &s.options)
	if !s.sessions.Add(stream) {
		RefuseRestarting().Write(w, ParseAccept(r.Header.Values("Accept")))
		return
	}
	defer s.sessions.Remove(stream)

	sink := s.newSink(stream)
	if op == nil {
		sink.End(errs)
		stream.Run(w, r)
		return
	}
	sink.op = op
	op.Via(s.format.Transport())
	op.Configure(stream.Outbox(), &sink.place)
	grant := s.sessions.Grants().Open(op.Viewer(), sink)
	defer grant.Close()
	var running sync.WaitGroup
	running.Go(func() { op.Run(r.Context(), sink) }) // a query takes its time: the stream beats meanwhile
	defer running.Wait()
	defer func() { op.StopFor(stream.Ending()) }()
	stream.Run(w, r)
}

// newSink makes the sink of an operation. What its format says of cursors, the operation has yet to agree to.
func (s *Single) newSink(stream *Stream) *singleSink {
	sink := &singleSink{stream: stream, format: s.format}
	sink.place.Head, sink.place.Tail = s.format.Around()
	if f, ok := s.format.(CursorFormat); ok {
		sink.place.Cursor, sink.place.CursorMark = outbox.BeforeTail, f.CursorMark()
	}
	return sink
}

// A singleSink is the operation.Sink of the only operation of a stream, and the auth.Holder of its
// grant.
type singleSink struct {
	stream *Stream
	op     *operation.Operation
	place  outbox.Stream
	format SingleFormat
}

func (s *singleSink) Next(e outbox.Event) bool           { return s.stream.Offer(&s.place, e) }
func (s *singleSink) End(errs gqlerror.List)             { s.stream.Finish(s.format.Last(errs)) }
func (s *singleSink) Disconnect(ending operation.Ending) { s.stream.End(ending) }
func (s *singleSink) Changed(v *auth.Viewer)             { s.op.Reauthorize(v) }

// At tells the client where a subscription begins that can be resumed, where the protocol has a place
// for that. It is called before the first result.
func (s *singleSink) At(cursor []byte) {
	if f, ok := s.format.(CursorFormat); ok {
		s.stream.Outbox().Begin(&s.place, f.At(cursor))
	}
}

func (s *singleSink) Ended(why error) {
	ending := operation.CredentialsEnded(why)
	s.stream.FinishFor(ending, s.format.Last(ending.Errors()))
	s.op.StopFor(ending)
}
