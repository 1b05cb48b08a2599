package crowd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A form is how results stand in a response that goes on.
type form struct {
	accept    string
	delimiter string        // what ends each piece
	silentFor time.Duration // then the gateway is taken for dead: longer than between two of its heartbeats
	byHeader  bool          // the cursor goes by Last-Event-ID
	read      func(piece []byte) said
}

// A said is what a piece says; the zero said is a heartbeat.
type said struct {
	result []byte // nil: it has none
	marked bool   // it says where its reader is
	cursor string // that place
	over   bool   // nothing follows
}

// visitByStream has one subscription, and one response.
func (s *subscriber) visitByStream(ctx context.Context, gateway string, f *form) {
	conn, err := (&net.Dialer{Timeout: helloTime}).DialContext(ctx, "tcp", gateway)
	if err != nil {
		return
	}
	hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer hangUp()
	defer conn.Close()
	answer, err := s.ask(ctx, conn, gateway, f)
	if err != nil {
		return
	}
	defer func() {
		_ = conn.Close() // or the rest would be read
		_ = answer.Body.Close()
	}()
	if answer.StatusCode != http.StatusOK {
		s.refused(answer)
		return
	}
	s.follow(ctx, answer.Body, f)
}

// ask sends the request, and returns when the response begins.
func (s *subscriber) ask(ctx context.Context, conn net.Conn, gateway string, f *form) (*http.Response, error) {
	resume := s.begin()
	cursor, resumes := resume.(string)
	if f.byHeader {
		resume = nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+gateway+"/graphql", bytes.NewReader(s.request(resume)))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", f.accept)
	if f.byHeader && resumes {
		r.Header.Set("Last-Event-ID", cursor)
	}
	_ = conn.SetDeadline(time.Now().Add(helloTime))
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	patient := &patientReader{conn: conn, limit: helloTime}
	answer, err := http.ReadResponse(bufio.NewReaderSize(patient, 2<<10), r)
	patient.limit = f.silentFor
	return answer, err
}

// refused counts why there is no stream.
func (s *subscriber) refused(answer *http.Response) {
	var n next
	text, _ := io.ReadAll(io.LimitReader(answer.Body, mostEvents))
	_ = json.Unmarshal(text, &n)
	s.note(fmt.Sprintf("connect %d", answer.StatusCode))
	s.regret(n.Errors)
}

// follow takes the pieces of a stream until it is over. The last is none unless its end has come.
func (s *subscriber) follow(ctx context.Context, body io.Reader, f *form) {
	pieces := bufio.NewScanner(body)
	pieces.Buffer(make([]byte, 0, 1<<10), mostEvents)
	pieces.Split(splitAt(f.delimiter))
	for pieces.Scan() {
		p := f.read(pieces.Bytes())
		switch {
		case p.result != nil && !s.hear(ctx, p.result, p.cursor):
			return
		case p.result == nil && p.marked:
			s.cursor = p.cursor // a place before the first event
		}
		if p.over {
			s.note("complete")
			return
		}
	}
}

// splitAt splits at a delimiter. What stands after the last one is nothing.
func splitAt(delimiter string) bufio.SplitFunc {
	return func(data []byte, _ bool) (advance int, token []byte, err error) {
		if i := bytes.Index(data, []byte(delimiter)); i >= 0 {
			return i + len(delimiter), data[:i], nil
		}
		return 0, nil, nil
	}
}

// A patientReader reads from a connection that must not be silent for too long.
type patientReader struct {
	conn  net.Conn
	limit time.Duration
}

func (r *patientReader) Read(p []byte) (int, error) {
	_ = r.conn.SetReadDeadline(time.Now().Add(r.limit))
	return r.conn.Read(p)
}
