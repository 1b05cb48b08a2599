package transporttest

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// An Event is a result, or how the operation ended.
type Event struct {
	Result json.RawMessage // an execution result; nil: the operation has ended
	Errors gqlerror.List   // at the end: what the protocol says of the reason
	Again  bool            // at the end: a client would come back
	Status int             // at the end: that of the HTTP answer that refused it; 0: it began, or was refused otherwise
}

// Refused is an operation that did not begin: an Operation that has ended.
type Refused struct{ Event }

// Next implements Operation.
func (r Refused) Next() Event { return r.Event }

// Stop implements Operation.
func (Refused) Stop() {}

// RefusedBy is the operation that an HTTP answer refuses, whose body it reads and closes.
func RefusedBy(answer *http.Response) Refused {
	defer answer.Body.Close()
	var result struct{ Errors gqlerror.List }
	if err := json.NewDecoder(answer.Body).Decode(&result); err != nil {
		panic(err)
	}
	again := answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusTooManyRequests
	return Refused{Event{Errors: result.Errors, Again: again, Status: answer.StatusCode}}
}

// Answered is the operation whose one result an HTTP answer is, which it reads and closes.
func Answered(answer *http.Response) Operation {
	defer answer.Body.Close()
	result, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(err)
	}
	return &answered{result}
}

type answered struct{ result json.RawMessage }

// Next implements Operation.
func (a *answered) Next() Event {
	event := Event{Result: a.result}
	a.result = nil
	return event
}

// Stop implements Operation.
func (*answered) Stop() {}
