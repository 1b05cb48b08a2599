package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// readEvents reads the events of a response that belongs to one operation.
func readEvents(a *answer, body io.Reader) func() {
	in := bufio.NewReader(body)
	return func() {
		switch name, data, err := readEvent(in); name {
		case "next":
			a.take(data)
		case "complete":
			_, err = io.Copy(io.Discard, in)
			a.end(err)
		default:
			a.end(errors.Join(err, fmt.Errorf("the event %q", name)))
		}
	}
}

// readEvent reads one event of SSE.
func readEvent(in *bufio.Reader) (name string, data []byte, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", nil, err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		switch {
		case line == "\n" && name != "":
			return name, data, nil
		case field == "event":
			name = strings.TrimPrefix(value, " ")
		case field == "data":
			data = []byte(strings.TrimPrefix(value, " "))
		}
	}
}

const delimiter = "\r\n--graphql"

// readParts reads the parts of a multipart response.
func readParts(a *answer, body io.Reader) func() {
	in := bufio.NewReader(body)
	return func() {
		part, err := readPart(in)
		_, text, found := strings.Cut(part, "\r\n\r\n")
		var message struct {
			Payload json.RawMessage `json:"payload"`
			Errors  json.RawMessage `json:"errors"`
		}
		switch {
		case err != nil:
			a.end(err)
		case strings.HasPrefix(part, "--"):
			_, err = io.Copy(io.Discard, in)
			a.end(err)
		case !found: // before the first delimiter
		case json.Unmarshal([]byte(text), &message) != nil:
			a.end(fmt.Errorf("the part %q", part))
		case message.Errors != nil:
			a.take([]byte(text))
		case message.Payload != nil:
			a.take(message.Payload)
		}
	}
}

// readPart reads up to a delimiter, or to the end of the line that ends the response.
func readPart(in *bufio.Reader) (string, error) {
	var text []byte
	for !bytes.HasSuffix(text, []byte(delimiter)) && string(text) != "--\r\n" {
		c, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		text = append(text, c)
	}
	return strings.TrimSuffix(string(text), delimiter), nil
}

// A oneStream is the single connection of a viewer, whose operations are requests beside it.
type oneStream struct {
	client  *client
	token   string
	hangUp  context.CancelFunc
	in      *bufio.Reader
	answers map[string]*answer
	closed  error
}

// reserve opens a connection.
func reserve(c *client) *oneStream {
	c.t.Helper()
	resp := c.do(c.new(context.Background(), http.MethodPut, "/graphql/stream", nil))
	token, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusCreated {
		c.t.Fatalf("reserving a stream: %s %q %v", resp.Status, token, err)
	}
	s := &oneStream{client: c, token: string(token), answers: make(map[string]*answer)}
	ctx, hangUp := context.WithCancel(context.Background())
	resp = c.do(s.new(ctx, http.MethodGet, "text/event-stream", "", nil))
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("opening a stream: %s", resp.Status)
	}
	s.hangUp, s.in = hangUp, bufio.NewReader(resp.Body)
	return s
}

func (s *oneStream) new(ctx context.Context, method, accept, parameters string, body any) *http.Request {
	r := s.client.new(ctx, method, "/graphql/stream"+parameters, body)
	r.Header.Set("Accept", accept)
	r.Header.Set("X-Graphql-Event-Stream-Token", s.token)
	return r
}

// ask starts an operation. What refuses it comes as the answer of the request.
func (s *oneStream) ask(document string, variables map[string]any) *answer {
	s.client.t.Helper()
	id := strconv.Itoa(len(s.answers))
	a := &answer{pump: s.pump, stop: func() { s.stop(id) }}
	s.answers[id] = a
	resp := s.client.do(s.new(context.Background(), http.MethodPost, "application/json", "", map[string]any{
		"query": document, "variables": variables, "extensions": map[string]any{"operationId": id},
	}))
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusAccepted {
		readJSON(a, io.TeeReader(resp.Body, &a.bytes))()
	}
	return a
}

func (s *oneStream) stop(id string) {
	resp := s.client.do(s.new(context.Background(), http.MethodDelete, "*/*", "?operationId="+id, nil))
	_ = resp.Body.Close()
}

// pump reads one event of any operation.
func (s *oneStream) pump() {
	late := time.AfterFunc(patience, s.hangUp)
	name, data, err := readEvent(s.in)
	late.Stop()
	var message struct {
		ID      string          `json:"id"`
		Payload json.RawMessage `json:"payload"`
	}
	if err == nil {
		err = json.Unmarshal(data, &message)
	}
	a := s.answers[message.ID]
	if err == nil && a == nil {
		err = fmt.Errorf("the event %q of no operation", data)
	}
	if err != nil {
		s.fail(err)
		return
	}
	a.bytes.Write(data)
	if a.over {
		s.fail(fmt.Errorf("the event %q after the last one", data))
		return
	}
	if name == "complete" {
		a.end(nil)
		return
	}
	a.take(message.Payload)
}

func (s *oneStream) fail(err error) {
	s.closed = err
	for _, a := range s.answers {
		if !a.over {
			a.end(err)
		}
	}
}

// fence returns when everything that was sent until now has come, or the connection is closed.
func (s *oneStream) fence() {
	if s.closed != nil {
		return
	}
	a := s.ask("{ __typename }", nil)
	for !a.over {
		a.pump()
	}
}
