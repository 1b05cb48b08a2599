package main

import (
	"encoding/binary"
	"errors"
)

// WebSocket opcodes (RFC 6455, section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// maxMessage bounds what one server message may hold; nothing in the bench comes near it.
const maxMessage = 1 << 20

var (
	errMasked   = errors.New("frame: a server must not mask")
	errReserved = errors.New("frame: reserved bits set, no extension was agreed")
	errTooBig   = errors.New("frame: message over 1 MiB")
	errFragment = errors.New("frame: continuation without a start, or a start within a message")
	errControl  = errors.New("frame: control frame fragmented or over 125 bytes")
)

// frames cuts what a server sends into messages. The zero value is ready; it belongs to one
// connection. The payloads it hands out are only valid during the call.
type frames struct {
	partial []byte // the start of a frame that has not arrived whole
	message []byte // the fragments so far of one message
	within  bool   // whether a fragmented message is open
}

// feed takes the next bytes of the stream and calls each for every whole message and control frame.
func (f *frames) feed(b []byte, each func(op byte, payload []byte) error) error {
	if len(f.partial) == 0 {
		rest, err := f.cut(b, each)
		if err == nil && len(rest) > 0 {
			f.partial = append(f.partial[:0], rest...)
		}
		return err
	}
	f.partial = append(f.partial, b...)
	rest, err := f.cut(f.partial, each)
	if err == nil {
		f.partial = f.partial[:copy(f.partial, rest)]
	}
	return err
}

func (f *frames) cut(b []byte, each func(op byte, payload []byte) error) (rest []byte, err error) {
	for len(b) >= 2 {
		if b[0]&0x70 != 0 {
			return nil, errReserved
		}
		if b[1]&0x80 != 0 {
			return nil, errMasked
		}
		head, size := 2, uint64(b[1])
		switch size {
		case 126:
			if len(b) < 4 {
				return b, nil
			}
			head, size = 4, uint64(binary.BigEndian.Uint16(b[2:]))
		case 127:
			if len(b) < 10 {
				return b, nil
			}
			head, size = 10, binary.BigEndian.Uint64(b[2:])
		}
		if size > maxMessage {
			return nil, errTooBig
		}
		end := head + int(size)
		if len(b) < end {
			return b, nil
		}
		if err := f.frame(b[0]&0x80 != 0, b[0]&0x0f, b[head:end], each); err != nil {
			return nil, err
		}
		b = b[end:]
	}
	return b, nil
}

func (f *frames) frame(final bool, op byte, payload []byte, each func(byte, []byte) error) error {
	switch {
	case op >= opClose:
		if !final || len(payload) > 125 {
			return errControl
		}
		return each(op, payload)
	case (op == opContinuation) != f.within:
		return errFragment
	case final && !f.within:
		return each(op, payload)
	}
	if !f.within {
		f.message = f.message[:0]
	}
	f.within = !final
	if len(f.message)+len(payload) > maxMessage {
		return errTooBig
	}
	f.message = append(f.message, payload...)
	if !final {
		return nil
	}
	return each(opText, f.message)
}

// mask is the key of every client frame: a server unmasks the same way whatever the key is.
var mask = [4]byte{0x5a, 0x17, 0xc3, 0x88}

// appendFrame appends one final, masked client frame.
func appendFrame(b []byte, op byte, payload []byte) []byte {
	b = append(b, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, 0x80|127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, mask[:]...)
	for i, c := range payload {
		b = append(b, c^mask[i&3])
	}
	return b
}
