package outbox

// A CursorPlace says where the frames of a stream show the cursors of its events: in several places, or in
// none.
type CursorPlace uint8

// Places of cursors.
const (
	InExtensions CursorPlace = 1 << iota // as the member "cursor" of the object "extensions"
	BeforeTail                           // behind the stream's CursorMark, between the body and the tail
	NoCursor     CursorPlace = 0         // nowhere
)

// cursor is where the client can go on after the event, or nil. An event that took the place of an older
// one may stand before others that were offered earlier: it says that the client has what the older one
// said, no more.
func (e *Event) cursor() []byte {
	at := e.Origin
	if e.since != nil {
		at = e.since
	}
	if at == nil {
		return nil
	}
	return at.Cursor
}

// shown is the cursor that an event shows at a place, or nil.
func (s *Stream) shown(e *Event, at CursorPlace) []byte {
	if s.Cursor&at == 0 {
		return nil
	}
	return e.cursor()
}

// bare reports whether an event waits as nothing but its body.
func (s *Stream) bare(e *Event) bool {
	return !s.patient() && e.plain() && (s.Cursor == NoCursor || len(e.cursor()) == 0)
}
