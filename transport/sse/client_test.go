package sse_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

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
	return c.StartWith(query, variables, nil)
}

func (c *distinctClient) StartWith(query string, variables, extensions map[string]any) transporttest.Operation {
	ctx, stop := context.WithCancel(c.ctx)
	r := request(ctx, http.MethodPost, c.key, body(query, variables, extensions))
	r.Header.Set("Accept", "text/event-stream")
	resp, err := c.http.Do(r)
	if err != nil {
		stop()
		return transporttest.Refused{Event: transporttest.Event{Again: true}}
	}
	if (resp.ProtoMajor == 2) != c.http2 {
		panic("the response came by " + resp.Proto)
	}
	if resp.StatusCode != http.StatusOK {
		defer stop()
		return transporttest.RefusedBy(resp)
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
	over   transporttest.Operation // what every operation is, if there is no connection
}

func newConnectionClient(n *transporttest.Node, key string) *connectionClient {
	c := &connectionClient{http: n.HTTP(false), key: key, queued: make(map[string][]transporttest.Event)}
	resp, err := c.http.Do(request(context.Background(), http.MethodPut, key, nil))
	if err != nil {
		panic(err)
	}
	if resp.StatusCode != http.StatusCreated {
		c.over = transporttest.RefusedBy(resp)
		return c
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
	if c.body != nil {
		_ = c.body.Close()
	}
	c.http.CloseIdleConnections()
}

func (c *connectionClient) Start(query string, variables map[string]any) transporttest.Operation {
	return c.StartWith(query, variables, nil)
}

func (c *connectionClient) StartWith(query string, variables, extensions map[string]any) transporttest.Operation {
	if c.over != nil {
		return c.over
	}
	c.last++
	id := strconv.Itoa(c.last)
	all := map[string]any{"operationId": id}
	maps.Copy(all, extensions)
	resp, err := c.http.Do(c.request(http.MethodPost, body(query, variables, all), "*/*"))
	if err != nil {
		return transporttest.Refused{Event: transporttest.Event{Again: true}}
	}
	if resp.StatusCode != http.StatusAccepted {
		return transporttest.RefusedBy(resp)
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
