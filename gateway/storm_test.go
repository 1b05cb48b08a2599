package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// A doorman counts whose credentials he is asked to check.
type doorman struct {
	*transporttest.Viewers
	asked atomic.Int64
}

func (d *doorman) Authenticate(ctx context.Context, c auth.Credentials) (*auth.Viewer, error) {
	d.asked.Add(1)
	return d.Viewers.Authenticate(ctx, c)
}

// A storm is of clients who all want to come within a second, and do as they are told.
type storm struct {
	house
	began   time.Time
	refused atomic.Int64

	mu      sync.Mutex // guards what follows
	sockets []*websocket.Conn
	entered []time.Duration // when, since it began
}

// come opens a socket, however often it is told to come again.
func (s *storm) come(after time.Duration) {
	time.Sleep(after)
	for {
		ws, answer, err := s.connect()
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sockets = append(s.sockets, ws)
			s.entered = append(s.entered, time.Since(s.began))
			return
		}
		if answer == nil || answer.StatusCode != http.StatusServiceUnavailable {
			s.Errorf("refused otherwise: %v", err)
			return
		}
		wait, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 5 {
			s.Errorf("Retry-After: %s", answer.Header.Get("Retry-After"))
			return
		}
		s.refused.Add(1)
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func TestAStormOfClientsGetsInAsFastAsTheNodeTakesThem(t *testing.T) {
	const clients, rate, burst = 5000, 500, 500
	door := &doorman{Viewers: transporttest.NewViewers()}
	inHouse(t, gateway.Options{
		Authenticator: door,
		Sessions:      transport.SessionLimits{Sessions: 2 * clients, Rate: limits.Rate{PerSecond: rate, Burst: burst}},
	}, func(h house) {
		resident := joinBySocket(h)
		defer resident.leave()
		synctest.Wait()
		asked := door.asked.Load()

		s := &storm{house: h, began: time.Now()}
		var coming sync.WaitGroup
		for n := range clients {
			coming.Go(func() { s.come(time.Duration(n) * time.Second / clients) })
		}
		allIn := make(chan struct{})
		go func() { coming.Wait(); close(allIn) }()
		told := s.serveUntil(allIn, resident)

		if len(s.sockets) != clients || h.Stats().Sessions != clients+1 {
			t.Errorf("%d got in, %d sessions are open", len(s.sockets), h.Stats().Sessions)
		}
		for i, at := range s.entered { // never more than the rate allows
			if most := burst + rate*at.Seconds() + 1; float64(i+1) > most {
				t.Errorf("%d are in after %v", i+1, at)
			}
		}
		if s.refused.Load() == 0 || h.Stats().Refusals["session-rate"] != uint64(s.refused.Load()) {
			t.Errorf("%d were told to come again, %d are noted", s.refused.Load(), h.Stats().Refusals["session-rate"])
		}
		if got := door.asked.Load() - asked; got != clients+told { // and the queries'
			t.Errorf("credentials of %d were checked, %d were let in and %d asked: who is refused costs more than a refusal", got, clients, told)
		}
		t.Logf("all are in after %v, %d were told to come again", s.entered[clients-1], s.refused.Load())
		for _, ws := range s.sockets {
			_ = ws.Close()
		}
	})
}

// serveUntil has an event published, and a query asked, every 50 ms until all are in. It returns how many
// were; who is in already must have each.
func (s *storm) serveUntil(allIn <-chan struct{}, resident *guest) (asked int64) {
	client := s.node.HTTP(false)
	for {
		select {
		case <-allIn:
			return asked
		case <-time.After(50 * time.Millisecond):
		}
		asked++
		s.say(fmt.Sprint(asked))
		if got := resident.text(); got != fmt.Sprint(asked) {
			s.Errorf("got %q, want event %d", got, asked)
			return asked
		}
		r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, transporttest.URL, strings.NewReader(`{"query":"{ hello }"}`))
		if err != nil {
			s.Error(err)
			return asked
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			s.Error(err)
			return asked
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			s.Errorf("a query is answered %d", answer.StatusCode)
		}
	}
}
