package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

func TestHelpShowsTheLimitsOfCallers(t *testing.T) {
	cmd := exec.Command(os.Args[0], "--help")
	cmd.Env = append(os.Environ(), "SLUICE_TEST_PROCESS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "  -"); ok {
			shown[strings.Fields(name)[0]] = true
		}
	}
	for _, name := range []string{
		"max-sessions", "max-sessions-per-viewer", "max-sessions-per-address", "session-rate", "session-rate-per-address",
		"max-operations-per-viewer", "request-rate-per-viewer", "request-rate-per-address", "message-rate", "ping-rate",
		"uncounted-addresses",
	} {
		if !shown[name] {
			t.Errorf("--help does not tell of --%s", name)
		}
	}
}

func TestLoopbackIsCountedWhereItIsSaid(t *testing.T) {
	const burst, sent = 3, 6
	for _, c := range []struct {
		name   string
		flags  []string
		passed int
	}{
		{"not by default", nil, sent},
		{"but where no address is uncounted", []string{"--uncounted-addresses", "none"}, burst},
		{"or only others are", []string{"--uncounted-addresses", "10.0.0.0/8"}, burst},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, append(c.flags, "--request-rate-per-address", "0.001:3")...)
			passed := 0
			for range sent {
				switch status, text := p.post(p.public+"/graphql", "", `{"query":"{ __typename }"}`); {
				case status == http.StatusOK:
					passed++
				case status != http.StatusTooManyRequests || !strings.Contains(text, "RATE_LIMITED"):
					t.Errorf("%d %s", status, text)
				}
			}
			if passed != c.passed {
				t.Errorf("%d requests passed, want %d", passed, c.passed)
			}
		})
	}
}

// ready asks /readyz: whether a check is well, and why not.
func (p *process) ready(check string) (ok bool, reason string) {
	p.t.Helper()
	answer, err := http.Get(p.public + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Checks map[string]struct {
			OK     bool
			Reason string
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		p.t.Fatal(err)
	}
	found, told := body.Checks[check]
	if !told {
		p.t.Fatalf("/readyz does not tell of %s: %+v", check, body.Checks)
	}
	return found.OK, found.Reason
}

// lost starts a gateway whose consumers have budgets, and stops its Redis until it has noticed.
func lost(t *testing.T) (*process, *redistest.Server) {
	t.Helper()
	redis := redistest.Start(t)
	config := filepath.Join(t.TempDir(), "metered.yaml")
	writeMetered(t, config, 100)
	p := start(t, "--redis", redis.URL(), "--config", config)
	p.until("it is ready", func() bool { return p.status("/readyz") == http.StatusOK })
	if ok, reason := p.ready("budgets"); !ok {
		t.Errorf("budgets: %s", reason)
	}
	redis.Stop()
	p.until("budgets are not known", func() bool {
		if text := p.myBudgets(t.Context()); !strings.Contains(text, "BUDGET_UNAVAILABLE") {
			t.Errorf("myBudgets answers %q", text)
		}
		ok, reason := p.ready("budgets")
		return !ok && reason != ""
	})
	return p, redis
}

// myBudgets asks for the budgets of a consumer; empty: ctx was done before there was an answer.
func (p *process) myBudgets(ctx context.Context) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/graphql",
		strings.NewReader(`{"query":"{ myBudgets { field quotas { remaining } } }"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer consumer-number-000000")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return ""
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// A node that does not know what is left of budgets should get no new clients. Then nobody but itself
// can find out that it knows again.
func TestReadinessTellsOfBudgets(t *testing.T) {
	p, redis := lost(t)
	for range 3 { // whoever asks is not told before its time is up
		if status := p.status("/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz is %d", status)
		}
	}
	redis.Cont()
	p.until("it is ready again", func() bool { return p.status("/readyz") == http.StatusOK })
	if got := p.myBudgets(t.Context()); !strings.Contains(got, `"remaining":100`) {
		t.Errorf("myBudgets answers %s", got)
	}
}

// The call that could have found out that Redis is back was that of a client which did not wait for it:
// nobody had a budget any more.
func TestBudgetsComeBackAfterAClientThatDidNotWait(t *testing.T) {
	p, redis := lost(t)
	p.until("a client has left", func() bool {
		ctx, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer leave()
		return p.myBudgets(ctx) == ""
	})
	redis.Cont()
	p.until("budgets are known again", func() bool {
		return strings.Contains(p.myBudgets(t.Context()), `"remaining":100`)
	})
}
