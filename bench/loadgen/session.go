package main

import (
	"bytes"
	"fmt"
)

type phase byte

const (
	upgrading phase = iota
	initialising
	subscribing
	open
)

// A session is one connection with one operation, over WebSocket or SSE.
type session struct {
	conn      *conn
	sse       bool
	phase     phase
	init      []byte // the frame of connection_init
	operation []byte // the request's JSON object

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

// request is what the session sends first.
func (s *session) request(host, path string) []byte {
	if !s.sse {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2x1aWNlIGJlbmNoIGtleQ==\r\n"+
			"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", path, host)
	}
	return post(host, path, "Accept: text/event-stream\r\n", s.operation)
}

// post is an HTTP request of an operation, with more headers.
func post(host, path, headers string, operation []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, host, headers, len(operation), operation)
}

// feed takes the next bytes of the connection and calls each for every event and text message.
func (s *session) feed(b []byte, each func(message []byte) error) error {
	if s.sse {
		err := s.stream.feed(b, each)
		if err == nil && s.stream.opened {
			s.phase = open
		}
		return err
	}
	if s.phase == upgrading {
		s.head = append(s.head, b...)
		end := bytes.Index(s.head, []byte("\r\n\r\n"))
		if end < 0 {
			return nil
		}
		if !bytes.HasPrefix(s.head, []byte("HTTP/1.1 101")) {
			return fmt.Errorf("upgrade refused: %q", s.head)
		}
		b, s.head = s.head[end+4:], nil
		s.phase = initialising
		if err := s.conn.write(s.init); err != nil {
			return err
		}
	}
	return s.frames.feed(b, func(op byte, payload []byte) error {
		switch op {
		case opText:
			return each(payload)
		case opPing:
			return s.conn.write(appendFrame(nil, opPong, payload))
		case opClose:
			code := 0
			if len(payload) >= 2 {
				code, payload = int(payload[0])<<8|int(payload[1]), payload[2:]
			}
			return fmt.Errorf("closed by the server: %d %s", code, payload)
		}
		return nil
	})
}

// message handles what is no result: the handshake, pings and refusals.
func (s *session) message(b []byte) error {
	switch {
	case bytes.Contains(b, errorType), bytes.Contains(b, errorsKey), bytes.Contains(b, completeType),
		s.sse && bytes.Contains(b, completeLine):
		return fmt.Errorf("refused: %s", b)
	case s.sse:
		return nil
	case s.phase == initialising && bytes.Contains(b, ackType):
		subscribe := append([]byte(`{"id":"1","type":"subscribe","payload":`), s.operation...)
		// The pong says that the server has read the subscribe before it: there is no other answer to it.
		frames := append(appendFrame(nil, opText, append(subscribe, '}')), pingFrame...)
		s.phase = subscribing
		return s.conn.write(frames)
	case s.phase == subscribing && bytes.Contains(b, pongType):
		s.phase = open
	case bytes.Contains(b, pingType):
		return s.conn.write(pongFrame)
	}
	return nil
}
