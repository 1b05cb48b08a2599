package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/internal/redistest"
)

// runs is how many consumers spend a budget, one after the other.
const runs = 20

// writeMetered writes a configuration with a consumer for each run, all on one plan.
func writeMetered(t *testing.T, path string, events int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "default-plan: metered\nplans:\n  metered:\n    priceChanged: {events: %d, per: DAY}\nkeys:\n", events)
	for i := range runs {
		fmt.Fprintf(&b, "  - {key: consumer-number-%06d, consumer: consumer-%d}\n", i, i)
	}
	write(t, path, b.String())
}

// startMetered starts three nodes on one Redis, whose consumers have a budget each.
func startMetered(t *testing.T, budget int) (redis *redistest.Server, nodes []*process) {
	t.Helper()
	redis = redistest.Start(t)
	config := filepath.Join(t.TempDir(), "metered.yaml")
	writeMetered(t, config, budget)
	for range 3 {
		nodes = append(nodes, start(t, "--redis", redis.URL(), "--config", config))
	}
	return redis, nodes
}

// A buyer is one session with one subscription.
type buyer struct {
	conn  *websocket.Conn
	got   int
	ended string // the code of the error that ended the subscription, or of what ended the session
}

// buy subscribes to the prices of a product.
func (p *process) buy(t *testing.T, key, product string) *buyer {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, answer, err := dialer.DialContext(t.Context(), strings.Replace(p.public, "http", "ws", 1)+"/graphql",
		http.Header{"Authorization": {"Bearer " + key}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	b := &buyer{conn: conn}
	for _, message := range []string{
		`{"type":"connection_init"}`,
		`{"id":"1","type":"subscribe","payload":{"query":"subscription { priceChanged(productIds: [\"` + product + `\"]) { note } }"}}`,
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(message, "init") {
			if _, ack, err := conn.ReadMessage(); err != nil || !strings.Contains(string(ack), "connection_ack") {
				t.Fatal(string(ack), err)
			}
		}
	}
	return b
}

// read counts what is delivered until the subscription ends.
func (b *buyer) read() {
	for b.ended == "" {
		_ = b.conn.SetReadDeadline(time.Now().Add(time.Minute))
		_, text, err := b.conn.ReadMessage()
		if err != nil {
			b.ended = err.Error()
			return
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := json.Unmarshal(text, &m); err != nil {
			b.ended = err.Error()
			return
		}
		switch m.Type {
		case "next":
			b.got++
		case "error":
			var errs []struct{ Extensions struct{ Code string } }
			_ = json.Unmarshal(m.Payload, &errs)
			b.ended = errs[0].Extensions.Code
		case "complete":
			b.ended = "complete"
		}
	}
}

// flood publishes many events at once, as fast as Redis takes them.
func flood(t *testing.T, redis *redistest.Server, product string, many int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(redis.URL(), "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() {
		w := bufio.NewWriter(conn)
		for i := range many {
			topic, payload := "price."+product, fmt.Sprintf(event, fmt.Sprint(i))
			fmt.Fprintf(w, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(topic), topic, len(payload), payload)
		}
		_ = w.Flush()
	}()
	replies := bufio.NewReader(conn)
	for range many {
		if reply, err := replies.ReadString('\n'); err != nil || reply[0] != ':' {
			t.Errorf("redis answers %q, %v", reply, err)
			return
		}
	}
}

// A node that is a stranger to what others spend would let each of them have the whole budget.
func TestABudgetIsExactOverThreeProcesses(t *testing.T) {
	const budget, sessions, published = 1000, 50, 10_000
	redis, nodes := startMetered(t, budget)
	stalled := 0 // runs in which the machine was so busy that the counter did not answer in time
	for run := range runs {
		// Each run has a product of its own: what the run before has left in mailboxes is none of it.
		key, product := fmt.Sprintf("consumer-number-%06d", run), fmt.Sprintf("run-%d", run)
		var buyers []*buyer
		for i := range sessions {
			buyers = append(buyers, nodes[i%3].buy(t, key, product))
		}
		waitForMembers(nodes, sessions)
		var reading sync.WaitGroup
		for _, b := range buyers {
			reading.Go(b.read)
		}
		flood(t, redis, product, published)
		reading.Wait()
		total, away := 0, 0
		for i, b := range buyers {
			total += b.got
			switch b.ended {
			case "BUDGET_EVENTS":
			case "BUDGET_UNAVAILABLE":
				away++
			default:
				t.Errorf("run %d: session %d has ended by %s", run, i, b.ended)
			}
		}
		if total > budget || total < budget && away == 0 {
			t.Errorf("run %d: %d events were delivered in sum, want exactly %d", run, total, budget)
		}
		if away > 0 {
			stalled++
			t.Logf("run %d: the counter did not answer %d sessions in time", run, away)
		}
	}
	if stalled > runs/2 {
		t.Errorf("the counter did not answer in %d of %d runs", stalled, runs)
	}
}

func waitForMembers(nodes []*process, want int) {
	nodes[0].t.Helper()
	nodes[0].until("everybody is subscribed", func() bool {
		members := 0
		for _, n := range nodes {
			members += n.members()
		}
		return members == want
	})
}

// What a node had leased when it was killed is lost, and never granted again.
func TestANodeThatIsKilledForfeitsOneBlockAtMost(t *testing.T) {
	const budget, sessions, block = 1000, 30, 64
	redis, nodes := startMetered(t, budget)
	var buyers []*buyer
	for i := range sessions {
		buyers = append(buyers, nodes[i%3].buy(t, "consumer-number-000000", "1"))
	}
	waitForMembers(nodes, sessions)
	var reading sync.WaitGroup
	for _, b := range buyers {
		reading.Go(b.read)
	}
	for i := 0; i < 400; i++ {
		redis.Do("PUBLISH", "price.1", fmt.Sprintf(event, fmt.Sprint(i)))
		if i == 10 { // after 11 events for 30 sessions: about a third is spent
			_ = nodes[2].cmd.Process.Kill()
		}
	}
	reading.Wait()
	total := 0
	for i, b := range buyers {
		total += b.got
		if i%3 != 2 && b.ended != "BUDGET_EVENTS" {
			t.Errorf("session %d of a node that lives has ended by %s", i, b.ended)
		}
	}
	t.Logf("%d of %d events were delivered, %d are forfeited or were on their way to the killed node's clients", total, budget, budget-total)
	if total > budget || total < budget-block-sessions {
		t.Errorf("%d events were delivered of %d", total, budget)
	}
}
