package crowd

import (
	"bytes"
	"encoding/json"
	"time"
)

// multipart is Apollo's protocol of subscriptions over HTTP. Its cursors stand in the extensions.
var multipart = &form{
	accept:    `multipart/mixed;subscriptionSpec=1.0, application/json`,
	delimiter: "\r\n--graphql", silentFor: 12 * time.Second, read: readPart,
}

// readPart reads what stands before a delimiter: a part, or nothing before the first. A part whose stream ends
// for another reason than the operation has its errors beside the payload.
func readPart(part []byte) (s said) {
	_, text, found := bytes.Cut(part, []byte("\r\n\r\n"))
	if !found {
		return s
	}
	var p struct {
		Payload json.RawMessage
		Errors  json.RawMessage
	}
	if json.Unmarshal(text, &p) != nil {
		return said{result: text} // it is for who hears it to complain
	}
	if len(p.Errors) > 0 {
		return said{result: text}
	}
	return said{result: p.Payload}
}
