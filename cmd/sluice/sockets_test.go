//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/operation"
)

// Sockets are many sessions of graphql-transport-ws with one subscription each, none of which has a
// goroutine.
type sockets struct {
	*testing.T
	epoll int
	open  map[int32]struct{}
}

// gatherSockets opens so many sessions; their subscriptions are on the way. The end of the test closes
// those that are left.
func gatherSockets(t *testing.T, address string, n int) *sockets {
	t.Helper()
	server := netip.MustParseAddrPort(address)
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	s := &sockets{t, epoll, make(map[int32]struct{}, n)}
	t.Cleanup(s.leave)
	var mu sync.Mutex // guards s.open
	var joining sync.WaitGroup
	for worker := range 8 {
		joining.Go(func() {
			for i := worker; i < n; i += 8 {
				fd, err := openSocket(server)
				if err == nil {
					err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
				}
				if err != nil {
					t.Errorf("socket %d: %v", i, err)
					return
				}
				mu.Lock()
				s.open[int32(fd)] = struct{}{}
				mu.Unlock()
			}
		})
	}
	joining.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return s
}

func (s *sockets) leave() {
	for fd := range s.open {
		_ = unix.Close(int(fd))
	}
	_ = unix.Close(s.epoll)
}

// readToTheEnd reads until each session was closed, and returns when the first was and when the last. One
// that is closed otherwise than for a restart fails the test.
func (s *sockets) readToTheEnd() (first, last time.Time) {
	s.Helper()
	events, buffer := make([]unix.EpollEvent, 256), make([]byte, 4096)
	patience := time.Now().Add(time.Minute)
	for len(s.open) > 0 {
		if time.Now().After(patience) {
			s.Fatalf("%d sessions are open after a minute", len(s.open))
		}
		n, _ := unix.EpollWait(s.epoll, events, 1000)
		for _, event := range events[:max(n, 0)] {
			size, err := unix.Read(int(event.Fd), buffer)
			if said := buffer[:max(size, 0)]; !bytes.Contains(said, restart) {
				if err != nil || size == 0 || bytes.IndexByte(said, opClose) >= 0 {
					s.Fatalf("closed by %q, %v", said, err)
				}
				continue // a ping
			}
			last = time.Now()
			if first.IsZero() {
				first = last
			}
			_ = unix.Close(int(event.Fd))
			delete(s.open, event.Fd)
		}
	}
	return first, last
}

// opClose is the first byte of a close frame.
const opClose = 0x88

// restart is the close frame of a node that restarts.
var restart = func() []byte {
	e := operation.Restarting
	frame := binary.BigEndian.AppendUint16([]byte{opClose, byte(2 + len(e.Reason))}, uint16(e.Close))
	return append(frame, e.Reason...)
}()

// openSocket opens a session, without waiting until its subscription runs.
func openSocket(server netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	patient := unix.Timeval{Sec: 30}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patient); err != nil {
		return 0, fmt.Errorf("receive timeout: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: server.Addr().As4(), Port: int(server.Port())}); err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	for _, step := range []struct{ say, until string }{
		{"GET /graphql HTTP/1.1\r\nHost: sluice.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Key: YSByZWFkZXIgb2YgbWFueQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", "\r\n\r\n"},
		{masked(`{"type":"connection_init"}`), `"connection_ack"}`},
		{masked(`{"id":"1","type":"subscribe","payload":{"query":"subscription { priceChanged { price } }"}}`), ""},
	} {
		if err := converse(fd, step.say, step.until); err != nil {
			return 0, err
		}
	}
	return fd, nil
}

// masked is a text frame of a client, masked by zeros, of less than 126 bytes.
func masked(text string) string {
	return string([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}) + text
}

// converse writes, and reads up to the end of the answer.
func converse(fd int, say, until string) error {
	if _, err := unix.Write(fd, []byte(say)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var answer []byte
	for !bytes.HasSuffix(answer, []byte(until)) {
		b := make([]byte, 1024)
		n, err := unix.Read(fd, b)
		if errors.Is(err, unix.EINTR) { // the scheduler's signals end what has a timeout
			continue
		}
		if err != nil || n == 0 {
			return fmt.Errorf("read: %q and no more: %w", answer, err)
		}
		answer = append(answer, b[:n]...)
	}
	return nil
}
