package replication

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/pgtest"
	"github.com/sluice-gateway/sluice/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long anything may take. Test machines are slow at times.
const limit = 30 * time.Second

// A log is a handler that remembers what it was told, in words.
type log struct {
	mu      sync.Mutex // guards told and failing
	told    []string
	failing error
	calls   int
	came    chan struct{} // closed and made anew when something was told
}

func newLog() *log { return &log{came: make(chan struct{})} }

func (l *log) Handle(_ context.Context, changes []Change) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.failing != nil {
		return 0, l.failing
	}
	for _, c := range changes {
		l.told = append(l.told, words(c))
	}
	close(l.came)
	l.came = make(chan struct{})
	return len(changes), nil
}

// fail makes every call fail from now on; nil: no more.
func (l *log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failing = err
}

// state returns what was told up to now, and what ends when there is more.
func (l *log) state() ([]string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.told...), l.came
}

// until waits for what was told to meet a condition.
func (l *log) until(t *testing.T, what string, holds func(told []string) bool) []string {
	t.Helper()
	timeout := time.After(limit)
	for {
		told, more := l.state()
		if holds(told) {
			return told
		}
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("never: %s; told was %q", what, told)
		}
	}
}

// expect waits for so many changes and compares them; what comes later is not seen.
func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	got := l.until(t, fmt.Sprintf("%d changes", len(want)), func(told []string) bool { return len(told) >= len(want) })
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told was\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// tries is how often it was called.
func (l *log) tries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// forget begins anew.
func (l *log) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = nil
}

const everything = "everything"

// words says what changed: "product 7: - 1000/5 -> 1200/5" is one that costs more.
func words(c Change) string {
	switch {
	case c.Everything:
		return everything
	case c.Product.Changed():
		return describe("product", c.Product, func(p *store.Product) (string, string) {
			return p.ID, fmt.Sprintf("%s/%d/%d", p.Price, p.Stock, p.Revision)
		})
	case c.Order.Changed():
		return describe("order", c.Order, func(o *store.Order) (string, string) { return o.ID, string(o.Status) })
	}
	return describe("line", c.Line, func(l *Line) (string, string) {
		return l.OrderID, fmt.Sprintf("%dx%s", l.Quantity, l.ProductID)
	})
}

func describe[T any](kind string, p Pair[T], of func(*T) (id, state string)) string {
	id, states := "", [2]string{"none", "none"}
	for i, row := range []*T{p.Before, p.After} {
		if row != nil {
			id, states[i] = of(row)
		}
	}
	return fmt.Sprintf("%s %s: %s > %s", kind, id, states[0], states[1])
}

// A node is a reader that runs.
type node struct {
	*Reader
	log  *log
	text *lines
	end  func() // stops it and waits; may be called twice
}

func start(t *testing.T, dsn string, told *log, options ...Options) *node {
	t.Helper()
	o := Options{}
	if len(options) > 0 {
		o = options[0]
	}
	text := new(lines)
	o.Log = slog.New(slog.NewTextHandler(text, nil))
	r, err := New(dsn, told, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	n := &node{r, told, text, func() { cancel(); running.Wait() }}
	t.Cleanup(n.end)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the reader logged:\n%s", text)
		}
	})
	return n
}

// reads waits until the node reads.
func (n *node) reads(t *testing.T) {
	t.Helper()
	until(t, "the node reads", func() bool { return n.Status().Active })
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-tick.C
	}
}

// lines is the text of a log, safe for concurrent use.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// shop opens a server's storefront.
func shop(t *testing.T, server *pgtest.Server) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ready is a server with a storefront of three products, a node that reads it and was told of the
// beginning.
func ready(t *testing.T, settings ...string) (*pgtest.Server, *store.Store, *node) {
	t.Helper()
	server := pgtest.StartServer(t, settings...)
	s := shop(t, server)
	trim(server)
	n := start(t, server.URL(), newLog())
	n.log.expect(t, everything)
	n.reads(t)
	n.log.forget()
	return server, s, n
}

// trim leaves the products 1 to 3, at 10.00, with 5 in stock.
func trim(server *pgtest.Server) {
	server.SQL(`DELETE FROM products WHERE id > 3; UPDATE products SET price = 1000, stock = 5, revision = 1`)
}

var errAway = errors.New("the broker is away")
