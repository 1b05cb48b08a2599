package outbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// pair is a socket and the connection of its peer.
func pair(t testing.TB, limits Limits, options SocketOptions) (*Socket, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	pool := work.NewPool()
	s := NewSocket(conn, pool, brackets{}, &limits, options.Defaults())
	t.Cleanup(func() {
		s.Close()
		pool.Close()
		_ = peer.Close()
	})
	return s, peer
}

func TestAReaderThatPausesLosesNothing(t *testing.T) {
	s, peer := pair(t, Limits{Events: 1 << 20, Bytes: 1 << 30}, SocketOptions{Buffer: 4 << 10})
	stream := new(Stream)
	body := bytes.Repeat([]byte("x"), 1<<10)
	var want bytes.Buffer
	for i := range 5000 { // 5 MiB, far more than the kernel holds: a goroutine takes over
		numbered := append(fmt.Appendf(nil, "%d ", i), body...)
		if s.Offer(stream, Event{Body: numbered}) != Queued {
			t.Fatal("refused")
		}
		want.Write(brackets{}.AppendFrame(nil, nil, numbered, nil))
	}
	s.LastWords([]byte("bye"), false, time.Now().Add(10*time.Second))
	want.WriteString("bye")
	got, err := io.ReadAll(peer) // to the end: the socket shuts its half
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes, want %d; %v", len(got), want.Len(), err)
	}
}

func TestLastWordsReachAPeerThatReadsAgainLater(t *testing.T) {
	s, peer := pair(t, Limits{Events: 1 << 20, Bytes: 1 << 30}, SocketOptions{Buffer: 16 << 10})
	stream := new(Stream)
	for range 10_000 {
		s.Offer(stream, Event{Body: bytes.Repeat([]byte("x"), 1<<10)})
	}
	until(t, func() bool { _, b := s.Waiting(); return b < 10_000<<10-64<<10 }) // the kernel is full
	s.LastWords([]byte("bye"), true, time.Now().Add(10*time.Second))
	got, err := io.ReadAll(peer)
	if err != nil || !bytes.HasSuffix(got, []byte("]bye")) {
		t.Errorf("%d bytes that do not end with a whole frame and the last words; %v", len(got), err)
	}
}

func TestAPeerThatNeverReadsIsGivenUp(t *testing.T) {
	s, _ := pair(t, Limits{Events: 1 << 20, Bytes: 1 << 30}, SocketOptions{Deadline: 50 * time.Millisecond, Buffer: 4 << 10})
	stream := new(Stream)
	until(t, func() bool { return s.Offer(stream, Event{Body: bytes.Repeat([]byte("x"), 64<<10)}) == Closed })
	until(t, func() bool { return s.Err() != nil })
	if events, size := s.Waiting(); events != 0 || size != 0 {
		t.Errorf("%d events and %d bytes are held for a peer that is gone", events, size)
	}
}

// A machine that is too busy to write is not a peer that is too slow to read.
func TestABurstOfMoreThanTheLimitPassesWhileEveryWorkerIsBusy(t *testing.T) {
	s, peer := pair(t, Limits{Events: 16, Bytes: 1 << 20}, SocketOptions{})
	release := make(chan struct{})
	for range work.MaxWorkers + 1 {
		s.pool.Submit(stuck(release))
	}
	stream := new(Stream)
	const events = 2000 // together less than the kernel holds
	for i := range events {
		if verdict := s.Offer(stream, Event{Body: fmt.Append(nil, i)}); verdict != Queued {
			t.Fatalf("event %d: %v", i, verdict)
		}
	}
	s.LastWords(nil, false, time.Now().Add(10*time.Second))
	close(release)
	for want := range events {
		var got int
		if _, err := fmt.Fscanf(peer, "[%d]", &got); err != nil || got != want {
			t.Fatalf("%d, want %d; %v", got, want, err)
		}
	}
}

type stuck chan struct{}

func (s stuck) Run() { <-s }

func TestManyWritersOneOrderEach(t *testing.T) {
	s, peer := pair(t, Limits{Events: 1 << 20, Bytes: 1 << 30}, SocketOptions{})
	const writers, each = 8, 500
	var all sync.WaitGroup
	for w := range writers {
		stream := &Stream{Head: fmt.Appendf(nil, "%d ", w)}
		all.Go(func() {
			for i := range each {
				s.Offer(stream, Event{Body: fmt.Append(nil, i)})
			}
		})
	}
	next := make([]int, writers)
	for range writers * each {
		var w, i int
		if _, err := fmt.Fscanf(peer, "[%d %d]", &w, &i); err != nil {
			t.Fatal(err)
		}
		if i != next[w] {
			t.Fatalf("writer %d: %d, want %d", w, i, next[w])
		}
		next[w]++
	}
	all.Wait()
}

func until(t testing.TB, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("never")
		case <-tick.C:
		}
	}
}

func BenchmarkOfferAndTake(b *testing.B) {
	o, _ := box(256, 1<<20)
	s := &Stream{Head: []byte(`{"id":"1","type":"next","payload":`), Tail: []byte("}")}
	body := bytes.Repeat([]byte("x"), 200)
	o.framer = plain{}
	buf := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		o.Offer(s, Event{Body: body})
		buf, _ = o.Take(buf[:0], 1<<10)
		buf, _ = o.Take(buf[:0], 1<<10)
	}
}

type plain struct{}

func (plain) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body...), tail...)
}
