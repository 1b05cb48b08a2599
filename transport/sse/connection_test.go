package sse_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport/sse"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// call sends one request to a connection handler, without a network.
func call(h http.Handler, method, token, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, transporttest.URL, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GraphQL-Event-Stream-Token", token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func operate(id string) string {
	return `{"query":"subscription { priceChanged { revision } }","extensions":{"operationId":"` + id + `"}}`
}

func TestTokenIsWorthNothingToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		h := connection(node)
		mine := []string{"Authorization", "Bearer " + transporttest.Key}
		token := call(h, http.MethodPut, "", "", mine...).Body.String()
		if len(token) < 26 {
			t.Fatalf("token %q", token)
		}
		if got := call(h, http.MethodPost, token, operate("1")).Code; got != http.StatusNotFound {
			t.Errorf("an anonymous caller got %d", got)
		}
		if got := call(h, http.MethodPost, token, operate("1"), "Authorization", "nobody").Code; got != http.StatusUnauthorized {
			t.Errorf("bad credentials got %d", got)
		}
		if got := call(h, http.MethodPost, token, operate("1"), mine...).Code; got != http.StatusAccepted {
			t.Errorf("the owner got %d", got)
		}
		time.Sleep(11 * time.Second)
	})
}

func TestReservationThatNobodyOpensIsDropped(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *transporttest.Node){
		"after ten seconds": func(*testing.T, *transporttest.Node) { time.Sleep(10 * time.Second) },
		"when too much waits": func(_ *testing.T, n *transporttest.Node) {
			for i := range 257 {
				n.Publish(i, "")
			}
		},
		"when the server restarts": func(t *testing.T, n *transporttest.Node) {
			_ = n.Sessions.Close(t.Context(), operation.Restarting, 0, time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				h := connection(node)
				token := call(h, http.MethodPut, "", "").Body.String()
				call(h, http.MethodPost, token, operate("1"))
				synctest.Wait()
				if got := node.Engine.Stats().Members; got != 1 {
					t.Fatalf("%d operations before", got)
				}
				end(t, node)
				synctest.Wait()
				if members, sessions := node.Engine.Stats().Members, node.Sessions.Len(); members != 0 || sessions != 0 {
					t.Errorf("%d operations and %d sessions are left", members, sessions)
				}
				if got := call(h, http.MethodPost, token, operate("2")).Code; got != http.StatusNotFound {
					t.Errorf("the token still gets %d", got)
				}
			})
		})
	}
}

func TestReservationWithoutAStreamEndsWithItsCredentials(t *testing.T) {
	for name, end := range map[string]func(*transporttest.Node){
		"which expire": func(*transporttest.Node) { time.Sleep(5 * time.Second) },
		"which are revoked": func(n *transporttest.Node) {
			n.Viewers.Set("mine", nil)
			_ = n.Sessions.Grants().Recheck(t.Context(), "k1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				h, mine := connection(node), []string{"Authorization", "mine"}
				node.Viewers.Set("mine", &auth.Viewer{Consumer: "web", Key: "k1", Expires: time.Now().Add(5 * time.Second)})
				token := call(h, http.MethodPut, "", "", mine...).Body.String()
				call(h, http.MethodPost, token, operate("1"), mine...)
				synctest.Wait()
				if members, grants := node.Engine.Stats().Members, node.Sessions.Grants().Len(); members != 1 || grants != 1 {
					t.Fatalf("%d operations and %d grants before", members, grants)
				}
				end(node)
				synctest.Wait()
				if members, sessions, grants := node.Engine.Stats().Members, node.Sessions.Len(), node.Sessions.Grants().Len(); members+sessions+grants != 0 {
					t.Errorf("%d operations, %d sessions and %d grants are left", members, sessions, grants)
				}
			})
		})
	}
}

