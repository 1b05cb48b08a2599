//go:build unix

package graphqlws_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgerdb"
	"github.com/sluice-gateway/sluice/analytics/prom"
	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/rollup/rollupdb"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/share"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

const (
	readers = 1000
	// burst is how many events come at once: fewer than an outbox holds.
	burst = 100
	// drains makes this binary the clients of the benchmark, in a process of their own: what they need is
	// no part of it.
	drains = "SLUICE_BENCH_DRAINS"
)

func TestMain(m *testing.M) {
	if urls := os.Getenv(drains); urls != "" {
		drain(strings.Fields(urls))
		return
	}
	goleak.VerifyTestMain(m)
}

// BenchmarkCounting is the processor time of a server that delivers to 1,000 WebSockets with all of
// analytics on (records, the ledger and the sums over time in SQLite, the histograms of /metrics), and of one
// with nothing of it, in one process by turns of 100,000 deliveries. Two servers differ by chance by more than
// counting costs, so an operation is a fresh pair, made in either order, and a million deliveries of each; the
// figures are means over the pairs, with the standard error of the difference. Ask for 100 by -benchtime 100x.
func BenchmarkCounting(b *testing.B) {
	var without, with, more []float64
	for first := 0; b.Loop(); first = 1 - first {
		plain, counted := countingPair(b, first)
		without, with = append(without, plain), append(with, counted)
		more = append(more, 100*(counted-plain)/plain)
	}
	difference, deviation := meanOf(more)
	plain, _ := meanOf(without)
	counted, _ := meanOf(with)
	b.ReportMetric(plain, "cpu-ns/delivery")
	b.ReportMetric(counted, "cpu-ns/counted-delivery")
	b.ReportMetric(100*(counted-plain)/plain, "%more")
	b.ReportMetric(difference, "%more-mean")
	b.ReportMetric(deviation/math.Sqrt(float64(len(more))), "%standard-error")
}

// countingPair is the processor time of a delivery, in nanoseconds, without and with analytics: of two
// servers, the one made first being 0, which has no analytics, or 1.
func countingPair(b *testing.B, first int) (plain, counted float64) {
	var servers [2]*counting
	for _, server := range []int{first, 1 - first} {
		servers[server] = newCounting(b, server == 1)
		defer servers[server].close()
	}
	clients := newDrain(b, servers[0].url, servers[1].url)
	defer clients.close()
	for _, server := range servers { // a pong may overtake the subscribing
		for server.engine.Stats().Members < readers {
			time.Sleep(time.Millisecond)
		}
	}
	turn := func(server int) time.Duration {
		before := processorTime(b)
		servers[server].deliver(b)
		clients.await(server, b)
		return processorTime(b) - before
	}
	for range 2 { // until everything has its size
		turn(0)
		turn(1)
	}
	var took [2][]time.Duration
	for range 10 { // each goes first as often
		for _, server := range []int{first, 1 - first} {
			took[server] = append(took[server], turn(server))
		}
		first = 1 - first
	}
	if servers[1].recorder.Totals().Delivered() == 0 {
		b.Error("nothing was counted")
	}
	return median(took[0]) / (readers * burst), median(took[1]) / (readers * burst)
}

// meanOf is the mean of figures, and their standard deviation.
func meanOf(figures []float64) (mean, deviation float64) {
	for _, f := range figures {
		mean += f / float64(len(figures))
	}
	for _, f := range figures {
		deviation += (f - mean) * (f - mean) / float64(max(1, len(figures)-1))
	}
	return mean, math.Sqrt(deviation)
}

