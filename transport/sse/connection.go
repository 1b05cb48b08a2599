package sse

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// Options configure the mode of a single connection. The zero value works.
type Options struct {
	// Stream bounds the stream; its heartbeat's default is 12 s.
	Stream transport.StreamOptions
	// OpenWithin is how long a reservation waits for its stream; default 10 s.
	OpenWithin time.Duration
	// Operations is how many one connection may run at a time; default 100.
	Operations int
}

// A Connection serves the mode of a single connection: reserve it by PUT, open its stream, send
// operations whose results the stream brings. A connection lives on the node that reserved it.
type Connection struct {
	engine   *operation.Engine
	reader   *transport.Reader
	sessions *transport.Sessions
	options  Options

	mu      sync.Mutex // guards byToken
	byToken map[string]*reservation
}

// NewConnection makes the handler of the mode's path.
func NewConnection(engine *operation.Engine, reader *transport.Reader, sessions *transport.Sessions, options Options) *Connection {
	options.Stream = options.Stream.WithDefaults(heartbeat)
	if options.OpenWithin == 0 {
		options.OpenWithin = 10 * time.Second
	}
	if options.Operations == 0 {
		options.Operations = 100
	}
	return &Connection{
		engine:   engine,
		reader:   reader,
		sessions: sessions,
		options:  options,
		byToken:  make(map[string]*reservation),
	}
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}

// ServeHTTP implements http.Handler. No request needs a preflight header: each has a method or a
// token that no foreign page can send.
func (c *Connection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.reader.Begin(w, r, methods...) {
		return
	}
	accept := transport.ParseAccept(r.Header.Values("Accept"))
	if refusal := c.serve(w, r, accept); refusal != nil {
		refusal.Write(w, accept)
	}
}

func (c *Connection) serve(w http.ResponseWriter, r *http.Request, accept transport.Accept) *transport.Refusal {
	if !slices.Contains(methods, r.Method) {
		return transport.RefuseMethod("this method is not supported", strings.Join(methods, ", "))
	}
	viewer, refusal := c.reader.Viewer(r)
	if refusal != nil {
		return refusal
	}
	found := c.find(r, viewer)
	switch {
	case r.Method == http.MethodPut:
		return c.reserve(w, r, accept, viewer, found)
	case found == nil:
		return unknownToken()
	case r.Method == http.MethodDelete:
		return c.stop(w, r, found)
	case accept.Has(transport.EventStream):
		return c.open(w, r, found)
	}
	return c.operate(w, r, accept, found)
}

func unknownToken() *transport.Refusal {
	return transport.Refuse(http.StatusNotFound, operation.CodeBadRequest, "no connection is reserved with this token")
}

// find looks a reservation up. One of another viewer is as good as none.
func (c *Connection) find(r *http.Request, viewer *auth.Viewer) *reservation {
	c.mu.Lock()
	found := c.byToken[tokenOf(r)]
	c.mu.Unlock()
	if found == nil {
		return nil
	}
	if viewer.Key != "" && !found.isOf(viewer) && found.grant.Viewer().Key == viewer.Key {
		// The key has changed, and the reservation has not heard of it. If it cannot be checked now,
		// the reservation stays what it was.
		_ = c.sessions.Grants().Recheck(r.Context(), viewer.Key)
	}
	if !found.isOf(viewer) {
		return nil
	}
	return found
}

// reserve answers PUT.
func (c *Connection) reserve(w http.ResponseWriter, r *http.Request, accept transport.Accept, viewer *auth.Viewer, found *reservation) *transport.Refusal {
	switch {
	case found != nil:
		return transport.Refuse(http.StatusConflict, operation.CodeBadRequest, "this token is reserved already")
	case !accept.Takes("text/plain"):
		return transport.Refuse(http.StatusNotAcceptable, operation.CodeBadRequest, "the token is sent as text/plain")
	}
	place, refusal := c.sessions.Admit(viewer, c.reader.Address(r))
	if refusal != nil {
		return refusal
	}
	made := &reservation{
		token:      rand.Text(),
		place:      place,
		stream:     transport.NewStream(format{}, c.sessions, &c.options.Stream),
		most:       c.options.Operations,
		operations: make(map[string]*held),
	}
	c.mu.Lock()
	c.byToken[made.token] = made // nobody knows the token yet
	c.mu.Unlock()
	if !made.begin(c.sessions, viewer, c.options.OpenWithin, func() { c.drop(made) }) {
		c.forget(made)
		place.Leave()
		return transport.RefuseRestarting()
	}

	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write([]byte(made.token))
	return nil
}

// drop ends a reservation, with all its operations.
func (c *Connection) drop(r *reservation) {
	c.forget(r)
	r.close()
	r.place.Leave()
	c.sessions.Remove(r)
}

func (c *Connection) forget(r *reservation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byToken, r.token)
}

// open answers with the stream.
func (c *Connection) open(w http.ResponseWriter, r *http.Request, found *reservation) *transport.Refusal {
	if refusal := c.reader.Discard(w, r); refusal != nil {
		return refusal
	}
	if !found.open() {
		return transport.Refuse(http.StatusConflict, operation.CodeBadRequest, "the stream of this token is open already")
	}
	defer c.drop(found)
	found.stream.Run(w, r)
	return nil
}

// operate starts an operation, whose results the stream brings.
func (c *Connection) operate(w http.ResponseWriter, r *http.Request, accept transport.Accept, found *reservation) *transport.Refusal {
	if accept.BestJSON() == "" {
		return transport.Refuse(http.StatusNotAcceptable, operation.CodeBadRequest, "what refuses an operation is sent as JSON")
	}
	req, refusal := c.reader.Request(w, r)
	if refusal != nil {
		return refusal
	}
	req.Viewer, req.Address = found.grant.Viewer(), c.reader.Address(r)
	req.Transport, req.Client = "sse", transport.ClientOf(r.Header, req.Extensions)
	req.Trace = transport.TraceOf(r.Header, req.Extensions)
	id, _ := req.Extensions["operationId"].(string)
	if id == "" {
		return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "extensions.operationId is missing")
	}
	held, refusal := found.take(id)
	if refusal != nil {
		if operation.Code(refusal.Errors) == operation.CodeSubscriptionCap {
			c.engine.Refusals().Note("max-operations", 1, "consumer", req.Viewer.Consumer)
		}
		return refusal
	}
	op, errs := c.engine.Prepare(r.Context(), req)
	switch {
	case errs != nil:
		refusal = &transport.Refusal{Errors: errs}
	case r.Method == http.MethodGet && op.Kind() == ast.Mutation:
		refusal = transport.RefuseMethod("a mutation must be sent by POST", http.MethodPost)
	}
	if refusal != nil {
		found.release(held)
		return refusal
	}
	// The results outlive this request.
	if !found.start(context.WithoutCancel(r.Context()), held, op) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// stop answers DELETE.
func (c *Connection) stop(w http.ResponseWriter, r *http.Request, found *reservation) *transport.Refusal {
	id := r.URL.Query().Get("operationId")
	if id == "" {
		return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "operationId is missing")
	}
	found.stop(id)
	w.WriteHeader(http.StatusOK)
	return nil
}
