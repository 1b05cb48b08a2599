package main

import (
	"bytes"
	"errors"
	"fmt"
)

// maxHead bounds the head of one answer.
const maxHead = 16 << 10

var (
	errHead   = errors.New("http: the head of an answer is over 16 KiB")
	errLength = errors.New("http: an answer has no Content-Length")

	headEnd    = []byte("\r\n\r\n")
	okStatus   = []byte("HTTP/1.1 200 ")
	lengthName = []byte("\r\ncontent-length: ")
)

// answers cuts what an HTTP/1.1 server sends on one connection into the bodies of its answers, which
// must be 200 and say their length. The zero value is ready; it belongs to one connection. The bodies
// it hands out are only valid during the call.
type answers struct {
	partial []byte // the start of an answer that has not arrived whole
}

// feed takes the next bytes of the connection and calls each for the body of every whole answer.
func (a *answers) feed(b []byte, each func(body []byte) error) error {
	if len(a.partial) == 0 {
		rest, err := cutAnswers(b, each)
		if err == nil && len(rest) > 0 {
			a.partial = append(a.partial[:0], rest...)
		}
		return err
	}
	a.partial = append(a.partial, b...)
	rest, err := cutAnswers(a.partial, each)
	if err == nil {
		a.partial = a.partial[:copy(a.partial, rest)]
	}
	return err
}

func cutAnswers(b []byte, each func(body []byte) error) (rest []byte, err error) {
	for len(b) > 0 {
		head := bytes.Index(b, headEnd)
		switch {
		case head > maxHead, head < 0 && len(b) > maxHead+len(headEnd):
			return nil, errHead
		case head < 0:
			return b, nil
		}
		size, err := bodySize(b[:head])
		if err != nil {
			return nil, err
		}
		from := head + len(headEnd)
		if len(b)-from < size {
			return b, nil
		}
		if err := each(b[from : from+size]); err != nil {
			return nil, err
		}
		b = b[from+size:]
	}
	return b, nil
}

// bodySize reads the head of an answer.
func bodySize(head []byte) (int, error) {
	if !bytes.HasPrefix(head, okStatus) {
		return 0, fmt.Errorf("http: refused: %q", head)
	}
	n, ok := numberAfter(bytes.ToLower(head), lengthName)
	switch {
	case !ok:
		return 0, errLength
	case n > maxMessage:
		return 0, errTooBig
	}
	return int(n), nil
}
