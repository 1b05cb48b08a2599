// Package multipart speaks Apollo's protocol for subscriptions over HTTP, version 1.0: every event
// is a part of one multipart response; and the form that clients read incremental delivery in, for
// live queries.
//
// It knows the bytes; operations and their order are package transport's. Everything here is safe
// for concurrent use.
package multipart

import (
	"net/http"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// heartbeat is what Apollo's router does.
const heartbeat = 5 * time.Second

// A Protocol serves multipart streams.
type Protocol struct{ *transport.Single }

// New makes the protocol. The zero options work; the heartbeat's default is 5 s.
func New(sessions *transport.Sessions, options transport.StreamOptions) *Protocol {
	return &Protocol{transport.NewSingle(format{}, sessions, options.WithDefaults(heartbeat))}
}

// Accepts reports whether a media range asks for this protocol. It has streams of results only: for
// anything else its clients read JSON.
func (*Protocol) Accepts(m transport.Media, results operation.Results) bool {
	return results != operation.OneResult && m.Type == "multipart/mixed" && m.Params["subscriptionspec"] == "1.0"
}

const (
	boundary = "\r\n--graphql"
	part     = "\r\ncontent-type: application/json\r\n\r\n"
	end      = "--\r\n"
)

var (
	open       = []byte(boundary)
	beat       = []byte(part + "{}" + boundary)
	head, tail = []byte(part + `{"payload":`), []byte("}" + boundary)
)

// A format writes each part with the delimiter after it: clients read a part only when they see it.
type format struct{}

func (format) Header(h http.Header) {
	h.Set("Content-Type", `multipart/mixed;boundary="graphql";subscriptionSpec=1.0`)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
}

func (format) Transport() string        { return "multipart" }
func (format) Open() []byte             { return open }
func (format) Beat() []byte             { return beat }
func (format) Around() ([]byte, []byte) { return head, tail }

func (format) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body...), tail...)
}

// fatal are the codes of what ends the stream whatever the operation is: Apollo's client makes a
// protocol error of it. All other errors are GraphQL's and stay inside the payload.
var fatal = map[string]bool{
	operation.Restarting.Code:   true,
	operation.SlowConsumer.Code: true,
	"TOKEN_EXPIRED":             true,
	"KEY_REVOKED":               true,
	"BUDGET_EVENTS":             true,
	"BUDGET_TIME":               true,
}

func (format) Last(errs gqlerror.List) []byte {
	switch {
	case len(errs) == 0:
		return []byte(end)
	case fatal[operation.Code(errs)]:
		return protocolError(errs)
	}
	return []byte(string(head) + string(transport.ErrorResult(errs)) + string(tail) + end)
}

func (format) Parting(ending operation.Ending) []byte {
	return protocolError(gqlerror.List{operation.Errorf(ending.Code, "%s", ending.Reason)})
}

func protocolError(errs gqlerror.List) []byte {
	result := transport.ErrorResult(errs) // {"errors":[...]}
	return []byte(part + `{"payload":null,` + string(result[1:]) + boundary + end)
}
