package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/internal/vault"
)

// An answer is what one viewer receives for one operation, over any transport. It belongs to one
// goroutine.
type answer struct {
	bytes  bytes.Buffer // everything that came
	queue  []payload
	over   bool
	broken error  // how the connection failed, if it did
	pump   func() // reads one message, of this answer or of another one on its connection
	stop   func()
}

// A payload is one execution result, or the errors that ended the operation.
type payload struct {
	Errors []failure `json:"errors"`
}

type failure struct {
	Message    string `json:"message"`
	Path       []any  `json:"path"`
	Extensions struct {
		Code string `json:"code"`
	} `json:"extensions"`
}

// take puts a result into the queue.
func (a *answer) take(result []byte) {
	var p payload
	if err := json.Unmarshal(result, &p); err != nil {
		a.end(fmt.Errorf("the result %q: %w", result, err))
		return
	}
	a.queue = append(a.queue, p)
}

func (a *answer) end(err error) { a.over, a.broken = true, err }

// next waits for a result. It reports false when the operation is over.
func (a *answer) next() (payload, bool) {
	for len(a.queue) == 0 && !a.over {
		a.pump()
	}
	if len(a.queue) == 0 {
		return payload{}, false
	}
	p := a.queue[0]
	a.queue = a.queue[1:]
	return p, true
}

// has reports whether a text has come.
func (a *answer) has(text string) bool { return bytes.Contains(a.bytes.Bytes(), []byte(text)) }

// shows complains unless a result with a text comes. Those of older events are passed over.
func (a *answer) shows(text string) []string {
	for !a.has(text) {
		p, ok := a.next()
		if !ok || p.Errors != nil {
			return []string{fmt.Sprintf("%q does not come, but %v %q", text, a.broken, a.bytes.Bytes())}
		}
	}
	return nil
}

// mayShow complains where something private to anybody else has come.
func (a *answer) mayShow(subject string) []string {
	others := strings.ReplaceAll(a.bytes.String(), vault.Of(subject), "")
	if strings.Contains(others, vault.Private) {
		return []string{fmt.Sprintf("%s sees what is another viewer's: %s", subject, a.bytes.Bytes())}
	}
	return nil
}

// ends reads to the end and complains unless that is an error with a code.
func (a *answer) ends(code string) []string {
	var last payload
	for p, ok := a.next(); ok; p, ok = a.next() {
		last = p
	}
	if len(last.Errors) == 0 || last.Errors[0].Extensions.Code != code {
		return []string{fmt.Sprintf("it does not end with %s, but with %v %v %q", code, last, a.broken, a.bytes.Bytes())}
	}
	return nil
}

// refused reads one result, and complains of everything by which a refusal with a code, of the field
// with a response key, may betray what it guards. ran is how many resolvers ran meanwhile.
func (a *answer) refused(code, key string, ran func() int64) []string {
	var complaints []string
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	p, _ := a.next()
	if len(p.Errors) == 0 {
		complain("no error, but %v %q", a.broken, a.bytes.Bytes())
	}
	for _, err := range p.Errors {
		if err.Extensions.Code != code {
			complain("the code %q, want %s", err.Extensions.Code, code)
		}
		if len(err.Path) == 0 || err.Path[len(err.Path)-1] != key {
			complain("the path %v does not lead to %q", err.Path, key)
		}
	}
	if n := ran(); n != 0 {
		complain("%d resolvers have run", n)
	}
	if complaints == nil { // or else it may go on for ever
		if _, more := a.next(); more {
			complain("it goes on after the refusal: %q", a.bytes.Bytes())
		}
	}
	if a.has(vault.Canary) {
		complain("a canary in %q", a.bytes.Bytes())
	}
	return complaints
}
