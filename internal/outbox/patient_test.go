package outbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/work"
)

// piped is a socket on a connection in memory, for a synctest bubble: what is written waits for the
// peer, and time passes only while everybody waits.
func piped(t *testing.T, limits Limits, options SocketOptions) (*Socket, net.Conn) {
	conn, peer := net.Pipe()
	pool := work.NewPool()
	s := NewSocket(conn, pool, oneLine{}, &limits, options.Defaults())
	t.Cleanup(func() {
		s.Close()
		pool.Close()
		_ = peer.Close()
	})
	return s, peer
}

// oneLine is a framer of one line for each event.
type oneLine struct{}

func (oneLine) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(plain{}.AppendFrame(dst, head, body, tail), '\n')
}

func TestHowLongAPeerMayLetAWriteWait(t *testing.T) {
	for _, tt := range []struct {
		name    string
		streams []*Stream
		want    time.Duration
	}{
		{"as long as any, of streams that end the session", []*Stream{{}}, 5 * time.Second},
		{"longer, of a patient stream", []*Stream{{Overflow: DropOldest}}, time.Minute},
		{"longer, of patient streams", []*Stream{{Overflow: Latest}, {Overflow: DropOldest}}, time.Minute},
		{"longer, of one that keeps its events", []*Stream{{Keeps: true}}, time.Minute},
		{"longer, of both kinds", []*Stream{{Keeps: true}, {Overflow: Latest}}, time.Minute},
		{"as long as any, where one of the streams would end the session", []*Stream{{Overflow: Latest}, {}, {Keeps: true}}, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := piped(t, Limits{Events: 100, Bytes: 1 << 20}, SocketOptions{})
				release := make(chan struct{})
				for range work.MaxWorkers {
					s.pool.Submit(stuck(release))
				}
				for _, stream := range tt.streams {
					s.Offer(stream, event(1, ""))
				}
				close(release) // now everything is offered, and the first write begins
				time.Sleep(tt.want - time.Second)
				synctest.Wait()
				if err := s.Err(); err != nil {
					t.Fatalf("given up too early: %v", err)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if s.Err() == nil {
					t.Error("not given up")
				}
			})
		})
	}
}

// A client reads 5 events a second of the 1,000 that are published about ten products, for two minutes.
func TestASlowReaderOfTheLatestEndsOnTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		losses := new(Losses)
		s, peer := piped(t, Limits{Events: 256, Bytes: 1 << 20, Losses: losses}, SocketOptions{})
		stream := &Stream{Overflow: Latest}
		const products, events = 10, 120_000
		newest := make([]int, products)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range events {
				product := i * 7 % products
				newest[product] = i
				e := Event{Body: fmt.Appendf(nil, `{"product":%d,"n":%d}`, product, i), Key: fmt.Sprint("price.", product)}
				if verdict := s.Offer(stream, e); verdict != Queued {
					t.Errorf("event %d: %v", i, verdict)
				}
				if n, _ := s.Waiting(); n > products {
					t.Errorf("%d events wait for %d products", n, products)
				}
				time.Sleep(time.Millisecond)
			}
		}()
		in, read, dropped := bufio.NewScanner(peer), 0, 0
		for got := make([]int, products); read+dropped < events && in.Scan(); {
			var line struct {
				Product, N int
				Extensions struct{ Dropped int }
			}
			if err := json.Unmarshal(in.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if line.N < got[line.Product] {
				t.Fatalf("product %d: %d after %d", line.Product, line.N, got[line.Product])
			}
			got[line.Product] = line.N
			read, dropped = read+1, dropped+line.Extensions.Dropped
			if read+dropped == events {
				<-done
				if fmt.Sprint(got) != fmt.Sprint(newest) {
					t.Errorf("the reader ends on %v, want %v", got, newest)
				}
			}
			time.Sleep(time.Second / 5)
		}
		if s.Err() != nil || read+dropped != events || int(losses.Conflated.Load()) != dropped {
			t.Errorf("%v: %d were read and %d told as lost of %d; %d counted", s.Err(), read, dropped, events, losses.Conflated.Load())
		}
		if read < 600 || read > 1000 {
			t.Errorf("%d events in two minutes at 5 a second", read)
		}
	})
}
