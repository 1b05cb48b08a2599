package redis

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Node names this process in the probe channels, in CLIENT LIST, and among the nodes that wait for each
	// other: no two should have one name. It holds what a topic's segment may hold. Empty means a random name.
	Node string

	// Connections is how many connections carry the subscriptions; topics are spread over them by
	// hash. 0 means 2. In a Cluster there is always one for each master instead.
	Connections int

	// TLS is used with the rediss schemes. Nil means the system's roots and at least TLS 1.2.
	TLS *tls.Config

	// PublishTimeout bounds one Publish, and one reading of a log. 0 means 1 s.
	PublishTimeout time.Duration

	// SubscribeTimeout is how long Subscribe waits for Redis to confirm. 0 means 5 s.
	SubscribeTimeout time.Duration

	// DownAfter is when Subscribe stops waiting: once Redis has been away for so long, it fails at
	// once. A Redis that has never answered since New gets SubscribeTimeout instead. 0 means 30 s.
	DownAfter time.Duration

	// CompareTimeout is how long the logs of replayable topics are not read after Redis has come back, and
	// not subscribed to, while other nodes that were there before it went have not come back: one of them may
	// know that something is gone. 0 means 6 s, within which all links are back that were lost
	// with Redis. In a Cluster nodes do not wait for each other.
	CompareTimeout time.Duration

	// ProbeInterval is how often each connection proves that it still delivers. A probe that is not
	// back within half of it, or a second if that is longer, costs the connection. 0 means 10 s.
	ProbeInterval time.Duration

	// Retain says how much of a topic, a valid name, can be read again; a retention of 0 events keeps
	// 1,000. It is called by every Publish, Subscribe and Read, and by several at once. Nil: no topic
	// is replayable. All nodes and publishers should say the same: what is published is kept as its
	// publisher says, and nobody reads more events than he would keep.
	Retain func(topic string) pubsub.Retention

	// Logger gets one line when a connection is lost and one when it is back. Nil means slog.Default.
	Logger *slog.Logger

	// Observe is told of every call of Redis that has ended: its class, "publish" or "read"; how long it
	// took, and its failure, or nil. That a caller has left is none. It runs in the goroutine of the call,
	// before that returns, and must not wait for anything. Nil: nobody is told.
	Observe func(call string, took time.Duration, err error)
}

// defaultEvents is how many events a log keeps whose retention does not say.
const defaultEvents = 1000

// retention is how much of a topic, a valid name, is kept.
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

func (o Options) withDefaults() Options {
	if o.Node == "" {
		o.Node = rand.Text()[:10]
	}
	if o.Connections <= 0 {
		o.Connections = 2
	}
	orDefault(&o.PublishTimeout, time.Second)
	orDefault(&o.SubscribeTimeout, 5*time.Second)
	orDefault(&o.DownAfter, 30*time.Second)
	orDefault(&o.CompareTimeout, 6*time.Second)
	orDefault(&o.ProbeInterval, 10*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func orDefault(d *time.Duration, fallback time.Duration) {
	if *d <= 0 {
		*d = fallback
	}
}

// observe tells Observe of a call of ctx that has ended.
func (o Options) observe(ctx context.Context, call string, begun time.Time, err error) {
	if o.Observe == nil {
		return
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		err = nil
	}
	o.Observe(call, time.Since(begun), err)
}

// probeWindow is how long a probe may take to come back.
func (o Options) probeWindow() time.Duration {
	return max(o.ProbeInterval/2, time.Second)
}

// silence is how long a healthy connection is quiet at most: the time between two probes.
func (o Options) silence() time.Duration {
	return o.ProbeInterval + o.probeWindow() + time.Second
}
