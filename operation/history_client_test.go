package operation_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// A script is a subscription that clients of a history make.
type script struct {
	query  string
	topics []string
	viewer *auth.Viewer
	begins bool // with a snapshot, where there is one
}

// boardTopic is the topic of the script that begins with a snapshot.
const boardTopic = "kept.3"

var scripts = []script{
	{`subscription { kept(rooms: ["1"]) { text } }`, []string{"kept.1"}, alice, false},
	{`subscription { kept(rooms: ["1"]) { text } }`, []string{"kept.1"}, bob, false},
	{`subscription Again { m: kept(rooms: ["1"]) { room text } }`, []string{"kept.1"}, bob, false},
	{`subscription { kept(rooms: ["2"]) { text } }`, []string{"kept.2"}, alice, false},
	{`subscription { kept(rooms: ["1", "2"]) { text } }`, []string{"kept.1", "kept.2"}, alice, false},
	{`subscription { kept(rooms: ["2", "1"]) { text } }`, []string{"kept.2", "kept.1"}, bob, false},
	{`subscription { board(room: "3") { text } }`, []string{boardTopic}, alice, true},
	{`subscription { kept(rooms: ["3"]) { text } }`, []string{boardTopic}, bob, false},
	{`subscription { keptSecret { text } }`, []string{"kept-secret.alice"}, alice, false},
	{`subscription { keptSecret { text } }`, []string{"kept-secret.alice"}, otherAlice, false},
}

// otherAlice has alice's topics, and is another viewer.
var otherAlice = &auth.Viewer{Consumer: "market", Subject: "alice"}

// A heard is a result as a client has it.
type heard struct{ text, cursor string }

// A connection is an outbox and its subscriptions. Its client reads whenever something waits, or when the history says
// so.
type connection struct {
	box   *outbox.Outbox
	eager chan struct{} // holds a token when something waits; nil: its client is patient
	quit  chan struct{}
	gone  bool

	mu      sync.Mutex // guards what follows, and what its client has
	readers []*listener
	cut     *operation.Ending
	err     error // of its client
}

// Ready implements outbox.Writer.
func (c *connection) Ready() {
	select {
	case c.eager <- struct{}{}:
	default:
	}
}

// Urge implements outbox.Writer.
func (c *connection) Urge(int) bool { return false }

// Slow implements outbox.Writer.
func (c *connection) Slow() bool { return false }

// A listener is one subscription of a client. It is a sink.
type listener struct {
	outbox.Stream
	script *script
	conn   *connection
	op     *operation.Operation
	from   string // the cursor that it comes with; or empty: it begins
	barred bool   // that is none that it may go on after
	came   time.Time
	late   bool // what follows its place could not be had any more when it came

	mu      sync.Mutex // guards what follows
	began   string     // what At has said
	taken   []string   // texts that the outbox has taken
	full    bool       // it has had no room for another, and nobody has said that there is some again
	refused bool       // it was full since all was quiet last
	slow    bool       // it was full once
	opening bool       // it was full for the first result
	ended   bool
	errs    gqlerror.List

	// Of the history.
	got     []heard
	read    int      // results that came from the outbox
	checked int      // of got
	at      []uint64 // the offset of each topic after what was checked; nil: it is not known yet
	joined  bool     // it had everything when all was quiet last
	left    bool
	done    bool // nothing is expected of it any more
}

// newConnection makes a connection on which so many events may wait.
func (h *history) newConnection(events int, eager bool) *connection {
	c := &connection{quit: make(chan struct{})}
	c.box = outbox.New(plain{}, &outbox.Limits{Events: events, Bytes: 1 << 20}, c)
	if eager {
		c.eager = make(chan struct{}, 1)
		h.starting.Go(c.read)
	}
	h.connections = append(h.connections, c)
	return c
}

// read is an eager client.
func (c *connection) read() {
	for {
		select {
		case <-c.eager:
		case <-c.quit:
			return
		}
		for some := true; some; {
			some = c.take(1)
		}
	}
}

// Next implements operation.Sink.
func (l *listener) Next(e outbox.Event) bool {
	_, text, _ := strings.Cut(string(e.Body), `"text":"`)
	text, _, _ = strings.Cut(text, `"`)
	runtime.Gosched() // others have their turn
	if !l.offer(e, text) {
		runtime.Gosched()
		return false
	}
	return true
}

func (l *listener) offer(e outbox.Event, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.conn.box.Offer(&l.Stream, e) {
	case outbox.Full:
		l.full, l.slow, l.refused = true, true, true
		l.opening = l.opening || len(l.taken) == 0
		return false
	case outbox.Queued:
		l.taken = append(l.taken, text)
	}
	return true
}

// At implements the part of a sink that is told where it begins.
func (l *listener) At(cursor []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began = string(cursor)
}

// End implements operation.Sink.
func (l *listener) End(errs gqlerror.List) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended, l.errs = true, errs
	l.conn.box.End(&l.Stream, fmt.Appendf(nil, "%send\n", l.Head))
}

// Disconnect implements operation.Sink.
func (l *listener) Disconnect(e operation.Ending) {
	l.conn.mu.Lock()
	defer l.conn.mu.Unlock()
	l.conn.cut = &e
}

// open makes a subscription on the connection. It does not run yet.
func (c *connection) open(t *testing.T, e *operation.Engine, l *listener, asURL bool) {
	req := operation.Request{Viewer: l.script.viewer, Query: l.script.query, Extensions: map[string]any{"resume": true}}
	switch {
	case l.from != "" && asURL:
		req.LastEventID = l.from
	case l.from != "":
		req.Extensions["resume"] = l.from
	}
	op, errs := e.Prepare(t.Context(), req)
	if errs != nil {
		t.Fatal(errs)
	}
	l.conn, l.op, l.came = c, op, time.Now()
	l.Head, l.Tail = fmt.Appendf(nil, "%d ", len(c.readers)), []byte("\n")
	op.Configure(c.box, &l.Stream)
	room := l.Room
	l.Room = func() {
		l.mu.Lock()
		l.full = false
		l.mu.Unlock()
		room()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readers = append(c.readers, l)
}

// take reads what waits on the connection, most bytes of it and then the rest of that frame. It reports whether
// there was something.
func (c *connection) take(most int) (some bool) {
	frames, _ := c.box.Take(nil, most)
	c.mu.Lock()
	for frame := range strings.Lines(string(frames)) {
		if err := c.understand(frame); err != nil && c.err == nil {
			c.err = fmt.Errorf("the frame %q: %w", frame, err)
		}
	}
	c.mu.Unlock()
	c.box.TellRoom()
	return len(frames) > 0
}

// understand notes what a frame says. It is called with mu held.
func (c *connection) understand(frame string) error {
	number, body, _ := strings.Cut(frame, " ")
	id, err := strconv.Atoi(number)
	if err != nil || body == "end\n" {
		return err
	}
	var r told
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return err
	}
	l := c.readers[id]
	for _, m := range r.Data {
		l.got = append(l.got, heard{m.Text, r.Extensions.Cursor})
		l.read++
	}
	return nil
}

// leave ends a subscription as its client does.
func (l *listener) leave() {
	l.conn.box.Drop(&l.Stream)
	l.op.Stop()
}

// close ends a connection, whoever wants that. It may be called twice.
func (c *connection) close() {
	if c.gone {
		return
	}
	close(c.quit)
	c.box.Abandon()
	for _, l := range c.readers {
		l.op.Stop()
	}
	c.gone = true
}
