package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The usage API over a real connection, kept true: what runs, what was had by the second, and who ended it.
func TestTheUsageAPIIsLive(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.log")
	p := start(t, "--node", "here", "--audit-log", audit, "--log-format", "json", "--live-min-throttle", "100ms")
	prices := p.subscribeAs(adminKey, `subscription Prices { priceChanged { price } }`)
	running := p.stream(adminKey, `query @live(throttle: 100) { operations(search: "Prices") { total list { id operation events node } } }`)
	traffic := p.stream(adminKey, `query @live(throttle: 100) { traffic(range: {step: SECOND, last: "30s"}, filter: {operation: "Prices"}) { events } }`)

	var operations struct {
		Operations struct {
			Total int
			List  []struct {
				ID, Operation, Node string
				Events              int
			}
		}
	}
	for range 2 {
		p.run(`mutation { changePrice(productId: "1", price: "9.99") { price } }`)
		prices.next()
	}
	running.shows("an operation with two events", &operations, func() bool {
		list := operations.Operations.List
		return len(list) == 1 && list[0].Events == 2 && list[0].Operation == "Prices" && list[0].Node == "here"
	})
	var sums struct{ Traffic []struct{ Events int } }
	traffic.shows("its events in the sums of seconds", &sums, func() bool {
		events := 0
		for _, second := range sums.Traffic {
			events += second.Events
		}
		return events == 2
	})
	id := operations.Operations.List[0].ID
	if answer := p.run(`mutation { endOperation(id: "` + id + `", reason: "enough") { operation } }`); !strings.Contains(answer, `"Prices"`) {
		t.Fatal(answer)
	}
	if end := prices.next(); !strings.Contains(end, "ENDED_BY_OPERATOR") || !strings.Contains(end, "enough") {
		t.Errorf("its client was told %s", end)
	}
	running.shows("no operation any more", &operations, func() bool { return operations.Operations.Total == 0 })

	p.until("the log has a line of it", func() bool {
		for line := range strings.Lines(p.printed()) {
			var entry struct{ Msg, ID, Ending, Operation, Consumer string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "operation ended" && entry.ID == id {
				return entry.Ending == "ENDED_BY_OPERATOR" && entry.Operation == "Prices" && entry.Consumer == "operations"
			}
		}
		return false
	})
	text, err := os.ReadFile(audit)
	if err != nil || !strings.Contains(string(text), `"operation.end"`) || !strings.Contains(string(text), id) || strings.Contains(string(text), adminKey) {
		t.Errorf("the audit log has %s (%v)", text, err)
	}
}

// shows reads the results of a live query until one of them is as it should be.
func (s *subscriber) shows(what string, data any, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		result := s.next()
		if err := json.Unmarshal([]byte(result), &struct{ Data any }{data}); err != nil {
			s.t.Fatalf("%s: %v", result, err)
		}
		if holds() {
			return
		}
	}
	s.t.Fatalf("never: %s", what)
}

// An end user sees its own operations, and nothing of what the application has had.
func TestEndUsersSeeTheirOwn(t *testing.T) {
	p := start(t)
	ann, bob := issuer.token(t, "ann", time.Hour), issuer.token(t, "bob", time.Hour)
	p.subscribeAs(ann, `subscription { priceChanged { price } }`)
	for token, want := range map[string]string{ann: `{"total":2}`, bob: `{"total":1}`} {
		p.until("an end user's operations are "+want, func() bool {
			_, answer := p.post(p.public+"/graphql", token, `{"query":"{ myOperations { total } }"}`)
			return strings.Contains(answer, want)
		})
	}
	for _, query := range []string{
		`myUsage(from: \"2026-11-01T00:00:00Z\") { events }`, `myInvoice(month: \"2026-11\") { month }`, `myTraffic(range: {step: MINUTE, last: \"5m\"}) { at }`,
	} {
		if _, answer := p.post(p.public+"/graphql", ann, `{"query":"{ `+query+` }"}`); !strings.Contains(answer, `"FORBIDDEN"`) {
			t.Errorf("%s: %s", query, answer)
		}
	}
	for _, query := range []string{`operations { total }`, `nodes { name }`, `sessions(range: {step: MINUTE, last: \"5m\"}) { at }`} {
		if _, answer := p.post(p.public+"/graphql", ann, `{"query":"{ `+query+` }"}`); !strings.Contains(answer, `"FORBIDDEN"`) {
			t.Errorf("%s: %s", query, answer)
		}
	}
}
