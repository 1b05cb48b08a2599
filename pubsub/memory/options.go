package memory

import (
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// defaultEvents is how many events a log keeps whose retention does not say.
	defaultEvents = 1000
	// remembered is how much longer than its events a log's position is known: whoever has read all of it
	// joins after a quiet week too.
	remembered = 7 * 24 * time.Hour
	// keyKnown is how long an idempotency key is known.
	keyKnown = 5 * time.Minute
	// sweepEvery is how often a lane forgets what is past its time, when something is published in it.
	sweepEvery = time.Minute
)

// Options are what NewWith does not have to be told. The zero Options works.
type Options struct {
	// Retain says how much of a topic, a valid name, can be read again; a retention of 0 events keeps
	// 1,000. It is called by every Publish, Subscribe and Read, and by several at once. Nil: no topic
	// is replayable.
	Retain func(topic string) pubsub.Retention
}

// retention is how much of a topic is kept.
func (o Options) retention(topic string) pubsub.Retention {
	if o.Retain == nil {
		return pubsub.Retention{}
	}
	r := o.Retain(topic)
	if r.Events <= 0 {
		r.Events = defaultEvents
	}
	return r
}
