package deploy_test

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// metrics is what a scrape gets.
func (n *node) metrics() string {
	n.t.Helper()
	answer, err := http.Get(n.operator + "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		n.t.Fatalf("%s: %v\n%s", answer.Status, err, text)
	}
	return string(text)
}

// waitForEvents waits until an event was delivered and a session has ended.
func (n *node) waitForEvents() {
	n.t.Helper()
	until(n.t, func() error {
		text := n.metrics()
		if !strings.Contains(text, `sluice_session_endings_total{code="BAD_REQUEST"} 1`) || !strings.Contains(text, "sluice_delivery_seconds_count") {
			return errors.New("nothing was delivered, or no session has ended")
		}
		return nil
	})
}

func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	n := startNodes(t, 1)[0]
	n.waitForEvents()
	check := exec.Command(tool(t, "promtool"), "check", "metrics")
	check.Stdin = strings.NewReader(n.metrics())
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
