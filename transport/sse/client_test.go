package sse_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// distinctClient sends each operation in a request of its own.
type distinctClient struct {
	http  *http.Client
	http2 bool
	key   string
	ctx   context.Context
	stop  context.CancelFunc
}

func newDistinctClient(n *transporttest.Node, http2 bool, key string) *distinctClient {
	c := &distinctClient{http: n.HTTP(http2), http2: http2, key: key}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

func (c *distinctClient) Close() {
	c.stop()
	c.http.CloseIdleConnections()
}

func (c *distinctClient) Start(query string, variables map[string]any) transporttest.Operation {
	ctx, stop := context.WithCancel(c.ctx)
	r := request(ctx, http.MethodPost, c.key, body(query, variables, nil))
	r.Header.Set("Accept", "text/event-stream")
	resp, err := c.http.Do(r)
	if err != nil {
		stop()
		return refused{transporttest.Event{Again: true}}
	}
	if (resp.ProtoMajor == 2) != c.http2 {
		panic("the response came by " + resp.Proto)
	}
	if resp.StatusCode != http.StatusOK {
		defer stop()
		return refusal(resp)
	}
	return &distinctOperation{stream: bufio.NewReader(resp.Body), stop: stop}
}

type distinctOperation struct {
	stream *bufio.Reader
	stop   context.CancelFunc
}

func (o *distinctOperation) Stop() { o.stop() }

func (o *distinctOperation) Next() transporttest.Event {
	switch name, data := nextEvent(o.stream); name {
	case "next":
		return transporttest.Event{Result: json.RawMessage(data)}
	case "complete":
		return transporttest.Event{}
	default:
		o.stop()
		return transporttest.Event{Again: true}
	}
}

// nextEvent reads the next event; no name means that the stream is over.
func nextEvent(stream *bufio.Reader) (name, data string) {
	for {
		line, err := stream.ReadString('\n')
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case err != nil:
			return "", ""
		case line == "\n" && name != "":
			return name, data
		case field == "event":
			name = value
		case field == "data":
			data = value
		}
	}
}

// connectionClient sends its operations beside a stream that brings the results of all.
type connectionClient struct {
	http   *http.Client
	key    string
	token  string
	body   io.Closer
	stream *bufio.Reader
	last   int
	queued map[string][]transporttest.Event
}

func newConnectionClient(n *transporttest.Node, key string) *connectionClient {
	c := &connectionClient{http: n.HTTP(false), key: key, queued: make(map[string][]transporttest.Event)}
	resp, err := c.http.Do(request(context.Background(), http.MethodPut, key, nil))
	if err != nil {
		panic(err)
	}
	token, _ := io.ReadAll(resp.Body)
	c.token = string(token)
	resp, err = c.http.Do(c.request(http.MethodGet, nil, "text/event-stream"))
	if err != nil || resp.StatusCode != http.StatusOK {
		panic(err)
	}
	c.body, c.stream = resp.Body, bufio.NewReader(resp.Body)
	return c
}

func (c *connectionClient) request(method string, body []byte, accept string) *http.Request {
	r := request(context.Background(), method, c.key, body)
	r.Header.Set("X-GraphQL-Event-Stream-Token", c.token)
	r.Header.Set("Accept", accept)
	return r
}

func (c *connectionClient) Close() {
	_ = c.body.Close()
	c.http.CloseIdleConnections()
}

func (c *connectionClient) Start(query string, variables map[string]any) transporttest.Operation {
	c.last++
	id := strconv.Itoa(c.last)
	resp, err := c.http.Do(c.request(http.MethodPost, body(query, variables, map[string]any{"operationId": id}), "*/*"))
	if err != nil {
		return refused{transporttest.Event{Again: true}}
	}
	if resp.StatusCode != http.StatusAccepted {
		return refusal(resp)
	}
	_ = resp.Body.Close()
	return &connectionOperation{c, id}
}

type connectionOperation struct {
	client *connectionClient
	id     string
}

func (o *connectionOperation) Stop() {
	r := o.client.request(http.MethodDelete, nil, "*/*")
	r.URL.RawQuery = "operationId=" + o.id
	if resp, err := o.client.http.Do(r); err == nil {
		_ = resp.Body.Close()
	}
}

func (o *connectionOperation) Next() transporttest.Event {
	c := o.client
	for {
		if queue := c.queued[o.id]; len(queue) > 0 {
			c.queued[o.id] = queue[1:]
			return queue[0]
		}
		name, data := nextEvent(c.stream)
		if name == "" {
			return transporttest.Event{Again: true}
		}
		var message struct {
			ID      string
			Payload json.RawMessage
		}
		if err := json.Unmarshal([]byte(data), &message); err != nil {
			panic(err)
		}
		// An event without payload is the operation's `complete`, and so is one here.
		c.queued[message.ID] = append(c.queued[message.ID], transporttest.Event{Result: message.Payload})
	}
}

// refused is an operation that did not start.
type refused struct{ event transporttest.Event }

func (r refused) Next() transporttest.Event { return r.event }
func (refused) Stop()                       {}

func refusal(resp *http.Response) transporttest.Operation {
	var result struct{ Errors gqlerror.List }
	if err := json.NewDecoder(resp.Body).Decode(&result); err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	return refused{transporttest.Event{Errors: result.Errors, Again: resp.StatusCode == http.StatusServiceUnavailable}}
}

func request(ctx context.Context, method, key string, body []byte) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, transporttest.URL, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	return r
}

func body(query string, variables, extensions map[string]any) []byte {
	text, err := json.Marshal(map[string]any{"query": query, "variables": variables, "extensions": extensions})
	if err != nil {
		panic(err)
	}
	return text
}
