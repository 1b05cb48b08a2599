package pubsub

import (
	"reflect"
	"sync"
	"time"
)

// An Event is one message on a topic. Every receiver of a node gets the same *Event, so its fields
// are read-only once it has been handed to a Receiver.
type Event struct {
	Topic     string    // a name, never a pattern
	Payload   []byte    // as published, JSON
	Published time.Time // when, by the publisher's clock, never after Received; zero: it did not say
	Received  time.Time // when this node got it
	Trace     string    // the W3C traceparent of the publishing, or empty
	Position  Position  // in the topic's log; zero: it was not kept
	// Gap says that events before this moment are lost to the receiver, and this is none: it has no payload.
	// Only receivers of a replayable name get one; the events that follow join each other again.
	Gap *GapError

	mu      sync.Mutex // guards decoded
	decoded []decoding
}

type decoding struct {
	as    reflect.Type
	value any
	err   error
}

// Decode gives the event's payload as a T. However many receivers ask, decode runs once per event
// and T: they share one value, which is therefore read-only. It is safe for concurrent use.
func Decode[T any](e *Event, decode func([]byte) (T, error)) (T, error) {
	as := reflect.TypeFor[T]()
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.decoded {
		if d := &e.decoded[i]; d.as == as {
			v, _ := d.value.(T)
			return v, d.err
		}
	}
	v, err := decode(e.Payload)
	e.decoded = append(e.decoded, decoding{as: as, value: v, err: err})
	return v, err
}
