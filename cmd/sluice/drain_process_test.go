//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// endings is how many sessions a process has asked to come back elsewhere; false: it does not answer.
func (p *process) endings() (n int, ok bool) {
	answer, err := http.Get(p.operator + "/stats")
	if err != nil {
		return 0, false
	}
	defer func() { _ = answer.Body.Close() }()
	var stats struct{ Endings map[string]int }
	err = json.NewDecoder(answer.Body).Decode(&stats)
	return stats.Endings[operation.Restarting.Code], err == nil
}

// terminate ends a process as an operator does.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// A sight is how many sessions had been ended at some time between two moments.
type sight struct {
	n          int
	from, till time.Time
}

// rates looks on while a process drains: how many sessions a second it ends, of each stretch of 100 ms or
// longer, until it does not answer any more. However long somebody was kept from looking, no rate is told
// too high.
func (p *process) rates() (rates []float64) {
	var last sight
	for {
		now := sight{from: time.Now()}
		n, ok := p.endings()
		if !ok {
			return rates
		}
		now.n, now.till = n, time.Now()
		if last.from.IsZero() {
			last = now
		}
		if now.from.Sub(last.till) >= 100*time.Millisecond {
			rates = append(rates, float64(now.n-last.n)/now.till.Sub(last.from).Seconds())
			last = now
		}
		<-time.After(5 * time.Millisecond)
	}
}

// The binary is built without the race detector, which bears 8,128 goroutines.
func TestTenThousandSessionsAreDrainedOverTheWindow(t *testing.T) {
	const sessions, window = 10_000, 4 * time.Second
	if files := transport.DefaultSessions(); files < sessions {
		t.Fatalf("%d sessions at most: raise the limit of open files (ulimit -n) to %d", files, sessions*5/4)
	}
	binary := filepath.Join(t.TempDir(), "sluice")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := startProgram(t, binary, "--session-rate", "unlimited", "--log-operations", "off", "--drain-window", window.String())
	crowd := gatherSockets(t, strings.TrimPrefix(p.public, "http://"), sessions)
	p.until("all have subscribed", func() bool { return p.members() == sessions })

	watched := make(chan []float64)
	go func() { watched <- p.rates() }()
	began := time.Now()
	p.terminate()
	first, last := crowd.readToTheEnd()
	t.Logf("closed from %v to %v after the signal", first.Sub(began), last.Sub(began))
	if took := last.Sub(first); took < window*85/100 || took > window*115/100 {
		t.Errorf("the sessions were ended over %v, want %v", took, window)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	rates := <-watched
	mean, most := sessions/window.Seconds(), 0.0
	for _, rate := range rates {
		most = max(most, rate)
	}
	t.Logf("%d looks: at most %.0f a second, %.0f on average", len(rates), most, mean)
	if len(rates) == 0 || most > 2*mean {
		t.Errorf("at most %.0f a second, want twice %.0f at most", most, mean)
	}
}

func TestTerminationTellsBalancersFirstThenRefusesThenEnds(t *testing.T) {
	p := start(t, "--drain-delay", "2s", "--drain-window", "1s")
	s := p.subscribe(prices)
	p.terminate()
	p.until("it is not ready", func() bool { return p.status("/readyz") == http.StatusServiceUnavailable })
	if got := p.run(`{ __typename }`); got != `{"data":{"__typename":"Query"}}` {
		t.Errorf("not ready, it answers %s", got)
	}
	refused := ""
	p.until("it refuses", func() bool { refused = p.run(`{ __typename }`); return strings.Contains(refused, "DRAINING") })
	for range s.events { // until the response ends
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWhoeverHoldsTheDrainUpIsCutOff(t *testing.T) {
	p := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// An event that never comes whole.
	_, err = fmt.Fprintf(conn, "POST /publish/price.1 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", adminKey)
	if err != nil {
		t.Fatal(err)
	}
	p.until("it is being read", func() bool { return p.status("/healthz") == http.StatusOK })
	began := time.Now()
	p.terminate()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took > hardStop+lastRequests+3*time.Second {
		t.Errorf("it ended after %v", took)
	}
	if !strings.Contains(p.printed(), "the rest was cut off") {
		t.Error("the log does not tell")
	}
}
