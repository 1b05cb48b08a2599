package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

type phase byte

const (
	upgrading phase = iota
	initialising
	subscribing
	open
	gone
)

// A session is one connection with one subscription.
type session struct {
	fd       int
	sse      bool
	phase    phase
	proved   bool // whether an event has arrived, so the subscription is known to live
	last     int64
	topic    *topic
	document string

	head   []byte // the upgrade's response until it is whole
	frames frames
	stream stream
}

var (
	ackType      = []byte(`"connection_ack"`)
	pongType     = []byte(`"type":"pong"`)
	pingType     = []byte(`"type":"ping"`)
	errorType    = []byte(`"type":"error"`)
	completeType = []byte(`"type":"complete"`)
	errorsKey    = []byte(`"errors":[`)
	completeLine = []byte("event: complete")

	pingFrame = appendFrame(nil, opText, []byte(`{"type":"ping"}`))
	pongFrame = appendFrame(nil, opText, []byte(`{"type":"pong"}`))
)

// initFrame is connection_init, with a token unless it is empty.
func initFrame(token string) []byte {
	if token == "" {
		return appendFrame(nil, opText, []byte(`{"type":"connection_init"}`))
	}
	return appendFrame(nil, opText, fmt.Appendf(nil, `{"type":"connection_init","payload":{"Authorization":"Bearer %s"}}`, token))
}

var errClosed = errors.New("closed by the server")

// dial opens a socket from a local address and sends the first request. The connect blocks: on
// loopback it ends within the call.
func dial(from, to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	for _, option := range [][3]int{
		{unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}, // the port is free for other targets
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		if err = unix.SetsockoptInt(fd, option[0], option[1], option[2]); err != nil {
			return -1, fmt.Errorf("setsockopt: %w", err)
		}
	}
	// Closing resets, so that thousands of sockets leave nothing in TIME_WAIT for the next scenario.
	if err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return -1, fmt.Errorf("setsockopt: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: from.Addr().As4()}); err != nil {
		return -1, fmt.Errorf("bind %v: %w", from, err)
	}
	if err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
		return -1, fmt.Errorf("connect %v: %w", to, err)
	}
	return fd, unix.SetNonblock(fd, true)
}

// operation is the request's JSON object for the session's document and topic.
func (s *session) operation() []byte {
	b := append([]byte(nil), `{"query":`...)
	b = strconv.AppendQuote(b, s.document)
	b = append(b, `,"variables":{"ids":["`...)
	b = append(b, s.topic.product...)
	return append(b, `"]}}`...)
}

// request is what the session sends first.
func (s *session) request(host, path string) []byte {
	if !s.sse {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2x1aWNlIGJlbmNoIGtleQ==\r\n"+
			"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", path, host)
	}
	body := s.operation()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
}

func (s *session) write(b []byte) error {
	n, err := unix.Write(s.fd, b)
	if err == nil && n < len(b) {
		err = errors.New("short write") // never: the socket's buffer is far larger
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// message handles what is not an event: the handshake, pings and refusals. It reports whether the
// session has just become open.
func (s *session) message(b []byte) (opened bool, err error) {
	switch {
	case bytes.Contains(b, errorType), bytes.Contains(b, errorsKey), bytes.Contains(b, completeType),
		s.sse && bytes.Contains(b, completeLine):
		return false, fmt.Errorf("refused: %s", b)
	case s.sse:
		return false, nil
	case s.phase == initialising && bytes.Contains(b, ackType):
		subscribe := append([]byte(`{"id":"1","type":"subscribe","payload":`), s.operation()...)
		// The pong says that the server has read the subscribe before it: there is no other answer to it.
		frames := append(appendFrame(nil, opText, append(subscribe, '}')), pingFrame...)
		s.phase = subscribing
		return false, s.write(frames)
	case s.phase == subscribing && bytes.Contains(b, pongType):
		s.phase = open
		return true, nil
	case bytes.Contains(b, pingType):
		return false, s.write(pongFrame)
	}
	return false, nil
}
