package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/chaos/crowd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The short form of a run. The long one is make chaos.
func TestShortChaos(t *testing.T) {
	p := &plan{
		subscribers: 100, topics: 20, publishers: 6, nodes: 3, events: 1000, rate: 150, seed: 1, dir: t.TempDir(), data: t.TempDir(),
		mix:   crowd.Mix{crowd.WebSocket: 60, crowd.SSE: 20, crowd.Multipart: 20},
		fsync: "always",
		counts: map[string]int{
			"redis-kill": 5, "gateway-kill": 3, "redis-stop": 1, "pubsub-kill": 1, "output-buffer": 1, "gateway-stop": 1,
			"descriptors": 1, "net-clients": 2, "net-redis": 1, "panics": 1, // and no clock: building it takes minutes
		},
		log: t.Logf,
	}
	if err := p.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := p.run(t.Context())
	if r != nil {
		var text strings.Builder
		r.write(&text)
		t.Log("\n" + text.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := len(check.Breaches(r.found)); n > 0 {
		t.Errorf("%d breaches of what is promised", n)
	}
	for _, failure := range r.failures {
		t.Error(failure)
	}
}
