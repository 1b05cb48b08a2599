package crowd

import (
	"bytes"
	"time"
)

// eventStream is GraphQL over SSE with distinct connections. Its cursors are the ids of events.
var eventStream = &form{
	accept: "text/event-stream", delimiter: "\n\n", silentFor: 16 * time.Second, byHeader: true, read: readBlock,
}

// readBlock reads a block of an event stream, as a browser would.
func readBlock(block []byte) (s said) {
	event := ""
	for line := range bytes.SplitSeq(block, []byte("\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			event = string(value)
		case "data":
			s.result = value
		case "id":
			s.marked, s.cursor = true, string(value)
		}
	}
	switch event {
	case "next":
	case "complete":
		s.result, s.over = nil, true
	default:
		s.result = nil
	}
	return s
}
