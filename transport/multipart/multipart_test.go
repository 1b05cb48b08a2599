package multipart_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/multipart"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// apollo is the Accept header of Apollo Client for subscriptions.
const apollo = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func handler(n *transporttest.Node) http.Handler {
	protocol := multipart.New(n.Sessions, transport.StreamOptions{})
	return httpapi.New(n.Engine, n.Reader, httpapi.Options{Streams: []httpapi.Protocol{protocol}})
}

func TestProtocol(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		Handler: handler,
		Client:  func(n *transporttest.Node, key string) transporttest.Client { return newClient(n, false, key) },
		AnyKind: true,
	})
}

func TestProtocolOverHTTP2(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		Handler: handler,
		Client:  func(n *transporttest.Node, key string) transporttest.Client { return newClient(n, true, key) },
		AnyKind: true,
	})
}

func TestTranscripts(t *testing.T) {
	const opening, next = "\r\n--graphql", "\r\ncontent-type: application/json\r\n\r\n"
	for _, c := range []struct {
		name, query string
		then        func(*testing.T, *transporttest.Node)
		want        string
	}{
		{
			"two events, then a restart", `subscription { priceChanged { revision } }`,
			func(t *testing.T, n *transporttest.Node) {
				n.Publish(1, "")
				n.Publish(2, "")
				synctest.Wait()
				if err := n.Sessions.Close(t.Context(), operation.Restarting, 0, time.Second); err != nil {
					t.Fatal(err)
				}
			},
			opening +
				next + `{"payload":{"data":{"priceChanged":{"revision":1}}}}` + opening +
				next + `{"payload":{"data":{"priceChanged":{"revision":2}}}}` + opening +
				next + `{"payload":null,"errors":[{"message":"Restarting","extensions":{"code":"DRAINING"}}]}` + opening + "--\r\n",
		},
		{
			"a heartbeat every five seconds", `subscription { priceChanged { revision } }`,
			func(t *testing.T, n *transporttest.Node) {
				time.Sleep(11 * time.Second)
				_ = n.Sessions.Close(t.Context(), operation.Restarting, 0, time.Second)
			},
			opening + next + "{}" + opening + next + "{}" + opening +
				next + `{"payload":null,"errors":[{"message":"Restarting","extensions":{"code":"DRAINING"}}]}` + opening + "--\r\n",
		},
		{
			"an event, then the key is revoked", `subscription { priceChanged { revision } }`,
			func(t *testing.T, n *transporttest.Node) {
				n.Publish(1, "")
				synctest.Wait()
				n.Viewers.Set("mine", nil)
				if err := n.Sessions.Grants().Recheck(t.Context(), "k1"); err != nil {
					t.Fatal(err)
				}
				n.Publish(2, "")
			},
			opening +
				next + `{"payload":{"data":{"priceChanged":{"revision":1}}}}` + opening +
				next + `{"payload":null,"errors":[{"message":"Forbidden: key revoked","extensions":{"code":"KEY_REVOKED"}}]}` + opening + "--\r\n",
		},
		{
			"an operation that fails validation", `subscription { priceChanged { nonsense } }`,
			func(*testing.T, *transporttest.Node) {},
			opening +
				next + `{"payload":{"errors":[{"message":"Cannot query field \"nonsense\" on type \"…\".",` +
				`"locations":[{"line":1,"column":31}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}}` + opening + "--\r\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewNode(t)
				node.Serve(handler(node))
				node.Viewers.Set("mine", &auth.Viewer{Consumer: "web", Key: "k1"})
				client := newClient(node, false, "mine")
				defer client.Close()
				resp := client.post(client.ctx, apollo, c.query, nil, nil)
				defer resp.Body.Close()
				if got := resp.Header.Get("Content-Type"); got != `multipart/mixed;boundary="graphql";subscriptionSpec=1.0` {
					t.Errorf("Content-Type %s", got)
				}
				var got []byte
				read := make(chan struct{})
				go func() { got, _ = io.ReadAll(resp.Body); close(read) }()
				synctest.Wait()
				c.then(t, node)
				<-read
				if string(got) != c.want {
					t.Errorf("got\n%q\nwant\n%q", got, c.want)
				}
			})
		})
	}
}

// client reads the parts as Apollo's does: a part is whole when the next delimiter is there.
type client struct {
	http *http.Client
	key  string
	ctx  context.Context
	stop context.CancelFunc
}

func newClient(n *transporttest.Node, http2 bool, key string) *client {
	c := &client{http: n.HTTP(http2), key: key}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

func (c *client) Close() {
	c.stop()
	c.http.CloseIdleConnections()
}

func (c *client) post(ctx context.Context, accept, query string, variables, extensions map[string]any) *http.Response {
	body, _ := json.Marshal(map[string]any{"query": query, "variables": variables, "extensions": extensions})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, transporttest.URL, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	r.Header.Set("Authorization", "Bearer "+c.key)
	if c.key == "" {
		r.Header.Del("Authorization")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		panic(err)
	}
	return resp
}

func (c *client) Start(query string, variables map[string]any) transporttest.Operation {
	return c.StartWith(query, variables, nil)
}

func (c *client) StartWith(query string, variables, extensions map[string]any) transporttest.Operation {
	ctx, stop := context.WithCancel(c.ctx)
	resp := c.post(ctx, apollo, query, variables, extensions)
	if resp.StatusCode != http.StatusOK {
		defer stop()
		return transporttest.RefusedBy(resp)
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "multipart/mixed") { // of a single result
		defer stop()
		return transporttest.Answered(resp)
	}
	s := &subscription{body: bufio.NewReader(resp.Body), stop: stop}
	if preamble, err := s.until("\r\n--graphql"); err != nil || preamble != "" {
		panic("no opening delimiter")
	}
	return s
}

type subscription struct {
	body *bufio.Reader
	stop context.CancelFunc
}

// until reads up to a delimiter, and not a byte more: Go's own multipart reader wants to see what
// follows one.
func (s *subscription) until(delimiter string) (string, error) {
	var text []byte
	for !bytes.HasSuffix(text, []byte(delimiter)) {
		c, err := s.body.ReadByte()
		if err != nil {
			return "", err
		}
		text = append(text, c)
	}
	return string(text[:len(text)-len(delimiter)]), nil
}

func (s *subscription) Stop() { s.stop() }

func (s *subscription) Next() transporttest.Event {
	for {
		if after, err := s.body.Peek(2); err == nil && string(after) == "--" {
			s.stop()
			return transporttest.Event{}
		}
		part, err := s.until("\r\n--graphql")
		if err != nil {
			s.stop()
			return transporttest.Event{Again: true}
		}
		header, text, _ := strings.Cut(part, "\r\n\r\n")
		if header != "\r\ncontent-type: application/json" {
			panic(part)
		}
		var message struct {
			Payload json.RawMessage
			Errors  gqlerror.List
		}
		if err := json.Unmarshal([]byte(text), &message); err != nil {
			panic(err)
		}
		switch {
		case message.Errors != nil:
			return transporttest.Event{Errors: message.Errors, Again: true}
		case message.Payload != nil:
			return transporttest.Event{Result: message.Payload}
		}
	}
}
