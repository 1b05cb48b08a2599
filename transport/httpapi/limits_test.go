package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// Nothing has begun of what comes too fast: HTTP says so, also to clients that read a stream.
func TestRequestsThatComeTooFastAreRefusedByHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(transporttest.NewNode(t))
		for range 2000 {
			if resp := post(h, queryText); resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		for _, accept := range []string{grj, plainJSON, events, parts} {
			for _, text := range []string{queryText, subscriptionText} {
				resp := post(h, text, "Accept", accept)
				if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" || code(t, resp) != "RATE_LIMITED" {
					t.Errorf("%s for %s: %d, %v", text, accept, resp.StatusCode, resp.Header)
				}
			}
		}
		time.Sleep(time.Second)
		if resp := post(h, queryText); resp.StatusCode != http.StatusOK {
			t.Errorf("after the wait: status %d", resp.StatusCode)
		}
	})
}

func TestStreamsThatAreTooManyAreRefusedByHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		h := handler(node)
		for range 40 {
			if resp := post(h, subscriptionText, "Accept", events); resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		for _, accept := range []string{events, parts} {
			resp := post(h, subscriptionText, "Accept", accept)
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" ||
				media(resp) != plainJSON || code(t, resp) != "RATE_LIMITED" {
				t.Errorf("for %s: %d, %v", accept, resp.StatusCode, resp.Header)
			}
		}
		if resp := post(h, `{ nonsense }`, "Accept", events); resp.StatusCode != http.StatusOK {
			t.Errorf("what only refuses needs a place: status %d", resp.StatusCode)
		}
		if resp := post(h, queryText); resp.StatusCode != http.StatusOK {
			t.Errorf("a query in JSON needs a place: status %d", resp.StatusCode)
		}
		if got := node.Sessions.Len(); got != 0 {
			t.Errorf("%d sessions are left", got)
		}
	})
}

func TestBodiesThatAreTooLargeAreNoted(t *testing.T) {
	node := transporttest.NewNode(t)
	h := handler(node)
	large := `{"query":"` + strings.Repeat(" ", 256<<10) + `"}`
	if resp := serve(h, http.MethodPost, "", large); resp.StatusCode != http.StatusRequestEntityTooLarge || code(t, resp) != "QUERY_TOO_LARGE" {
		t.Errorf("status %d", resp.StatusCode)
	}
	serve(h, http.MethodPost, "", `{"query":1}`)
	if got := node.Engine.Refusals().Counts()["max-body"]; got != 1 {
		t.Errorf("noted %d times, want 1", got)
	}
}
