package outbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// notSent is how many bytes the kernel holds for a connection that it has not sent yet.
func notSent(t *testing.T, conn net.Conn) (n int32) {
	t.Helper()
	const unsent = 0x894B // SIOCOUTQNSD
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, unsent, uintptr(unsafe.Pointer(&n))); e != 0 {
			err = e
		}
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// What the kernel has taken cannot give way to a newer event.
func TestTheKernelHoldsLittleForAPatientStream(t *testing.T) {
	const most, events = 10, 20_000
	for _, tt := range []struct {
		name     string
		overflow Overflow
		least    int32
		greatest int32
	}{
		{"of a patient stream", DropOldest, 0, 16 << 10},
		{"of another", Disconnect, 16<<10 + 1, 1 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, peer := pair(t, Limits{Events: events, Bytes: 1 << 30}, SocketOptions{})
			stream := &Stream{Overflow: tt.overflow}
			if stream.patient() {
				stream.Most = most
			}
			body := bytes.Repeat([]byte("x"), 1<<10)
			for i := range events {
				s.Offer(stream, Event{Body: append(fmt.Appendf(nil, "%d ", i), body...)})
			}
			until(t, func() bool { return s.waiting.waiting() }) // the peer does not read
			if n := notSent(t, s.conn); n < tt.least || n > tt.greatest {
				t.Errorf("the kernel holds %d bytes that it has not sent, want %d to %d", n, tt.least, tt.greatest)
			}
			if !stream.patient() {
				return
			}
			s.LastWords([]byte("bye"), false, time.Now().Add(10*time.Second))
			got, err := io.ReadAll(peer)
			if err != nil || !bytes.HasSuffix(got, []byte("bye")) || !bytes.Contains(got, fmt.Appendf(nil, "[%d ", events-1)) {
				t.Errorf("%d bytes that do not end with the newest event and the last words; %v", len(got), err)
			}
		})
	}
}

// The close frame reaches a slow reader although the kernel takes little in advance.
func TestLastWordsOfAPatientStreamHaveRoom(t *testing.T) {
	s, peer := pair(t, Limits{Events: 256, Bytes: 1 << 20}, SocketOptions{})
	stream := &Stream{Overflow: DropOldest}
	for range 10_000 {
		s.Offer(stream, Event{Body: bytes.Repeat([]byte("x"), 1<<10)})
	}
	until(t, func() bool { return s.waiting.waiting() })
	s.LastWords([]byte("bye"), true, time.Now().Add(10*time.Second))
	until(t, func() bool { return !s.waiting.waiting() }) // before anything is read
	got, err := io.ReadAll(peer)
	if err != nil || !bytes.HasSuffix(got, []byte("]bye")) {
		t.Errorf("%d bytes that do not end with a whole frame and the last words; %v", len(got), err)
	}
}
