package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A house is a gateway in a synctest bubble: time passes only when everybody waits for it, and the test
// fails if a goroutine is left at its end.
type house struct {
	*testing.T
	*gateway.Gateway
	node *transporttest.Node // whose network and broker it uses
}

// inHouse runs a test of a gateway, which it closes if the test has not.
func inHouse(t *testing.T, options gateway.Options, test func(h house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewRooms(t)
		h := open(t, node, options)
		node.Serve(h.Gateway)
		test(h)
		h.shut()
	})
}

// open makes a gateway for a node's network and broker.
func open(t *testing.T, node *transporttest.Node, options gateway.Options) house {
	t.Helper()
	options.Broker, options.Log = node.Broker, slog.New(slog.DiscardHandler)
	if options.Authenticator == nil {
		options.Authenticator = node.Viewers
	}
	g, err := gateway.New(testschema.New(), options)
	if err != nil {
		t.Fatal(err)
	}
	return house{t, g, node}
}

func (h house) shut() {
	h.Helper()
	if err := h.Close(h.Context(), 0); err != nil {
		h.Error(err)
	}
}

// say publishes to room 1.
func (h house) say(text string) {
	h.Helper()
	event := fmt.Sprintf(`{"room":"1","text":%q}`, text)
	if err := h.node.Broker.Publish(h.Context(), "room.1", []byte(event)); err != nil {
		h.Fatal(err)
	}
}

// guests are clients that have subscribed to room 1.
func (h house) guests(each int) (all []*guest) {
	h.Helper()
	for _, join := range []func(house) *guest{joinBySocket, joinByEvents, joinByParts} {
		for range each {
			all = append(all, join(h))
		}
	}
	synctest.Wait()
	if members := h.Stats().Members; members < len(all) {
		h.Fatalf("%d of %d have subscribed", members, len(all))
	}
	return all
}

// drain closes the gateway, all of whose guests have an event before and are told then. It returns when each was.
func (h house) drain(guests []*guest, window time.Duration) (ends []time.Duration) {
	h.Helper()
	h.say("before")
	began := time.Now()
	ends = make([]time.Duration, len(guests))
	var reading sync.WaitGroup
	for i, g := range guests {
		reading.Go(func() {
			defer g.leave()
			if got := g.text(); got != "before" {
				h.Errorf("%s: got %q", g.transport, got)
			}
			if !g.sentAway() {
				h.Errorf("%s: it was not told that the node restarts", g.transport)
			}
			ends[i] = time.Since(began)
		})
	}
	if err := h.Close(h.Context(), window); err != nil {
		h.Error(err)
	}
	reading.Wait()
	return ends
}

func TestADrainTakesItsWindowAndNoMomentHasMoreThanItsShare(t *testing.T) {
	const each, window = 300, 20 * time.Second
	inHouse(t, gateway.Options{Sessions: transport.SessionLimits{Sessions: 3 * each}}, func(h house) {
		guests := h.guests(each)
		ends := h.drain(guests, window)
		slices.Sort(ends)
		if last := ends[len(ends)-1]; last < window*85/100 || last > window*115/100 {
			t.Errorf("the last one was sent away after %v, want %v", last, window)
		}
		const bucket = 100 * time.Millisecond
		mean := float64(len(ends)) * float64(bucket) / float64(window)
		counts := make(map[time.Duration]int)
		for _, end := range ends {
			counts[end/bucket]++
		}
		for at, n := range counts {
			if float64(n) > 2*mean {
				t.Errorf("%d were sent away after %v, on average %.1f", n, at*bucket, mean)
			}
		}
	})
}

func TestWhatWaitsIsSentBeforeTheEnd(t *testing.T) {
	const events = 200 // fewer than may wait, more than one write takes
	padding := strings.Repeat("x", 1<<10)
	for _, tt := range []struct {
		name string
		join func(house) *guest
	}{
		{"websocket", joinBySocket},
		{"sse", joinByEvents},
		{"multipart", joinByParts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inHouse(t, gateway.Options{}, func(h house) {
				g := tt.join(h)
				defer g.leave()
				synctest.Wait()
				for n := range events {
					h.say(fmt.Sprint(n, " ", padding))
					synctest.Wait() // it does not read meanwhile
				}
				closed := make(chan error)
				go func() { closed <- h.Close(h.Context(), 0) }()
				synctest.Wait()
				h.say("after")
				for n := range events {
					if got, _, _ := strings.Cut(g.text(), " "); got != fmt.Sprint(n) {
						t.Fatalf("got event %s, want %d", got, n)
					}
				}
				if !g.sentAway() {
					t.Error("it was not told that the node restarts")
				}
				g.leave()
				if err := <-closed; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestANodeThatIsNotReadyServesUntilItDrains(t *testing.T) {
	inHouse(t, gateway.Options{}, func(h house) {
		client := h.node.HTTP(false)
		status := func(method, path, body string) int {
			r, err := http.NewRequestWithContext(context.Background(), method, strings.TrimSuffix(transporttest.URL, "/graphql")+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			return answer.StatusCode
		}
		both := func() [2]int {
			return [2]int{status(http.MethodGet, "/readyz", ""), status(http.MethodPost, "/graphql", `{"query":"{ hello }"}`)}
		}
		if got := both(); got != [2]int{200, 200} {
			t.Errorf("ready: %v", got)
		}
		h.NotReady()
		if got := both(); got != [2]int{503, 200} {
			t.Errorf("not ready: %v", got)
		}
		g := joinBySocket(h)
		defer g.leave()
		synctest.Wait()
		h.say("still here")
		if got := g.text(); got != "still here" {
			t.Errorf("got %q", got)
		}
		closed := make(chan error)
		go func() { closed <- h.Close(h.Context(), time.Minute) }()
		synctest.Wait()
		if got := both(); got != [2]int{503, 503} {
			t.Errorf("while it drains: %v", got)
		}
		h.say("to the last")
		if got := g.text(); got != "to the last" {
			t.Errorf("got %q", got)
		}
		if !g.sentAway() {
			t.Error("it was not told that the node restarts")
		}
		g.leave()
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}
