package outbox

import "sync/atomic"

// An Overflow says what becomes of a stream's events that its client is too slow to read.
type Overflow uint8

// Overflows. Streams that are not Disconnect's are patient: their client may take its time.
const (
	Disconnect Overflow = iota // what does not fit is refused, and the session ends as slow, unless the stream Keeps it
	DropOldest                 // the stream's oldest event gives way
	Latest                     // one event of each key waits, the newest; then as DropOldest
)

// Losses count what became of events that slow clients could not have. The zero value is ready. It
// is safe for concurrent use, and shared by the outboxes of a node.
type Losses struct {
	Conflated atomic.Uint64 // a newer event of the same key took the place of the waiting one
	Dropped   atomic.Uint64 // gave way, or found no room
}
