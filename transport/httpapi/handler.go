// Package httpapi speaks GraphQL over HTTP: one path for every operation, by GET and POST.
//
// Queries and mutations are answered in JSON. Which form a request wants is decided after it was
// parsed, because clients advertise streams on every request; streams are written by protocols that
// are injected. A Handler is safe for concurrent use.
package httpapi

import (
	"bytes"
	"net/http"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A Protocol gives the results of an operation as a stream in one response.
type Protocol interface {
	// Accepts reports whether a media range asks for this protocol, for an operation with such results.
	Accepts(m transport.Media, results operation.Results) bool
	// Serve answers with the results of op, which it runs and stops, or where op is nil with the
	// errors that refused it.
	Serve(w http.ResponseWriter, r *http.Request, op *operation.Operation, errs gqlerror.List)
}

// StatusPartial tells that a result has data and errors (GraphQL over HTTP, section 6.4).
const StatusPartial = 294

// Options configure a Handler. The zero value works.
type Options struct {
	// Streams are the protocols for streams, the preferred first; default none.
	Streams []Protocol
	// PartialStatus answers data with errors by StatusPartial instead of 200, to clients that take
	// application/graphql-response+json; default off.
	PartialStatus bool
}

// A Handler serves GraphQL over HTTP.
type Handler struct {
	engine  *operation.Engine
	reader  *transport.Reader
	options Options
}

// New makes a handler.
func New(engine *operation.Engine, reader *transport.Reader, options Options) *Handler {
	return &Handler{engine: engine, reader: reader, options: options}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.reader.Begin(w, r, http.MethodGet, http.MethodPost) {
		return
	}
	accept := transport.ParseAccept(r.Header.Values("Accept"))
	if refusal := h.serve(w, r, accept); refusal != nil {
		refusal.Write(w, accept)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, accept transport.Accept) *transport.Refusal {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return transport.RefuseMethod("operations are sent by POST or GET", "GET, POST")
	}
	req, refusal := h.read(w, r, accept)
	if refusal != nil {
		return refusal
	}
	op, errs := h.engine.Prepare(r.Context(), req)
	if op == nil {
		return h.refuse(w, r, accept, req, errs)
	}
	if r.Method == http.MethodGet && op.Kind() == ast.Mutation {
		return transport.RefuseMethod("a mutation must be sent by POST", http.MethodPost)
	}
	protocol, media := h.choose(accept, op.Results())
	switch {
	case protocol != nil:
		protocol.Serve(w, r, op, nil)
		return nil
	case media != "":
		op.Once()
		return h.execute(w, r, op, media)
	case op.Results() == operation.ManyResults:
		return refuseStream(r)
	}
	return transport.Refuse(http.StatusNotAcceptable, operation.CodeBadRequest,
		"results are sent as %s or %s", transport.GraphQLResponse, transport.JSON)
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request, accept transport.Accept) (operation.Request, *transport.Refusal) {
	viewer, refusal := h.reader.Viewer(r)
	if refusal == nil {
		refusal = h.reader.Deliberate(r)
	}
	if refusal != nil {
		return operation.Request{}, refusal
	}
	req, refusal := h.reader.Request(w, r)
	if refusal == nil && accept.Has(transport.EventStream) {
		req.LastEventID, refusal = transport.LastEventID(r)
	}
	req.Viewer, req.Address = viewer, h.reader.Address(r)
	req.Transport, req.Client = "http", transport.ClientOf(r.Header, req.Extensions)
	req.Trace = transport.TraceOf(r.Header, req.Extensions)
	return req, refusal
}

// choose finds the form of an answer: a protocol, or a JSON type. It finds neither when the client
// takes none that suits. A result that is kept true is a stream if the client reads one, or else is
// sent once.
func (h *Handler) choose(accept transport.Accept, results operation.Results) (Protocol, string) {
	media := ""
	if results != operation.ManyResults {
		media = accept.BestJSON()
	}
	if media != "" && results == operation.OneResult {
		return nil, media
	}
	for _, protocol := range h.options.Streams {
		for _, m := range accept {
			if m.Quality > 0 && protocol.Accepts(m, results) {
				return protocol, ""
			}
		}
	}
	return nil, media
}

// refuse answers with the errors that refused a request: in a stream where the client reads one, or
// else in JSON. What is wrong with the request, its haste or the server, rather than the operation, is
// for HTTP to say.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, accept transport.Accept, req operation.Request, errs gqlerror.List) *transport.Refusal {
	refusal := &transport.Refusal{Errors: errs}
	switch code := operation.Code(errs); {
	case code == operation.CodeBadRequest, code == operation.CodeRateLimited,
		transport.Status(code, transport.JSON) == http.StatusServiceUnavailable:
		return refusal
	}
	if protocol, _ := h.choose(accept, h.engine.ResultsOf(req)); protocol != nil {
		protocol.Serve(w, r, nil, errs)
		return nil
	}
	return refusal
}

// refuseStream refuses a subscription whose client reads no stream, and says where there is one.
func refuseStream(r *http.Request) *transport.Refusal {
	path := r.URL.Path
	refusal := transport.Refuse(http.StatusNotAcceptable, operation.CodeBadRequest,
		"a subscription is a stream: connect to %s by WebSocket with the sub-protocol graphql-transport-ws, "+
			"or ask %s with Accept: text/event-stream", path, path)
	refusal.Errors[0].Extensions["webSocket"] = path
	refusal.Errors[0].Extensions["eventStream"] = path
	return refusal
}

// execute runs a query or a mutation and answers in JSON.
func (h *Handler) execute(w http.ResponseWriter, r *http.Request, op *operation.Operation, media string) *transport.Refusal {
	var answer result
	op.Run(r.Context(), &answer)
	if answer.json == nil {
		return &transport.Refusal{Errors: answer.errs}
	}
	status := http.StatusOK
	if h.options.PartialStatus && media == transport.GraphQLResponse && answer.partial() {
		status = StatusPartial
	}
	transport.WriteJSON(w, status, media, answer.json)
	return nil
}

// A result is the Sink of an operation with a single result.
type result struct {
	json []byte
	errs gqlerror.List
}

func (r *result) Next(e outbox.Event) bool    { r.json = e.Body; return true }
func (r *result) End(errs gqlerror.List)      { r.errs = errs }
func (r *result) Disconnect(operation.Ending) {} // only a sink without room is asked to

// partial reports whether a result has errors, which the engine writes first.
func (r *result) partial() bool { return bytes.HasPrefix(r.json, []byte(`{"errors":`)) }