func TestReservationBelongsToWhatItsViewerIsNow(t *testing.T) {
	for _, tt := range []struct {
		name string
		now  auth.Viewer
		want int
	}{
		{"a key that has changed", auth.Viewer{Consumer: "web", Key: "k1", Scopes: []string{"more"}}, http.StatusAccepted},
		{"another key with the same rights", auth.Viewer{Consumer: "web", Key: "k2"}, http.StatusAccepted},
		{"another key with other rights", auth.Viewer{Consumer: "web", Key: "k2", Scopes: []string{"more"}}, http.StatusNotFound},
		{"a token with other rights", auth.Viewer{Consumer: "web", Scopes: []string{"more"}}, http.StatusNotFound},
		{"another consumer", auth.Viewer{Consumer: "app", Key: "k2"}, http.StatusNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				h, mine := connection(node), []string{"Authorization", "mine"}
				node.Viewers.Set("mine", &auth.Viewer{Consumer: "web", Key: "k1"})
				token := call(h, http.MethodPut, "", "", mine...).Body.String()
				node.Viewers.Set("mine", &tt.now)
				if got := call(h, http.MethodPost, token, operate("1"), mine...).Code; got != tt.want {
					t.Errorf("got %d, want %d", got, tt.want)
				}
				time.Sleep(11 * time.Second)
			})
		})
	}
}

func TestConnectionHasALimitOfOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		h := sse.NewConnection(node.Engine, node.Reader, node.Sessions, sse.Options{Operations: 1})
		token := call(h, http.MethodPut, "", "").Body.String()
		if got := call(h, http.MethodPost, token, operate("1")).Code; got != http.StatusAccepted {
			t.Errorf("the first got %d", got)
		}
		if w := call(h, http.MethodPost, token, operate("2")); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "SUBSCRIPTION_LIMIT") {
			t.Errorf("the second got %d %s", w.Code, w.Body)
		}
		if got := node.Engine.Refusals().Counts()["max-operations"]; got != 1 {
			t.Errorf("the limit is noted %d times, want 1", got)
		}
		time.Sleep(11 * time.Second)
	})
}

func TestClosingNodeReservesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		_ = node.Sessions.Close(t.Context(), operation.Restarting, 0, time.Second)
		if w := call(connection(node), http.MethodPut, "", ""); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
	})
}

// The deadline of the last write of a stream must not cut what follows on the same connection.
func TestConnectionIsOfUseAfterAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := transporttest.NewNode(t)
		dialled := 0
		node.Serve(distinct(node))
		client := newDistinctClient(node, false, "")
		defer client.Close()
		dial := client.http.Transport.(*http.Transport).DialContext
		client.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled++
			return dial(ctx, network, addr)
		}
		for range 3 {
			op := client.Start(`{ __typename }`, nil)
			if got := op.Next(); got.Result == nil {
				t.Fatalf("got %+v", got)
			}
			if end := op.Next(); end.Again {
				t.Fatalf("ended by %+v", end)
			}
			_, _ = op.(*distinctOperation).stream.ReadByte() // the end of the response frees its connection
			time.Sleep(time.Minute)
		}
		if dialled != 1 {
			t.Errorf("%d connections were dialled", dialled)
		}
	})
}

func TestBodyThatStopsArrivingIsRefused(t *testing.T) {
	const head = "Host: sluice.test\r\nContent-Length: 100\r\n"
	for _, c := range []struct{ name, request, status string }{
		{"what is read", "POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\n" + head, "408"},
		{"what is refused unread", "POST /graphql HTTP/1.1\r\n" + head, "415"},
		{"where none is expected", "GET /graphql HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\n" + head, "408"},
		{"of a preflight", "OPTIONS /graphql HTTP/1.1\r\n" + head, "204"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				node.Serve(distinct(node))
				conn, err := node.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				go func() { _, _ = conn.Write([]byte(c.request + "\r\n{")) }()
				answer, _ := io.ReadAll(conn)
				if want := "HTTP/1.1 " + c.status; !strings.HasPrefix(string(answer), want) {
					t.Errorf("%.50q, want %s", answer, want)
				}
				if took := time.Since(start); took > 11*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}
