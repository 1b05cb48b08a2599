package multipart

import (
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// An Incremental serves the results of live queries as the parts of a response that clients read for
// incremental delivery: each is a whole result, with hasNext.
type Incremental struct{ *transport.Single }

// NewIncremental makes the protocol. The zero options work; the heartbeat's default is 5 s.
func NewIncremental(sessions *transport.Sessions, options transport.StreamOptions) *Incremental {
	return &Incremental{transport.NewSingle(incremental{}, sessions, options.WithDefaults(heartbeat))}
}

// Accepts reports whether a media range asks for this protocol. One that names a specification asks for
// that.
func (*Incremental) Accepts(m transport.Media, results operation.Results) bool {
	return results == operation.LiveResult && m.Type == "multipart/mixed" && m.Params["subscriptionspec"] == "" && m.Params["deferspec"] == ""
}

const (
	// The boundary that clients of incremental delivery expect, some of them without looking.
	delimiter   = "\r\n---"
	nextPart    = "\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
	hasNext     = `{"hasNext":true,`
	hasNoNext   = `{"hasNext":false`
	lastOfParts = delimiter + "--\r\n"
)

// incremental writes each part with the delimiter after it, as format does.
type incremental struct{}

func (incremental) Header(h http.Header) {
	h.Set("Content-Type", `multipart/mixed; boundary="-"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no")
}

func (incremental) Transport() string { return "multipart" }
func (incremental) Open() []byte      { return []byte(delimiter) }
func (incremental) Beat() []byte      { return []byte(nextPart + `{"hasNext":true}` + delimiter) }

func (incremental) Around() ([]byte, []byte) { return []byte(nextPart + hasNext), []byte(delimiter) }

// AppendFrame implements transport.Format. The head has the body's opening brace.
func (incremental) AppendFrame(dst, head, body, tail []byte) []byte {
	return append(append(append(dst, head...), body[1:]...), tail...)
}

func (incremental) Last(errs gqlerror.List) []byte {
	if len(errs) == 0 {
		return []byte(nextPart + hasNoNext + "}" + lastOfParts)
	}
	return []byte(nextPart + hasNoNext + "," + string(transport.ErrorResult(errs)[1:]) + lastOfParts)
}

func (i incremental) Parting(ending operation.Ending) []byte { return i.Last(ending.Errors()) }
