package graphqlws

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A session is one WebSocket. Its reader goroutine, run, owns it: when run returns, nothing of the
// session runs any more.
type session struct {
	server  *Server
	ws      *websocket.Conn // read only
	conn    net.Conn
	socket  *outbox.Socket
	place   *transport.Place
	pace    pace
	ended   atomic.Bool
	reading atomic.Bool    // a message has begun and not ended
	parting atomic.Int64   // once ended: until when the peer may answer, Unix nanoseconds
	read    atomic.Int64   // when something was read last, Unix nanoseconds
	running sync.WaitGroup // goroutines of operations, of the init and of renewals

	mu          sync.Mutex       // guards what follows; taken before the outbox' own
	credentials auth.Credentials // of the upgrade; the token is forgotten with the ack
	grant       *auth.Grant      // nil before the ack
	inited      bool
	renewing    bool      // one at a time
	leaving     bool      // the grant has ended: nothing is started any more
	streams     []*stream // few: found by looking at each
	starting    int       // operations that are prepared or executed; the client may have let go of some
	timer       *time.Timer
	pinged      time.Time // zero: the next tick sends a ping
	expires     time.Time // when the session has its age
}

func (s *Server) newSession(ws *websocket.Conn, conn net.Conn, credentials auth.Credentials, place *transport.Place) *session {
	o := &s.options
	made := &session{
		server:      s,
		ws:          ws,
		conn:        conn,
		socket:      outbox.NewSocket(conn, s.pool, framer{}, &o.Outbox, s.socket),
		place:       place,
		credentials: credentials,
		expires:     time.Now().Add(jitter(o.MaxAge)),
	}
	made.mu.Lock()
	defer made.mu.Unlock()
	made.timer = time.AfterFunc(o.InitTimeout, made.tick)
	ws.SetReadLimit(o.MessageBytes)
	ws.SetPingHandler(made.onPing)
	ws.SetPongHandler(made.onPong)
	ws.SetCloseHandler(func(int, string) error { return nil })
	return made
}

// jitter moves a duration by up to 10 % either way, so that sessions that were opened together do
// not act together for ever.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// run reads until the session is over, then takes it apart.
func (s *session) run() {
	for s.readMessage() {
	}
	s.linger()
	s.timer.Stop()
	s.stopStreams(operation.Ending{})
	s.socket.Close()
	s.running.Wait()
	if s.grant != nil { // nobody else is left who could write it
		s.grant.Close()
	}
	s.place.Leave()
	s.server.sessions.Remove(s)
}

// readMessage waits for one message and handles it. The waiting goroutine keeps its first, small
// stack: what happens to the message happens on another one.
func (s *session) readMessage() bool {
	kind, r, err := s.ws.NextReader()
	if err != nil {
		s.readFailed(err)
		return false
	}
	s.read.Store(time.Now().UnixNano())
	goOn := make(chan bool)
	go func() { goOn <- s.receive(kind, r) }()
	return <-goOn
}

// receive reads the rest of a message and handles it.
func (s *session) receive(kind int, r io.Reader) (goOn bool) {
	defer func() {
		if v := recover(); v != nil {
			s.server.options.Log.Error("a panic ended a session", "panic", v, "stack", string(debug.Stack()))
			s.End(operation.ServerError)
			goOn = true // until the client has read why
		}
	}()
	_ = s.conn.SetReadDeadline(time.Now().Add(s.server.options.MessageTimeout))
	if s.ended.Load() { // no more time than the peer has anyway
		s.waitForGoodbye()
	}
	s.reading.Store(true)
	text, err := io.ReadAll(r)
	s.reading.Store(false)
	if err != nil {
		s.readFailed(err)
		return false
	}
	_ = s.conn.SetReadDeadline(time.Time{})
	switch {
	case s.ended.Load():
		s.waitForGoodbye()
	case kind != websocket.TextMessage:
		s.malformed("binary frames are not understood")
	case !utf8.Valid(text):
		s.End(operation.BadText)
	default:
		m, err := decode(text)
		if err != nil {
			s.malformed(err.Error())
			return true
		}
		return s.handle(m)
	}
	return true
}

// readFailed answers the end of reading with the close frame it deserves.
func (s *session) readFailed(err error) {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.CloseAbnormalClosure, isNetwork(err):
		s.ended.Store(true) // there was no close frame, and there is nobody to send one to
		s.socket.Abandon()
	case errors.As(err, &closed) && closed.Code == websocket.CloseNoStatusReceived:
		s.close(closeFrame(0, ""), true)
	case errors.As(err, &closed):
		s.close(closeFrame(closed.Code, ""), true)
	case errors.Is(err, websocket.ErrReadLimit):
		s.exceed("max-message", operation.MessageTooBig)
	default:
		s.End(operation.ProtocolViolated)
	}
}

