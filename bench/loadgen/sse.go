package main

import (
	"bytes"
	"errors"
	"fmt"
)

var errChunk = errors.New("sse: broken chunk size")

// A stream cuts an HTTP/1.1 event stream into events. The zero value is ready; it belongs to one
// connection. The events it hands out are only valid during the call.
type stream struct {
	head    []byte // the response head until it is whole
	opened  bool   // whether the head was read
	chunked bool
	ended   bool // the last chunk was read

	left    int    // bytes of the current chunk not read yet
	line    []byte // a chunk size line that has not arrived whole
	trailer bool   // the line end after a chunk's data comes next
	event   []byte // an event that has not arrived whole
}

// feed takes the next bytes of the connection and calls each for every whole event, without the blank
// line that ends it. Comments are events of their own here.
func (s *stream) feed(b []byte, each func(event []byte) error) error {
	if !s.opened {
		s.head = append(s.head, b...)
		end := bytes.Index(s.head, []byte("\r\n\r\n"))
		if end < 0 {
			return nil
		}
		head := bytes.ToLower(s.head[:end])
		b, s.head = s.head[end+4:], nil
		if !bytes.HasPrefix(head, []byte("http/1.1 200")) || !bytes.Contains(head, []byte("text/event-stream")) {
			return fmt.Errorf("sse: no stream: %q %q", head, b)
		}
		s.opened = true
		s.chunked = bytes.Contains(head, []byte("\r\ntransfer-encoding: chunked"))
	}
	if !s.chunked {
		return s.data(b, each)
	}
	for len(b) > 0 && !s.ended {
		if s.left > 0 {
			n := min(s.left, len(b))
			s.left -= n
			s.trailer = s.left == 0
			if err := s.data(b[:n], each); err != nil {
				return err
			}
			b = b[n:]
			continue
		}
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			s.line = append(s.line, b...)
			return nil
		}
		line := b[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line, s.line = s.line, s.line[:0]
		}
		b = b[end+1:]
		if s.trailer {
			s.trailer = false
			continue
		}
		size, err := chunkSize(line)
		if err != nil {
			return err
		}
		s.left, s.ended = size, size == 0
	}
	return nil
}

func chunkSize(line []byte) (int, error) {
	n, digits := 0, 0
	for _, c := range line {
		var d byte
		switch {
		case '0' <= c && c <= '9':
			d = c - '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			d = c | 0x20 - 'a' + 10
		case digits > 0 && (c == '\r' || c == ';' || c == ' '):
			return n, nil
		default:
			return 0, errChunk
		}
		if digits++; digits > 7 {
			return 0, errChunk
		}
		n = n<<4 | int(d)
	}
	if digits == 0 {
		return 0, errChunk
	}
	return n, nil
}

func (s *stream) data(b []byte, each func(event []byte) error) error {
	if len(s.event) > 0 {
		if len(s.event)+len(b) > maxMessage {
			return errTooBig
		}
		s.event = append(s.event, b...)
		rest, err := events(s.event, each)
		s.event = s.event[:copy(s.event, rest)]
		return err
	}
	rest, err := events(b, each)
	s.event = append(s.event[:0], rest...)
	return err
}

func events(b []byte, each func(event []byte) error) (rest []byte, err error) {
	for {
		end := bytes.Index(b, []byte("\n\n"))
		if end < 0 {
			return b, nil
		}
		if err := each(b[:end]); err != nil {
			return nil, err
		}
		b = b[end+2:]
	}
}
