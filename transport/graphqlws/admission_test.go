package graphqlws_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

func TestASocketThatSaysNothingHoldsItsPlaceUntilItsTimeIsUp(t *testing.T) {
	inBubbleOf(t, transport.SessionLimits{Sessions: 1}, func(b bubble) {
		silent := b.call()
		answer, err := b.HTTP(false).Do(b.upgrade())
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		after := answer.Header.Get("Retry-After")
		if answer.StatusCode != http.StatusServiceUnavailable || after < "1" || after > "5" || !strings.Contains(string(text), `"code":"SESSION_LIMIT"`) {
			t.Errorf("another socket is answered %d, Retry-After: %s, %s", answer.StatusCode, after, text)
		}
		if got := silent.hear(); got != "close 4408 Connection initialisation timeout" {
			t.Errorf("the first heard %s", got)
		}
		synctest.Wait()
		b.open()
	})
}

func TestWhatIsNoWebSocketHoldsNoPlace(t *testing.T) {
	inBubbleOf(t, transport.SessionLimits{Sessions: 1}, func(b bubble) {
		for range 3 {
			r := b.upgrade()
			r.Header.Set("Sec-WebSocket-Version", "12")
			answer, err := b.HTTP(false).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d", answer.StatusCode)
			}
		}
		b.open()
	})
}

func TestManySocketsComeAndGoAtOnce(t *testing.T) {
	const most = 5
	inBubbleOf(t, transport.SessionLimits{Sessions: most, Rate: limits.UnlimitedRate}, func(b bubble) {
		var served, refused atomic.Int64
		var running sync.WaitGroup
		for range 30 {
			running.Go(func() {
				for range 20 {
					ws, answer, err := b.dial()
					if err != nil && (answer == nil || answer.StatusCode != http.StatusServiceUnavailable) {
						b.Error(err)
					}
					if err != nil {
						refused.Add(1)
						continue
					}
					served.Add(1)
					if open := b.Sessions.Len(); open > most {
						b.Errorf("%d sessions are open", open)
					}
					_ = ws.Close()
				}
			})
		}
		running.Wait()
		synctest.Wait()
		if served.Load() == 0 || refused.Load() == 0 || b.Sessions.Len() != 0 {
			t.Errorf("%d were served and %d refused, %d are left", served.Load(), refused.Load(), b.Sessions.Len())
		}
		for range most {
			b.open()
		}
	})
}

// upgrade is a request for a WebSocket.
func (b bubble) upgrade() *http.Request {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, transporttest.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": graphqlws.Subprotocol,
	} {
		r.Header.Set(name, value)
	}
	return r
}