func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// waitForGoodbye lets reads go on only until the peer's time to answer the close frame is up,
// however often it is called.
func (s *session) waitForGoodbye() { _ = s.conn.SetReadDeadline(time.Unix(0, s.parting.Load())) }

// linger gives the peer time to read the close frame: a connection that is closed with bytes
// unread is reset, and the frame with it.
func (s *session) linger() {
	s.waitForGoodbye()
	if s.socket.Err() == nil {
		_, _ = io.Copy(io.Discard, s.conn)
	}
}

// End implements transport.Session. A slow session's queue is discarded; for any other ending what
// waits is sent first.
func (s *session) End(e operation.Ending) { s.endFor(e, e.Reason) }

// Transport implements transport.Session.
func (s *session) Transport() string { return "websocket" }

func (s *session) malformed(what string) { s.endFor(operation.BadMessage, "Invalid message: "+what) }

// endFor ends the session with a reason of its own. It reports whether the session was open until now.
func (s *session) endFor(e operation.Ending, reason string) bool {
	if !s.close(closeFrame(e.Close, reason), e == operation.SlowConsumer) {
		return false
	}
	s.server.sessions.Ended(e)
	s.stopStreams(e)
	return true
}

// exceed ends the session for a limit.
func (s *session) exceed(limit string, e operation.Ending) {
	if s.endFor(e, e.Reason) {
		s.note(limit)
	}
}

// note counts a limit that the session has reached.
func (s *session) note(limit string) {
	s.mu.Lock()
	grant := s.grant
	s.mu.Unlock()
	viewer := auth.Anonymous
	if grant != nil {
		viewer = grant.Viewer()
	}
	s.server.engine.Refusals().Note(limit, 1, "consumer", viewer.Consumer)
}

// close queues the session's last frame. It reports whether the session was open until now.
func (s *session) close(frame []byte, discard bool) bool {
	by := time.Now().Add(s.server.options.Goodbye)
	if !s.parting.CompareAndSwap(0, by.UnixNano()) || s.ended.Swap(true) {
		return false
	}
	s.socket.LastWords(frame, discard, by)
	return true
}

// tick is the session's only timer: first it waits for the init, then it sends a ping and waits
// for whatever comes back, by turns.
func (s *session) tick() {
	o := &s.server.options
	now, read := time.Now(), s.read.Load()
	// A slow peer of tolerant subscriptions has yet to come to the ping: whether it is there shows by
	// its reading.
	dawdles := s.socket.Tolerant() && s.socket.Slow()
	if s.reading.Load() { // a message has a limit of its own
		read = now.UnixNano()
	}
	s.mu.Lock()
	inited, pinged, expires := s.grant != nil, s.pinged, s.expires
	switch {
	case !inited, s.ended.Load(), now.After(expires):
	case pinged.IsZero():
		s.pinged = now
		s.timer.Reset(o.PongWait)
	case read >= pinged.UnixNano():
		s.pinged = time.Time{}
		s.timer.Reset(jitter(o.PingInterval) - o.PongWait)
	case dawdles:
		s.timer.Reset(o.PongWait)
	}
	s.mu.Unlock()
	switch {
	case s.ended.Load():
	case !inited:
		s.End(operation.InitTimeout)
	case now.After(expires):
		s.End(operation.Restarting)
	case pinged.IsZero():
		if !s.socket.Send(keepalive) {
			s.End(operation.SlowConsumer)
		}
	case read < pinged.UnixNano() && !dawdles:
		s.ended.Store(true)
		_ = s.conn.Close() // nobody is there to read a close frame; the reader takes it from here
	}
}

func (s *session) onPing(payload string) error {
	s.read.Store(time.Now().UnixNano())
	if err := s.takePing(); err != nil {
		return err
	}
	s.reply(controlFrame(finalPong, []byte(payload)))
	return nil
}

func (s *session) onPong(string) error {
	s.read.Store(time.Now().UnixNano())
	return s.takePing()
}

// reply queues an answer. A peer that asks and never reads has had enough of them.
func (s *session) reply(frame []byte) {
	if !s.socket.Send(frame) {
		s.End(operation.SlowConsumer)
	}
}