// median is that of turns, in nanoseconds: a turn in which the machine did something else does not count.
func median(turns []time.Duration) float64 {
	slices.Sort(turns)
	return float64(turns[len(turns)/2])
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// A counting is a server, with or without analytics.
type counting struct {
	broker   *memory.Broker
	engine   *operation.Engine
	recorder *analytics.Recorder
	url      string
	closers  []func()
}

func (c *counting) onClose(f func()) { c.closers = append(c.closers, f) }

// close ends what the server is made of, the latest first.
func (c *counting) close() {
	for _, f := range slices.Backward(c.closers) {
		f()
	}
}

func newCounting(b *testing.B, on bool) *counting {
	c := &counting{broker: memory.New()}
	options := operation.Options{
		Callers: operation.CallerLimits{Requests: limits.UnlimitedRate, Operations: math.MaxInt, Sessions: math.MaxInt},
		Log:     slog.New(slog.DiscardHandler),
	}
	if on {
		c.recorder = analytics.NewRecorder(analytics.Options{})
		options.Recorder, options.Usage = c.recorder, tallies(b, c)
		metrics := prom.New(c.recorder)
		options.Share.Observe = func(s share.Step) { metrics.Executed(s.Field, s.Executed) }
		options.Share.Written = func(field string) func(time.Duration) {
			histogram, sketch := metrics.Written(field), c.recorder.Latency(field)
			return func(after time.Duration) { histogram(after); sketch.Observe(after) }
		}
		sums, err := rollupdb.Open(b.Context(), ":memory:")
		if err != nil {
			b.Fatal(err)
		}
		roller := rollup.Start(sums, c.recorder, rollup.Options{Latencies: c.recorder.Latencies})
		c.onClose(func() { _ = roller.Close(b.Context()); _ = sums.Close() })
	}
	pool := work.NewPool()
	engine, err := operation.New(testschema.New(), c.broker, pool, options)
	if err != nil {
		b.Fatal(err)
	}
	c.engine = engine
	viewers := transporttest.NewViewers()
	viewers.Set(aliceKey, alice)
	sessions := transport.NewSessions(engine, auth.NewGrants(viewers), transport.SessionLimits{
		PerAddress: math.MaxInt, Rate: limits.UnlimitedRate, AddressRate: limits.UnlimitedRate,
	})
	reader := transport.NewReader(viewers, transport.NewOrigins(nil), transport.ReaderOptions{})
	server := httptest.NewServer(graphqlws.New(engine, reader, sessions, pool, graphqlws.Options{}))
	c.url = "ws" + strings.TrimPrefix(server.URL, "http")
	c.onClose(func() {
		_ = sessions.Close(b.Context(), operation.Restarting, 0, time.Second)
		server.Close()
		engine.Close()
		pool.Close()
		_ = c.broker.Close()
	})
	return c
}

// tallies bill into SQLite, and are swept as a gateway does it.
func tallies(b *testing.B, c *counting) *ledger.Tallies {
	store, err := ledgerdb.Open(b.Context(), ":memory:")
	if err != nil {
		b.Fatal(err)
	}
	book, err := ledger.Open(store, b.TempDir(), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	t := ledger.NewTallies(book)
	done, sweeping := make(chan struct{}), new(sync.WaitGroup)
	sweeping.Go(func() {
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				t.Sweep()
			case <-done:
				return
			}
		}
	})
	c.onClose(func() {
		close(done)
		sweeping.Wait()
		_ = book.Close(b.Context())
		_ = store.Close()
	})
	return t
}

func (c *counting) deliver(b *testing.B) {
	for i := range burst {
		if err := c.broker.Publish(b.Context(), "room.1", fmt.Appendf(nil, `{"room":"1","text":"number %d"}`, i)); err != nil {
			b.Fatal(err)
		}
	}
}

// A drainage is the process of the clients.
type drainage struct {
	ask   *bufio.Writer
	told  *bufio.Scanner
	close func()
}

func newDrain(b *testing.B, urls ...string) *drainage {
	clients := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$")
	clients.Env = append(os.Environ(), drains+"="+strings.Join(urls, " "))
	clients.Stderr = os.Stderr
	ask, err := clients.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	told, err := clients.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		b.Fatal(err)
	}
	d := &drainage{bufio.NewWriter(ask), bufio.NewScanner(told), func() { _ = ask.Close(); _ = clients.Wait() }}
	d.hear(b)
	return d
}

// hear waits for the next word of the clients.
func (d *drainage) hear(b *testing.B) {
	if !d.told.Scan() || d.told.Text() != "ok" {
		b.Fatalf("the clients say %q", d.told.Text())
	}
}

// await waits until the clients of a server have another burst.
func (d *drainage) await(server int, b *testing.B) {
	_, _ = fmt.Fprintln(d.ask, server)
	_ = d.ask.Flush()
	d.hear(b)
}

// drain is the process of the clients: 1,000 of each server, which count. It ends with its input.
func drain(urls []string) {
	received := make([]atomic.Int64, len(urls))
	var ready sync.WaitGroup
	for i, url := range urls {
		for range readers {
			ready.Add(1)
			go func() {
				if err := read(url, &received[i], ready.Done); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}()
		}
	}
	ready.Wait()
	fmt.Println("ok")
	wanted := make([]int64, len(urls))
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
		var server int
		_, _ = fmt.Sscan(asked.Text(), &server)
		for wanted[server] += readers * burst; received[server].Load() < wanted[server]; {
			time.Sleep(time.Millisecond)
		}
		fmt.Println("ok")
	}
	os.Exit(0)
}

// read subscribes, says that it has, and counts what comes.
func read(url string, received *atomic.Int64, subscribed func()) error {
	dialer := websocket.Dialer{
		Subprotocols: []string{graphqlws.Subprotocol}, ReadBufferSize: 32 << 10,
		NetDial: func(network, address string) (net.Conn, error) { return net.DialTimeout(network, address, time.Minute) },
	}
	socket, answer, err := dialer.Dial(url, http.Header{"Authorization": {"Bearer " + aliceKey}})
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	_ = answer.Body.Close()
	send := func(message string) { _ = socket.WriteMessage(websocket.TextMessage, []byte(message)) }
	send(`{"type":"connection_init"}`)
	for ready := false; ; {
		_, message, err := socket.ReadMessage()
		switch {
		case err != nil && !ready:
			return fmt.Errorf("before it was ready: %w", err)
		case err != nil:
			return nil
		case strings.Contains(string(message), `"connection_ack"`):
			send(`{"type":"subscribe","id":"1","payload":{"query":"subscription { message(rooms: [\"1\"]) { text } }"}}`)
			send(`{"type":"ping"}`)
		case strings.Contains(string(message), `"pong"`):
			ready = true
			subscribed()
		case strings.Contains(string(message[:min(len(message), 60)]), `"next"`):
			received.Add(1)
		case strings.Contains(string(message), `"error"`):
			return fmt.Errorf("%s", message)
		}
	}
}
