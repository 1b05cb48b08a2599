package transport

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
)

// A Refusal is an HTTP answer that says why a request was not served.
type Refusal struct {
	Status int    // 0: what Status says of the errors' code
	Allow  string // the methods that would be, for 405
	Errors gqlerror.List
}

// Refuse makes a refusal with one error.
func Refuse(status int, code, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Errors: gqlerror.List{operation.Errorf(code, format, args...)}}
}

// RefuseMethod refuses a request for its method.
func RefuseMethod(message, allow string) *Refusal {
	refusal := Refuse(http.StatusMethodNotAllowed, operation.CodeBadRequest, "%s", message)
	refusal.Allow = allow
	return refusal
}

// RefuseType refuses a request whose body is sent as anything else than JSON.
func RefuseType() *Refusal {
	return Refuse(http.StatusUnsupportedMediaType, operation.CodeBadRequest,
		"the body must be sent with Content-Type: application/json")
}

// RefuseRestarting refuses a request because this node takes none any more.
func RefuseRestarting() *Refusal {
	return Refuse(http.StatusServiceUnavailable, operation.CodeDraining, "this server is being restarted; try again")
}

// statuses are those of the codes that are not just a bad query. The table of both media types
// stands in PROTOCOL.md.
var statuses = map[string]int{
	operation.CodeBatchLimit:        http.StatusBadRequest,
	operation.CodeUnauthenticated:   http.StatusUnauthorized,
	operation.CodeForbidden:         http.StatusForbidden,
	operation.CodeSubscriptionCap:   http.StatusTooManyRequests,
	operation.CodeSessionCap:        http.StatusTooManyRequests,
	operation.CodeRateLimited:       http.StatusTooManyRequests,
	operation.CodeBudgetEvents:      http.StatusTooManyRequests,
	operation.CodeBudgetTime:        http.StatusTooManyRequests,
	operation.CodeBudgetUnavailable: http.StatusServiceUnavailable,
	operation.CodeUsageUnavailable:  http.StatusServiceUnavailable,
	operation.CodeBroker:            http.StatusServiceUnavailable,
	operation.CodeDraining:          http.StatusServiceUnavailable,
	operation.CodeInternal:          http.StatusInternalServerError,
}

// Status is the HTTP status of a request that was refused with a code. A bad query is 200 in
// application/json: clients that ask for it, such as Apollo's, take any other status for a failure of
// the network and hide the errors.
func Status(code, media string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	precise := media == GraphQLResponse
	switch {
	case code == operation.CodeBadRequest && precise:
		return http.StatusUnprocessableEntity
	case code == operation.CodeBadRequest, code == operation.CodeParseFailed && precise:
		return http.StatusBadRequest
	case precise:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// Write answers with the refusal, in the JSON type that accept likes best, or else in
// application/json: a refusal has no other form.
func (f *Refusal) Write(w http.ResponseWriter, accept Accept) {
	media := accept.BestJSON()
	if media == "" {
		media = JSON
	}
	status := f.Status
	if status == 0 {
		status = Status(operation.Code(f.Errors), media)
	}
	h := w.Header()
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", f.Allow)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(f.retryAfter()))
	}
	WriteJSON(w, status, media, ErrorResult(f.Errors))
}

// retryAfter is in how many seconds the request may come again: when the errors say, or else soon, but
// not all of those who were refused together.
func (f *Refusal) retryAfter() int {
	for _, err := range f.Errors {
		if ms, ok := err.Extensions["retryAfterMs"].(int64); ok {
			return int((ms + 999) / 1000)
		}
	}
	return 1 + rand.IntN(5)
}

// WriteJSON answers with an execution result.
func WriteJSON(w http.ResponseWriter, status int, media string, result []byte) {
	h := w.Header()
	h.Add("Vary", "Accept")
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Cache-Control", "no-store") // it may be for this caller alone, or hold a new key
	h.Set("Content-Length", strconv.Itoa(len(result)))
	w.WriteHeader(status)
	_, _ = w.Write(result) // an error here means that nobody is left to be told
}

// ErrorResult is the execution result of a request that was not executed: errors, and no data.
func ErrorResult(errs gqlerror.List) []byte {
	result, err := json.Marshal(struct {
		Errors gqlerror.List `json:"errors"`
	}{errs})
	if err != nil { // an extension that is no JSON value
		return []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)
	}
	return result
}
