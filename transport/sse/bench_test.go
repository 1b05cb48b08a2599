package sse_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// BenchmarkFanOut sends bursts of events to a thousand streams over TCP. An operation is one event;
// the processor time of one delivery includes the clients', who only count.
func BenchmarkFanOut(b *testing.B) {
	const streams = 1000
	for _, burst := range []int{1, 32} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			node := transporttest.NewNode(b)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			server := &http.Server{Handler: distinct(node)}
			var running sync.WaitGroup
			running.Go(func() { _ = server.Serve(listener) })
			defer running.Wait()
			defer server.Close()

			var received atomic.Int64
			for range streams {
				conn := subscribe(b, listener.Addr().String())
				running.Go(func() { count(conn, &received) })
			}
			for node.Engine.Stats().Members < streams {
				time.Sleep(time.Millisecond)
			}
			body := []byte(`{"productId":"1","price":"9.99","currency":"EUR","revision":2,"note":"~","changedAt":"2026-11-21T10:00:00Z"}`)
			start := processorTime()
			b.ReportAllocs()
			for sent := 0; b.Loop(); {
				_ = node.Broker.Publish(context.Background(), "price.1", body)
				if sent++; sent%burst == 0 {
					for received.Load() < int64(sent)*streams {
						time.Sleep(50 * time.Microsecond)
					}
				}
			}
			b.ReportMetric(float64((processorTime()-start).Nanoseconds())/float64(b.N)/streams, "cpu-ns/delivery")
		})
	}
}

func subscribe(b *testing.B, address string) net.Conn {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	text := body(`subscription { priceChanged(productIds: ["1"]) { productId price revision note } }`, nil, nil)
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

func count(conn net.Conn, received *atomic.Int64) {
	defer conn.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		received.Add(int64(bytes.Count(buf[:n], []byte{'~'})))
	}
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
