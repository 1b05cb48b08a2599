package deploy_test

import (
	"os/exec"
	"regexp"
	"testing"
	"time"
)

// haproxy is where Debian has it, and the users' path does not lead.
const haproxy = "/usr/sbin/haproxy"

func TestHAProxyTakesItsConfiguration(t *testing.T) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = haproxy
	}
	cmd := exec.CommandContext(t.Context(), program, "-c", "-f", "haproxy.cfg")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v; on Debian, apt-get install haproxy\n%s", err, out)
	}
}

// What is silent for longer than a node ever is may be cut, and nothing else.
func TestHAProxyWaitsLongerThanNodesAreSilent(t *testing.T) {
	text := read(t, "haproxy.cfg")
	for _, tt := range []struct {
		setting string
		least   time.Duration
		why     string
	}{
		{"timeout client", 30 * time.Second, "a query may take that, and streams have a heartbeat every 12 s or less"},
		{"timeout server", 30 * time.Second, "the same"},
		{"timeout tunnel", 33 * time.Second, "a ping every 25 s, up to 8 s for its answer"},
		{"timeout client-fin", 5 * time.Second, "a client may take that to answer a close frame"},
		{"timeout server-fin", 5 * time.Second, "the same"},
		{"hard-stop-after", 132 * time.Minute, "no session is older"},
	} {
		if got := settingOf(t, text, tt.setting); got <= tt.least {
			t.Errorf("%s is %v, want more than %v: %s", tt.setting, got, tt.least, tt.why)
		}
	}
}

// settingOf is a duration of the configuration.
func settingOf(t *testing.T, text, name string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`(?m)^    ` + name + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s", name)
	}
	d, err := time.ParseDuration(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return d
}
