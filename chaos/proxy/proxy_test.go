package proxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/chaos/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is generous: test machines are slow at times.
const patience = 20 * time.Second

// echo says back what it hears, on every connection.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return l.Addr().String()
}

func start(t *testing.T) *proxy.Proxy {
	t.Helper()
	p, err := proxy.Start(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// A caller is one client of the proxy.
type caller struct {
	*net.TCPConn
	t *testing.T
}

func dial(t *testing.T, p *proxy.Proxy) caller {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return caller{c.(*net.TCPConn), t}
}

func (c caller) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c caller) hear(want string) {
	c.t.Helper()
	got := make([]byte, len(want))
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		c.t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

// silent fails if anything arrives soon.
func (c caller) silent() {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var timeout net.Error
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		c.t.Fatalf("heard %d bytes, %v, want nothing", n, err)
	}
}

func (c caller) end() (heard []byte, err error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return io.ReadAll(c)
}

func TestPass(t *testing.T) {
	p := start(t)
	a, b := dial(t, p), dial(t, p)
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 1<<14))
	var saying sync.WaitGroup
	saying.Go(func() { a.say(big) })
	b.say("short")
	b.hear("short")
	a.hear(big)
	saying.Wait()
}

func TestCutEndsConnectionsAndLaterOnesAreSound(t *testing.T) {
	p := start(t)
	a := dial(t, p)
	a.say("x")
	a.hear("x")
	p.Cut()
	if heard, err := a.end(); len(heard) > 0 || err != nil {
		t.Errorf("heard %q, %v, want an orderly end", heard, err)
	}
	b := dial(t, p)
	b.say("y")
	b.hear("y")
}

func TestReset(t *testing.T) {
	p := start(t)
	a := dial(t, p)
	a.say("x")
	a.hear("x")
	p.Reset()
	if _, err := a.end(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the end is %v", err)
	}
}

func TestHoldKeepsBackInOneDirection(t *testing.T) {
	for name, d := range map[string]proxy.Direction{"up": proxy.Up, "down": proxy.Down} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			a := dial(t, p)
			p.Set(d, proxy.Fault{Hold: true})
			b := dial(t, p)
			a.say("a")
			b.say("b")
			a.silent()
			b.silent()
			p.Heal()
			a.hear("a")
			b.hear("b")
		})
	}
}

func TestLatencyDelaysAndDoesNotSlow(t *testing.T) {
	const late = 300 * time.Millisecond
	p := start(t)
	p.Set(proxy.Down, proxy.Fault{Latency: late})
	a := dial(t, p)
	text := string(bytes.Repeat([]byte("x"), 100<<10)) // of many chunks, which do not wait for one another
	began := time.Now()
	a.say(text)
	a.hear(text)
	if took := time.Since(began); took < late || took > 10*late {
		t.Errorf("it took %v", took)
	}
}

func TestRate(t *testing.T) {
	p := start(t)
	p.Set(proxy.Up, proxy.Fault{Rate: 1 << 10})
	a := dial(t, p)
	text := string(bytes.Repeat([]byte("x"), 400))
	began := time.Now()
	a.say(text)
	a.hear(text)
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("400 bytes at 1 KB/s took %v", took)
	}
	p.Heal()
	a.say(text)
	a.hear(text)
}

func TestCutInTheMiddle(t *testing.T) {
	p := start(t)
	a := dial(t, p)
	a.say("whole")
	a.hear("whole")
	p.Set(proxy.Down, proxy.Fault{CutAfter: 3})
	a.say("broken")
	if heard, _ := a.end(); string(heard) != "bro" {
		t.Errorf("heard %q", heard)
	}
}

func TestOneConnectionIsHarmedAndNotItsNeighbour(t *testing.T) {
	p := start(t)
	a := dial(t, p)
	a.say("a")
	a.hear("a")
	for _, c := range p.Conns() {
		c.Set(proxy.Down, proxy.Fault{Hold: true})
	}
	b := dial(t, p)
	a.say("a")
	b.say("b")
	b.hear("b")
	a.silent()
}

func TestRetarget(t *testing.T) {
	p := start(t)
	p.Retarget("127.0.0.1:1") // nobody listens there
	a := dial(t, p)
	if heard, _ := a.end(); len(heard) > 0 {
		t.Errorf("heard %q", heard)
	}
	p.Retarget(echo(t))
	b := dial(t, p)
	b.say("b")
	b.hear("b")
}

func TestCloseEndsWhatIsHeld(t *testing.T) {
	p := start(t)
	p.Set(proxy.Up, proxy.Fault{Hold: true})
	p.Set(proxy.Down, proxy.Fault{Latency: time.Hour})
	for range 10 {
		dial(t, p).say("x")
	}
	p.Close()
	p.Close()
	if n := len(p.Conns()); n > 0 {
		t.Errorf("%d connections are left", n)
	}
}
