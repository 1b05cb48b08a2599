//go:build linux

package gateway_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Opcodes of RFC 6455, section 5.2, and the bit that says a frame is a whole message.
const (
	opText  = 0x1
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
	final   = 0x80
)

// A reader is a session of graphql-transport-ws with one subscription, as cheap as one can be: a bare
// socket that somebody else waits for. A thousand of them leave the machine to the gateway.
type reader struct {
	fd      int
	partial []byte // the beginning of a frame that has not come whole
	next    int    // number of the event that comes next: all before it came, or are told as lost
	stalled bool   // it does not read
	lenient bool   // it has stalled: events may be missing
	numbers []int  // of the events that came since
	lost    int    // events that are told as lost since
	closed  int    // code of the close frame that came; 0: none
}

// join opens a socket to a server, as far as the subscription, without waiting until that has begun.
// receive bounds what the kernel takes in for who does not read, in bytes; 0: as it likes.
func join(server netip.AddrPort, query string, receive int) (*reader, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	r := &reader{fd: fd}
	if err := r.join(server, query, receive); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return r, nil
}

func (r *reader) join(server netip.AddrPort, query string, receive int) error {
	if receive > 0 { // before connecting, which offers the window
		if err := unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receive); err != nil {
			return fmt.Errorf("receive buffer: %w", err)
		}
	}
	patient := unix.Timeval{Sec: 30}
	if err := unix.SetsockoptTimeval(r.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patient); err != nil {
		return fmt.Errorf("receive timeout: %w", err)
	}
	if err := unix.Connect(r.fd, &unix.SockaddrInet4{Addr: server.Addr().As4(), Port: int(server.Port())}); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	request := fmt.Appendf(nil, "GET /graphql HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YSByZWFkZXIgb2YgbWFueQ==\r\n"+
		"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", server)
	if err := r.ask(request, "\r\n\r\n"); err != nil {
		return err
	}
	if err := r.ask(clientFrame(opText, []byte(`{"type":"connection_init"}`)), `"connection_ack"}`); err != nil {
		return err
	}
	subscribe := fmt.Appendf(nil, `{"id":"1","type":"subscribe","payload":{"query":%q}}`, query)
	if err := r.ask(clientFrame(opText, subscribe), ""); err != nil {
		return err
	}
	return unix.SetNonblock(r.fd, true)
}

// receive reads from a socket that blocks, which Go's own signals interrupt.
func receive(fd int, buffer []byte) (int, error) {
	for {
		if n, err := unix.Read(fd, buffer); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// ask writes, and reads up to the end of the answer, which nothing follows.
func (r *reader) ask(question []byte, end string) error {
	if _, err := unix.Write(r.fd, question); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	var answer []byte
	for !bytes.HasSuffix(answer, []byte(end)) {
		b := make([]byte, 1024)
		n, err := receive(r.fd, b)
		if err != nil || n == 0 {
			return fmt.Errorf("read: %q and no more: %w", answer, err)
		}
		answer = append(answer, b[:n]...)
	}
	return nil
}

// frames calls each for every whole frame among the bytes that have come, and keeps the rest.
func (r *reader) frames(b []byte, each func(op byte, payload []byte)) {
	if len(r.partial) > 0 {
		r.partial = append(r.partial, b...)
		b = r.partial
	}
	for {
		op, payload, size := cutFrame(b)
		if size == 0 {
			r.partial = append(r.partial[:0], b...)
			return
		}
		each(op, payload)
		b = b[size:]
	}
}

// cutFrame finds the first frame of b, of which no payload is larger than 64 KiB; size 0: it has not
// come whole.
func cutFrame(b []byte) (op byte, payload []byte, size int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	head, length := 2, int(b[1])
	if length == 126 {
		if len(b) < 4 {
			return 0, nil, 0
		}
		head, length = 4, int(binary.BigEndian.Uint16(b[2:]))
	}
	if len(b) < head+length {
		return 0, nil, 0
	}
	return b[0] &^ final, b[head : head+length], head + length
}

// clientFrame is a frame masked by zeros, which leave the payload as it is.
func clientFrame(op byte, payload []byte) []byte {
	b := []byte{final | op, 0x80 | byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{final | op, 0x80 | 126}, uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}
