package transport

import (
	"net/http"

	"github.com/sluice-gateway/sluice/operation"
)

// mostEventID is the size of the longest id of an event that is read, in bytes. Those that are sent are
// far shorter.
const mostEventID = 4 << 10

// LastEventID is where a client asks to go on that reads an event stream, or empty: the id of the last
// event that it has, in the header that EventSource sends when it comes back, or in the URL, for the first
// request of a page that has kept one. What is no id of this server is for the engine to tell; this refuses
// what nobody should have to look at.
func LastEventID(r *http.Request) (string, *Refusal) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("lastEventId")
	}
	if len(id) > mostEventID || !printable(id) {
		return "", Refuse(http.StatusBadRequest, operation.CodeBadRequest,
			"Last-Event-ID must be the id of an event as it came: ASCII, %d bytes at most; leave it out to begin with what happens from now on", mostEventID)
	}
	return id, nil
}

// printable reports whether a text is of ASCII characters that can be seen.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
