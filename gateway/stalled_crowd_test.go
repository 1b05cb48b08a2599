//go:build linux

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

// window is what the kernel is asked to take in for the one that stalls, in bytes. It takes twice that.
const window = 16 << 10

// A crowd is a gateway on loopback and its readers, of which the first one may stall. Whoever calls its
// methods is publisher and readers in one goroutine. The others must have every event, in order, or the
// test is over.
type crowd struct {
	testing.TB
	gateway   *gateway.Gateway
	broker    *memory.Broker
	server    netip.AddrPort
	query     string
	epoll     int
	ready     []unix.EpollEvent
	buffer    []byte
	readers   []*reader
	published int
	losses    int             // what the gateway had counted as lost when the first reader stalled
	took      []time.Duration // how long events took to the others, since somebody asked last
}

// gather starts a gateway and has readers subscribe to a query. So many events may wait for each; 0: as by default.
func gather(tb testing.TB, readers, events int, query string) *crowd {
	tb.Helper()
	c := &crowd{TB: tb, broker: memory.New(), query: query, ready: make([]unix.EpollEvent, 256), buffer: make([]byte, 256<<10)}
	c.serve(events)
	var err error
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.leave)
	c.readers = make([]*reader, readers)
	for i := range c.readers {
		c.join(i)
	}
	c.members(readers)
	return c
}

func (c *crowd) serve(events int) {
	c.Helper()
	g, err := gateway.New(testschema.New(), gateway.Options{
		Broker: c.broker,
		Log:    slog.New(slog.DiscardHandler),
		WebSocket: graphqlws.Options{
			Outbox: outbox.Limits{Events: events},
			// However slow the machine is, it is a full outbox that ends a session, and no clock.
			PingInterval: time.Hour,
			Socket:       outbox.SocketOptions{Deadline: time.Hour, Stall: time.Hour},
		},
	})
	if err != nil {
		c.Fatal(err)
	}
	server := httptest.NewServer(g)
	c.gateway, c.server = g, netip.MustParseAddrPort(server.Listener.Addr().String())
	c.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := errors.Join(g.Close(ctx, 0), c.broker.Close()); err != nil {
			c.Error(err)
		}
		server.Close()
	})
}

// leave closes what is open. Their gateway sees it and ends the sessions.
func (c *crowd) leave() {
	for _, r := range c.readers {
		if r != nil && r.closed == 0 {
			_ = unix.Close(r.fd)
		}
	}
	_ = unix.Close(c.epoll)
}

// join opens a session.
func (c *crowd) join(i int) {
	c.Helper()
	receive := 0
	if i == 0 {
		receive = window
	}
	r, err := join(c.server, c.query, receive)
	if err != nil {
		c.Fatalf("reader %d: %v", i, err)
	}
	r.next = c.published
	c.readers[i] = r
	c.listen(i)
}

// listen has the readers' loop wait for one of them too.
func (c *crowd) listen(i int) {
	c.Helper()
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, c.readers[i].fd, &event); err != nil {
		c.Fatal(err)
	}
}

// members waits until so many subscriptions are under way.
func (c *crowd) members(want int) {
	c.Helper()
	if err := redistest.Poll(time.Minute, func() error {
		if s := c.gateway.Stats(); s.Members != want || s.Starting > 0 {
			return fmt.Errorf("%d subscriptions and %d to come, want %d", s.Members, s.Starting, want)
		}
		return nil
	}); err != nil {
		c.Fatal(err)
	}
}

// publish publishes the next event.
func (c *crowd) publish() {
	c.Helper()
	sayNumber(c, c.broker, c.published)
	c.published++
}

// catchUp reads until all who read have, or know of, every event.
func (c *crowd) catchUp() {
	c.Helper()
	behind := func(r *reader) bool { return !r.stalled && r.closed == 0 && r.next < c.published }
	for deadline := time.Now().Add(time.Minute); slices.ContainsFunc(c.readers, behind); {
		if time.Now().After(deadline) {
			i := slices.IndexFunc(c.readers, behind)
			c.Fatalf("reader %d waits for event %d of %d", i, c.readers[i].next, c.published)
		}
		c.step(time.Second)
	}
}

// readUntil reads what comes until then.
func (c *crowd) readUntil(then time.Time) {
	c.Helper()
	for left := time.Until(then); left > 0; left = time.Until(then) {
		c.step(left)
	}
}

// step waits for the sockets, at most so long and a millisecond, and reads from those that have something.
func (c *crowd) step(timeout time.Duration) {
	c.Helper()
	n, err := unix.EpollWait(c.epoll, c.ready, int((timeout+time.Millisecond-1)/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		c.Fatal(err)
	}
	for _, event := range c.ready[:max(n, 0)] {
		c.read(int(event.Fd))
	}
}

func (c *crowd) read(i int) {
	c.Helper()
	r := c.readers[i]
	n, err := unix.Read(r.fd, c.buffer)
	if err != nil || n == 0 {
		c.Fatalf("reader %d, at event %d: %d bytes and %v", i, r.next, n, err)
	}
	now := time.Now().UnixNano()
	r.frames(c.buffer[:n], func(op byte, payload []byte) {
		switch op {
		case opText:
			if a, ok := parseArrival(payload); ok {
				c.arrived(i, a, now)
			}
		case opPing:
			_, _ = unix.Write(r.fd, clientFrame(opPong, payload)) // who does not read it is told by a close frame
		case opClose:
			c.closed(i, payload)
		}
	})
}

func (c *crowd) arrived(i int, a arrival, now int64) {
	c.Helper()
	r := c.readers[i]
	switch {
	case r.lenient:
		r.numbers = append(r.numbers, a.number)
		r.lost += a.dropped
	case a.number != r.next || a.dropped != 0:
		c.Fatalf("reader %d got event %d and is told of %d lost ones, want event %d", i, a.number, a.dropped, r.next)
	}
	r.next += 1 + a.dropped
	if i > 0 {
		c.took = append(c.took, time.Duration(now-a.sent))
	}
}

func (c *crowd) closed(i int, payload []byte) {
	c.Helper()
	r := c.readers[i]
	if !r.lenient || len(payload) < 2 {
		c.Fatalf("reader %d, at event %d: closed by %q", i, r.next, payload)
	}
	r.closed = int(payload[0])<<8 | int(payload[1])
	_ = unix.Close(r.fd)
}
