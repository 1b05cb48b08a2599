package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// The test binary is the gateway when it is told to be: the processes below are real ones. One whose end
// is an orderly one has left nothing running, or its exit code says so.
func TestMain(m *testing.M) {
	if os.Getenv("SLUICE_TEST_PROCESS") != "" {
		main()
		waiting := goleak.IgnoreTopFunction("os/signal.NotifyContext.func1") // main's, for a signal that has not come
		if err := goleak.Find(waiting); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(leftRunning)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// leftRunning is the exit code of a process that has left goroutines.
const leftRunning = 70

// A process is a gateway with a port for front ends and one for operators.
type process struct {
	t                *testing.T
	cmd              *exec.Cmd
	public, operator string
	mu               sync.Mutex
	output           bytes.Buffer
}

// Write collects what the process prints.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

func start(t *testing.T, flags ...string) *process {
	t.Helper()
	return startProgram(t, os.Args[0], flags...)
}

// startProgram is start of a binary that may be another one.
func startProgram(t *testing.T, program string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, public: "http://" + freeAddress(t), operator: "http://" + freeAddress(t)}
	p.cmd = exec.Command(program, append([]string{
		"--config", configFile(t),
		"--listen", strings.TrimPrefix(p.public, "http://"),
		"--operator-listen", strings.TrimPrefix(p.operator, "http://"),
		"--database", filepath.Join(t.TempDir(), "shop.db"),
		"--usage-spool", filepath.Join(t.TempDir(), "usage"),
		"--drain-delay", "0s", "--drain-window", "10ms",
	}, flags...)...)
	p.cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the gateway printed:\n%s", p.printed())
		}
	})
	p.until("it answers", func() bool { return p.status("/healthz") == http.StatusOK })
	return p
}

// adminKey may do everything.
const adminKey = "0123456789abcdef-admin"

func configFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	text := "keys:\n  - key: " + adminKey + "\n    consumer: operations\n" +
		"    scopes: [admin, catalog:write, publish]\n    publish: [\"price.*\"]\n" +
		"issuers:\n  - issuer: https://id.test\n    audience: sluice\n    algorithms: HS256\n" +
		"    secret: " + issuer.secret() + "\n    leeway: 1s\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (p *process) until(what string, holds func() bool) {
	p.t.Helper()
	if err := redistest.Poll(30*time.Second, func() error {
		if !holds() {
			return fmt.Errorf("never: %s", what)
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) status(path string) int {
	answer, err := http.Get(p.public + path)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// run executes a query or mutation as an administrator and returns the answer.
func (p *process) run(query string) string {
	p.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	_, text := p.post(p.public+"/graphql", adminKey, string(body))
	return text
}

// post sends JSON with a key or token and returns the status and the answer.
func (p *process) post(url, token, body string) (int, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// A subscriber reads one subscription by SSE.
type subscriber struct {
	t      *testing.T
	events chan string // data of each event; closed when the response ends
}

func (p *process) subscribe(query string) *subscriber { return p.subscribeAs("", query) }

func (p *process) subscribeAs(token, query string) *subscriber {
	p.t.Helper()
	before := p.members()
	s := p.stream(token, query)
	p.until("the subscription runs", func() bool { return p.members() > before })
	return s
}

// stream reads a subscription or a live query, which may not run yet.
func (p *process) stream(token, query string) *subscriber {
	p.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		cancel()
		p.t.Fatal(err)
	}
	s := &subscriber{t: p.t, events: make(chan string, 1000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(s.events)
		defer func() { _ = answer.Body.Close() }()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.events <- data
			}
		}
	})
	p.t.Cleanup(func() { cancel(); reading.Wait() })
	return s
}

// members is how many operations receive events now; none while a group starts.
func (p *process) members() int {
	answer, err := http.Get(p.operator + "/stats")
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	var stats struct{ Members, Starting int }
	if json.NewDecoder(answer.Body).Decode(&stats) != nil || stats.Starting > 0 {
		return 0
	}
	return stats.Members
}

func (s *subscriber) next() string {
	s.t.Helper()
	select {
	case event, ok := <-s.events:
		if !ok {
			s.t.Fatal("the stream has ended")
		}
		return event
	case <-time.After(30 * time.Second):
		s.t.Fatal("no event")
	}
	return ""
}

const (
	prices = `subscription { priceChanged(productIds: ["1"]) { price note } }`
	event  = `{"productId":"1","price":"9.99","currency":"EUR","revision":9,"note":"%s","changedAt":"2026-11-21T10:00:00Z"}`
	want   = `{"data":{"priceChanged":{"price":"9.99","note":"%s"}}}`
)

func TestTwoGatewaysOnOneRedis(t *testing.T) {
	redis := redistest.Start(t)
	a, b := start(t, "--redis", redis.URL()), start(t, "--redis", redis.URL())
	subscribers := []*subscriber{a.subscribe(prices), b.subscribe(prices)}

	got := a.run(`mutation { changePrice(productId: "1", price: "9.99", note: "by mutation") { revision } }`)
	if !strings.Contains(got, `"revision"`) {
		t.Fatal(got)
	}
	redis.Do("PUBLISH", "price.1", fmt.Sprintf(event, "by redis-cli"))
	if status, text := b.post(b.operator+"/publish/price.1", adminKey, fmt.Sprintf(event, "by HTTP")); status != http.StatusNoContent {
		t.Fatal(status, text)
	}
	for _, s := range subscribers {
		for _, note := range []string{"by mutation", "by redis-cli", "by HTTP"} {
			if got := s.next(); got != fmt.Sprintf(want, note) {
				t.Errorf("got %s, want the event %s", got, note)
			}
		}
	}
}

func TestRedisStopsAndDies(t *testing.T) {
	redis := redistest.Start(t)
	p := start(t, "--redis", redis.URL(), "--broker-probe", "2s", "--subscribe-timeout", "1s")
	p.until("it is ready", func() bool { return p.status("/readyz") == 200 })
	s := p.subscribe(prices)
	for _, fault := range []struct {
		name      string
		hurt, end func()
	}{
		{"stopped", redis.Stop, redis.Cont},
		{"killed", redis.Kill, redis.Restart},
	} {
		fault.hurt()
		p.until(fault.name+": not ready", func() bool { return p.status("/readyz") == 503 })
		if got := p.run(`mutation { changePrice(productId: "1", price: "5.00") { revision } }`); !strings.Contains(got, "BROKER_UNAVAILABLE") {
			t.Errorf("%s: a mutation answers %s", fault.name, got)
		}
		if got := p.run(`{ product(id: "1") { price } }`); !strings.Contains(got, "price") {
			t.Errorf("%s: a query answers %s", fault.name, got)
		}
		fault.end()
		p.until(fault.name+": ready again", func() bool { return p.status("/readyz") == 200 })
		redis.Do("PUBLISH", "price.1", fmt.Sprintf(event, "after "+fault.name))
		for got := ""; got != fmt.Sprintf(want, "after "+fault.name); {
			got = s.next() // what was published while Redis was stopped may come before
		}
	}
}

func TestRedisComesLate(t *testing.T) {
	redis := redistest.New(t)
	p := start(t, "--redis", redis.URL(), "--subscribe-timeout", "100ms")
	if status := p.status("/readyz"); status != 503 {
		t.Errorf("readyz is %d without Redis", status)
	}
	redis.Restart()
	p.until("it is ready", func() bool { return p.status("/readyz") == 200 })
	s := p.subscribe(prices)
	redis.Do("PUBLISH", "price.1", fmt.Sprintf(event, "late"))
	if got := s.next(); got != fmt.Sprintf(want, "late") {
		t.Error(got)
	}
}

func TestTermination(t *testing.T) {
	p := start(t, "--demo", "--log-format", "json")
	s := p.subscribe(`subscription { priceChanged { productId product { name } price } }`)
	if got := s.next(); !strings.Contains(got, `"name":"`) { // the demo feed
		t.Error(got)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range s.events { // until the response ends
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, says := range []string{"curl -N " + p.public + "/graphql", `"msg":"draining"`, `"msg":"stopped"`} {
		if !strings.Contains(p.printed(), says) {
			t.Errorf("it did not print %q", says)
		}
	}
}

func TestABadConfigurationStopsTheStart(t *testing.T) {
	cmd := exec.Command(os.Args[0], "--listen", "nonsense", "--max-tokens", "5")
	cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1", "SLUICE_LOG_FORMAT=xml")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "nonsense") || !strings.Contains(string(out), "xml") {
		t.Errorf("exit %d, %s", cmd.ProcessState.ExitCode(), out)
	}
}

func TestAnAddressThatIsTakenStopsTheStart(t *testing.T) {
	p := start(t)
	cmd := exec.Command(os.Args[0], "--listen", strings.TrimPrefix(p.public, "http://"), "--operator-listen", "off", "--database", ":memory:")
	cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "address already in use") {
		t.Errorf("exit %d, %s", cmd.ProcessState.ExitCode(), out)
	}
}
