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

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/multipart"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// mixed is the Accept header of clients of incremental delivery.
const mixed = "application/json, multipart/mixed"

// bothHandler serves Apollo's protocol as well, and prefers it.
func bothHandler(n *transporttest.Node) http.Handler {
	streams := []httpapi.Protocol{
		multipart.New(n.Sessions, transport.StreamOptions{}),
		multipart.NewIncremental(n.Sessions, transport.StreamOptions{}),
	}
	return httpapi.New(n.Engine, n.Reader, httpapi.Options{Streams: streams})
}

func TestIncremental(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			transporttest.RunLive(t, transporttest.Transport{
				Handler: bothHandler,
				Client: func(n *transporttest.Node, key string) transporttest.Client {
					return incrementalClient{newClient(n, http2, key)}
				},
				AnyKind: true,
			})
		})
	}
}

// incrementalClient reads live queries as the parts of a response in which hasNext says how it goes on.
type incrementalClient struct{ *client }

func (c incrementalClient) Start(query string, variables map[string]any) transporttest.Operation {
	return c.StartWith(query, variables, nil)
}

func (c incrementalClient) StartWith(query string, variables, extensions map[string]any) transporttest.Operation {
	ctx, stop := context.WithCancel(c.ctx)
	resp := c.post(ctx, mixed, query, variables, extensions)
	switch {
	case resp.StatusCode != http.StatusOK:
		defer stop()
		return transporttest.RefusedBy(resp)
	case resp.Header.Get("Content-Type") != `multipart/mixed; boundary="-"`:
		defer stop()
		return transporttest.Answered(resp)
	}
	p := &parts{subscription{body: bufio.NewReader(resp.Body), stop: stop}}
	if preamble, err := p.until("\r\n---"); err != nil || preamble != "" {
		panic("no opening delimiter")
	}
	return p
}

type parts struct{ subscription }

func (p *parts) Next() transporttest.Event {
	for {
		part, err := p.until("\r\n---")
		if err != nil { // that is also what follows the last part
			p.stop()
			return transporttest.Event{Again: true}
		}
		header, text, _ := strings.Cut(part, "\r\n\r\n")
		if header != "\r\nContent-Type: application/json; charset=utf-8" {
			panic(part)
		}
		var message struct {
			HasNext *bool
			Errors  gqlerror.List
		}
		if err := json.Unmarshal([]byte(text), &message); err != nil || message.HasNext == nil {
			panic(text)
		}
		rest, more := strings.CutPrefix(text, `{"hasNext":true,`)
		switch {
		case !*message.HasNext:
			return transporttest.Event{Errors: message.Errors}
		case more:
			return transporttest.Event{Result: json.RawMessage("{" + rest)}
		}
	}
}

func TestIncrementalTranscripts(t *testing.T) {
	const opening, next = "\r\n---", "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
	const first = opening + next + `{"hasNext":true,"data":{"hello":"hello you"},"isLive":true}` + opening
	for _, c := range []struct {
		name, query string
		then        func(*testing.T, *transporttest.Node)
		want        string
	}{
		{
			"a heartbeat every five seconds, then a restart", `query @live { hello(name: "you") }`,
			func(t *testing.T, n *transporttest.Node) {
				time.Sleep(11 * time.Second)
				_ = n.Sessions.Close(t.Context(), operation.Restarting, 0, time.Second)
			},
			first + next + `{"hasNext":true}` + opening + next + `{"hasNext":true}` + opening +
				next + `{"hasNext":false,"errors":[{"message":"Restarting","extensions":{"code":"DRAINING"}}]}` + opening + "--\r\n",
		},
		{
			"the key is revoked", `query @live { hello(name: "you") }`,
			func(t *testing.T, n *transporttest.Node) {
				n.Viewers.Set("mine", nil)
				if err := n.Sessions.Grants().Recheck(t.Context(), "k1"); err != nil {
					t.Fatal(err)
				}
			},
			first + next + `{"hasNext":false,"errors":[{"message":"Forbidden: key revoked","extensions":{"code":"KEY_REVOKED"}}]}` + opening + "--\r\n",
		},
		{
			"a query that fails validation", `query @live { nonsense }`,
			func(*testing.T, *transporttest.Node) {},
			opening + next + `{"hasNext":false,"errors":[{"message":"Cannot query field \"nonsense\" on type \"…\".",` +
				`"locations":[{"line":1,"column":15}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}` + opening + "--\r\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewRooms(t)
				node.Serve(bothHandler(node))
				node.Viewers.Set("mine", &auth.Viewer{Consumer: "web", Key: "k1"})
				client := newClient(node, false, "mine")
				defer client.Close()
				resp := client.post(client.ctx, mixed, c.query, nil, nil)
				defer resp.Body.Close()
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

func TestTheFormOfALiveQueryIsWhatItsClientReads(t *testing.T) {
	const live, once, refused = `query @live { hello }`, `query { hello }`, `query @live { nonsense }`
	const json, response, apollos, parts = "application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8", `multipart/mixed;boundary="graphql";subscriptionSpec=1.0`, `multipart/mixed; boundary="-"`
	for _, c := range []struct{ name, accept, query, want string }{
		{"a client of JSON has it once", "application/json", live, json},
		{"a client of anything has it once", "*/*", live, json},
		{"a client of parts", mixed, live, parts},
		{"a client of parts that names their boundary", `multipart/mixed;boundary="-", application/json`, live, parts},
		{"a client of parts, whose query is refused", mixed, refused, parts},
		{"a client of parts that asks once", mixed, once, json},
		{"a client of parts that wants none", "multipart/mixed;q=0, application/json", live, json},
		{"Apollo's client", apollo, live, apollos},
		{"Apollo's client that asks once", apollo, once, response},
		{"Apollo's client, which reads @defer", "multipart/mixed;deferSpec=20220824,application/json", live, json},
		{"a mutation that says it is live", mixed, `mutation @live { write(id: 1, text: "x") { id } }`, json},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				node := transporttest.NewRooms(t)
				node.Serve(bothHandler(node))
				client := newClient(node, false, "")
				defer client.Close()
				resp := client.post(client.ctx, c.accept, c.query, nil, nil)
				defer resp.Body.Close()
				if got := resp.Header.Get("Content-Type"); got != c.want {
					t.Errorf("it was sent as %s, want %s", got, c.want)
				}
				if once, _ := io.ReadAll(io.LimitReader(resp.Body, 40)); c.want == json && bytes.Contains(once, []byte("isLive")) {
					t.Errorf("a client that has it once was sent %s", once)
				}
			})
		})
	}
}
