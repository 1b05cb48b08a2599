package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A shipment is an event that is to be appended to its topic's log and sent.
type shipment struct {
	broker  *Broker
	topic   string
	key     string // of idempotency; empty: none
	id      [12]byte
	message []byte // as pubsub.Seal makes it
	kept    pubsub.Retention
	outcome outcome
}

// An outcome is what has become of an event: where it stands, or why that is unknown. The zero outcome is that
// of an idempotency key which was known.
type outcome struct {
	at  pubsub.Position
	err error
}

// publishKept appends an event to its topic's log and sends it.
func (b *Broker) publishKept(ctx context.Context, topic string, payload []byte, kept pubsub.Retention) error {
	s := &shipment{broker: b, topic: topic, key: pubsub.IdempotencyKeyFrom(ctx), message: pubsub.Seal(ctx, payload), kept: kept}
	_, _ = rand.Read(s.id[:]) // never fails
	err := b.layout.eval(ctx, call{script: s, topic: topic}).Err()
	if err != nil || s.outcome.at.IsZero() {
		return err
	}
	return b.layout.forward(ctx, topic, func() []byte { return pubsub.SealAt(s.outcome.at, s.message) })
}

// Run implements script: the layout knows the server by now, and there may be company.
func (s *shipment) Run(ctx context.Context, c goredis.Scripter, _ []string, _ ...any) *goredis.Cmd {
	s.outcome = s.broker.publishing.bring(ctx, c.(pipeliner), s)
	answer := goredis.NewCmd(ctx)
	answer.SetErr(s.outcome.err)
	return answer
}

// words are the event's id and the rest of its message, as publish.lua wants them.
func (s *shipment) words() (id string, rest []byte) {
	return hex.EncodeToString(s.id[:]), s.message[len("~1"):]
}

// deliver brings events to a server in one write, those of a topic by one call of publish.lua. Each topic has an
// error of its own.
func deliver(ctx context.Context, to pipeliner, all []*rider) {
	loads := loadsOf(all)
	evaluate(ctx, to, loads, publishScript.EvalSha)
	var unknown []*load
	for _, l := range loads {
		if goredis.HasErrorPrefix(l.answer.Err(), "NOSCRIPT") {
			unknown = append(unknown, l)
		}
	}
	if len(unknown) > 0 {
		evaluate(ctx, to, unknown, publishScript.Eval)
	}
	for _, l := range loads {
		l.unload()
	}
}

// A load is what a convoy has for one topic, and one call of publish.lua. What has an idempotency key is one by
// itself.
type load struct {
	riders []*rider
	answer *goredis.Cmd
}

func loadsOf(all []*rider) (loads []*load) {
	byTopic := make(map[string]*load)
	for _, r := range all {
		l := byTopic[r.topic]
		if l == nil || r.key != "" {
			l = new(load)
			loads = append(loads, l)
		}
		if r.key == "" {
			byTopic[r.topic] = l
		}
		l.riders = append(l.riders, r)
	}
	return loads
}

func evaluate(ctx context.Context, to pipeliner, loads []*load, eval func(context.Context, goredis.Scripter, []string, ...any) *goredis.Cmd) {
	pipe := to.Pipeline()
	for _, l := range loads {
		first := l.riders[0]
		l.answer = eval(ctx, pipe, logKeys(first.topic, first.key), l.args()...)
	}
	_, _ = pipe.Exec(ctx) // every answer has its own error
}

// args are the ARGV of publish.lua.
func (l *load) args() []any {
	first := l.riders[0]
	id, rest := first.words()
	args := make([]any, 0, 6+2*len(l.riders))
	args = append(args, first.broker.layout.command(), first.topic, id, newEpoch(),
		first.kept.Events, milliseconds(first.kept.For), rest, first.broker.newest(first.topic))
	for _, r := range l.riders[1:] {
		id, rest := r.words()
		args = append(args, id, rest)
	}
	return args
}

// unload says what has become of each event. The script returns the position of the last, before which the
// others stand.
func (l *load) unload() {
	text, err := l.answer.Text()
	last, ok := pubsub.ParsePosition(text)
	if ok {
		first := l.riders[0]
		first.broker.known.note(first.topic, last, first.kept.For)
	} else if err == nil && text != "" {
		err = errReply
	}
	for i, r := range l.riders {
		r.outcome.err = err
		if ok {
			behind := uint64(len(l.riders) - 1 - i)
			r.outcome.at = pubsub.Position{Epoch: last.Epoch, Offset: last.Offset - behind, ID: r.id}
		}
	}
}
