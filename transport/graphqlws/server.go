// Package graphqlws serves graphql-transport-ws, the protocol of the npm package graphql-ws, over
// gorilla/websocket. PROTOCOL.md promises it message by message.
//
// A session costs one parked goroutine while nothing happens. Messages are decoded beside it, and
// every byte that is sent passes the session's outbox, so that frames, pongs and the close frame
// have one order and nobody who sends ever waits for the peer.
package graphqlws

import (
	"bufio"
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// Subprotocol is the only one spoken.
const Subprotocol = "graphql-transport-ws"

// Options configure a Server. The zero value works.
type Options struct {
	// InitTimeout is how long a client may take to send connection_init, and how long credentials may
	// take to be checked, then and when they are renewed; default 3 s.
	InitTimeout time.Duration
	// PingInterval is how often a client is asked whether it is there; default 25 s, below the
	// idle time of common proxies.
	PingInterval time.Duration
	// PongWait is how long after a ping anything must have been read; default 8 s.
	PongWait time.Duration
	// MessageTimeout is how long a message may take from its first frame to its last; default 10 s.
	MessageTimeout time.Duration
	// MessageBytes is the size of the largest message; default 128 KiB.
	MessageBytes int64
	// Operations one session may run at a time; default 100.
	Operations int
	// Messages a session may receive, besides what Pings bounds and the end of an operation that runs;
	// default 50 a second and a burst of 200. A subscribe that comes sooner is refused; at twice the
	// burst the session ends.
	Messages limits.Rate
	// Pings, and pongs, of the protocol and of the WebSocket that a session may receive, then it ends;
	// default 10 a second and a burst of 20.
	Pings limits.Rate
	// MaxAge is when a session is asked to reconnect, moved by 10 % either way; default 2 h.
	MaxAge time.Duration
	// Goodbye is how long a peer may take to answer a close frame; default 5 s.
	Goodbye time.Duration
	// Outbox bounds what waits for one session; default 256 events and 1 MiB. Its Losses are always
	// those of the sessions.
	Outbox outbox.Limits
	// Socket says how sockets are written.
	Socket outbox.SocketOptions
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.InitTimeout = cmp.Or(o.InitTimeout, 3*time.Second)
	o.PingInterval = cmp.Or(o.PingInterval, 25*time.Second)
	o.PongWait = cmp.Or(o.PongWait, 8*time.Second)
	o.MessageTimeout = cmp.Or(o.MessageTimeout, 10*time.Second)
	o.MessageBytes = cmp.Or(o.MessageBytes, 128<<10)
	o.Operations = cmp.Or(o.Operations, 100)
	o.Messages = cmp.Or(o.Messages, limits.Rate{PerSecond: 50, Burst: 200})
	o.Pings = cmp.Or(o.Pings, limits.Rate{PerSecond: 10, Burst: 20})
	o.MaxAge = cmp.Or(o.MaxAge, 2*time.Hour)
	o.Goodbye = cmp.Or(o.Goodbye, 5*time.Second)
	o.Outbox.Events = cmp.Or(o.Outbox.Events, 256)
	o.Outbox.Bytes = cmp.Or(o.Outbox.Bytes, 1<<20)
	o.Log = cmp.Or(o.Log, slog.Default())
	return o
}

// A Server upgrades HTTP requests to sessions. It is safe for concurrent use.
type Server struct {
	engine   *operation.Engine
	reader   *transport.Reader
	sessions *transport.Sessions
	pool     *work.Pool
	options  Options
	patience limits.Rate // of messages, before the session ends
	began    time.Time
	socket   *outbox.SocketOptions
	upgrader websocket.Upgrader
	trouble  complain.Log
}

// New makes a server. Its sessions stop when sessions are closed.
func New(engine *operation.Engine, reader *transport.Reader, sessions *transport.Sessions, pool *work.Pool, options Options) *Server {
	s := &Server{
		engine:   engine,
		reader:   reader,
		sessions: sessions,
		pool:     pool,
		options:  options.withDefaults(),
		began:    time.Now(),
		socket:   options.Socket.Defaults(),
	}
	s.patience = s.options.Messages
	s.patience.Burst *= 2
	s.options.Outbox.Losses = sessions.Losses()
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: s.socket.Deadline,
		ReadBufferSize:   128,            // a header or a control frame; messages bypass it
		WriteBufferPool:  new(neverUsed), // only control frames would need it, and we write those
		Subprotocols:     []string{Subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true }, // checked before
	}
	return s
}

// IsUpgrade reports whether a request asks for a WebSocket.
func IsUpgrade(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// ServeHTTP upgrades the request and returns: a goroutine of its own serves the session, so that
// the stack and the buffers of the HTTP handler are freed.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.reader.Allowed(r) {
		http.Error(w, "this origin is not allowed to open a WebSocket here; ask the operator to list it", http.StatusForbidden)
		return
	}
	credentials := s.reader.Credentials(r)
	place, refusal := s.sessions.Enter(credentials.Address)
	if refusal != nil {
		refusal.Write(w, transport.ParseAccept(r.Header.Values("Accept")))
		return
	}
	hijacked := &hijacker{ResponseWriter: w}
	ws, err := s.upgrader.Upgrade(hijacked, r, nil)
	if err != nil { // Upgrade has answered
		place.Leave()
		return
	}
	hijacked.conn.upgraded = true
	session := s.newSession(ws, hijacked.conn.Conn, credentials, place)
	switch {
	case !s.sessions.Add(session):
		session.End(operation.Restarting)
	case ws.Subprotocol() != Subprotocol:
		session.End(operation.BadSubprotocol)
	}
	go session.run()
}

// neverUsed is a buffer pool that keeps nothing: gorilla's own write buffer is needed for nothing.
type neverUsed struct{}

func (neverUsed) Get() any { return nil }
func (neverUsed) Put(any)  {}

// A hijacker gives gorilla a connection on which it cannot write once the upgrade is answered.
type hijacker struct {
	http.ResponseWriter
	conn *readSide
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &readSide{Conn: conn}
	return h.conn, rw, nil
}

// readSide is a connection as gorilla sees it. gorilla writes on its own account only close frames,
// for broken framing and messages that are too large; the session sends those itself, in order.
type readSide struct {
	net.Conn
	upgraded bool // set before the first read
}

func (c *readSide) Write(p []byte) (int, error) {
	if c.upgraded {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *readSide) SetWriteDeadline(t time.Time) error {
	if c.upgraded {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}
