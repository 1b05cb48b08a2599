package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// tool finds a program of Debian's package prometheus. A missing one fails the test: nothing is skipped.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing; install it: apt-get install prometheus", name)
	}
	return path
}

// A server is a Prometheus that scrapes nodes.
type server struct {
	t    *testing.T
	url  string
	http http.Client
}

// startPrometheus starts one with the alert rules of this folder.
func startPrometheus(t *testing.T, nodes []*node) *server {
	t.Helper()
	targets := make([]string, len(nodes))
	for i, n := range nodes {
		targets[i] = strings.TrimPrefix(n.operator, "http://")
	}
	rules, err := filepath.Abs("prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: sluice, static_configs: [{targets: [%s]}]}]\n", rules, strings.Join(targets, ", "))
	folder, at := t.TempDir(), freeAddress(t)
	if err := os.WriteFile(filepath.Join(folder, "prometheus.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool(t, "prometheus"), "--config.file="+filepath.Join(folder, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+at, "--log.level=warn")
	said := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus said:\n%s", said)
		}
	})
	return &server{t: t, url: "http://" + at, http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
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

// get asks the API for something.
func (s *server) get(path string, parameters url.Values, into any) error {
	answer, err := s.http.Get(s.url + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		Error string
		Data  json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return fmt.Errorf("%s: %w", answer.Status, err)
	}
	if body.Error != "" {
		return errors.New(body.Error)
	}
	return json.Unmarshal(body.Data, into)
}

// shows says why an expression does not have so many series at least, of which the values are numbers.
func (s *server) shows(expr string, least int) error {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := s.get("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return fmt.Errorf("%s: %w", expr, err)
	}
	series := 0
	for _, r := range data.Result {
		if r.Value[1] != "NaN" {
			series++
		}
	}
	if series < least {
		return fmt.Errorf("%s shows %d series, want %d", expr, series, least)
	}
	return nil
}

// until waits until something holds; its error says what does not.
func until(t *testing.T, holds func() error) {
	t.Helper()
	if err := redistest.Poll(30*time.Second, holds); err != nil {
		t.Fatal(err)
	}
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "prometheus/alerts.yaml"},
		{"test", "rules", "prometheus/alerts_test.yaml"},
		{"check", "config", "prometheus/prometheus.yaml"},
	} {
		if out, err := exec.Command(tool(t, "promtool"), args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Every panel of every dashboard shows something, and every rule can be evaluated, where a Prometheus
// scrapes two nodes that have clients.
func TestDashboardsShowWhatPrometheusHasScraped(t *testing.T) {
	s := startPrometheus(t, startNodes(t, 2))
	until(t, func() error { return s.shows(`sluice_build_info{job="sluice"}`, 2) })
	for _, d := range dashboards(t) {
		t.Run(d.Title, func(t *testing.T) {
			for _, expr := range d.expressions() {
				until(t, func() error { return s.shows(filledIn(expr), 1) })
			}
		})
	}
	until(t, s.rules)
}

// rules says which alert rule could not be evaluated, or was not yet.
func (s *server) rules() error {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := s.get("/api/v1/rules", nil, &data); err != nil {
		return err
	}
	if len(data.Groups) == 0 {
		return errors.New("there are no rules")
	}
	for _, r := range data.Groups[0].Rules {
		if r.Health != "ok" {
			return fmt.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
		}
	}
	return nil
}
