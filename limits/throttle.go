package limits

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"
)

// SharedBuckets hold keys to rates over all nodes together, by their own clock. In any interval of
// that clock no more of a key passes than a burst and what comes in that time. They are safe for
// concurrent use.
type SharedBuckets interface {
	// Take takes one event of key, any 1 to MaxKey bytes, and returns 0; or nothing, and returns how
	// long it takes until there is one, if nobody else takes it. An unlimited rate takes nothing. A
	// rate may differ from that of the call before: then the bucket is, in parts of its burst, as full
	// as it was. After an error an event may have been taken or not.
	Take(ctx context.Context, key string, r Rate) (wait time.Duration, err error)
}

// ThrottleOptions are what NewThrottle does not have to be told. The zero ThrottleOptions works.
type ThrottleOptions struct {
	// Name keeps the keys apart, in the shared buckets, from those of throttles with other names. It
	// should be a word.
	Name string

	// Keys is of how many keys the node has buckets, about. Of more it forgets those that have not
	// asked for longest. 0 means 65,536.
	Keys int

	// Timeout bounds one call of the shared buckets. 0 means 100 ms.
	Timeout time.Duration

	// Log gets a line when the shared buckets go away and one when they are back. Nil means
	// slog.Default.
	Log *slog.Logger
}

func (o ThrottleOptions) withDefaults() ThrottleOptions {
	o.Keys = cmp.Or(max(0, o.Keys), 1<<16)
	o.Timeout = cmp.Or(max(0, o.Timeout), 100*time.Millisecond)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Throttle holds keys to a Rate, on this node and, with shared buckets, on all nodes together. While
// those do not answer each node holds to the rate by itself: a rate protects servers, and nobody has
// bought it. It is safe for concurrent use, starts no goroutine and need not be closed.
type Throttle struct {
	rate    Rate
	options ThrottleOptions
	own     *Buckets
	shared  SharedBuckets // nil: this node alone
	health  health
	start   time.Time
}

// NewThrottle returns a throttle of full buckets. Without shared, which may be nil, it is for this
// node alone. A rate without events a second lets nothing pass, see Rate.Check.
func NewThrottle(r Rate, shared SharedBuckets, o ThrottleOptions) *Throttle {
	o = o.withDefaults()
	return &Throttle{rate: r, options: o, own: NewBuckets(r, o.Keys), shared: shared, start: time.Now()}
}

// Take takes one event of key and returns 0; or nothing, and returns how long it takes until there may
// be one. Keys can be any text, and the shared buckets show them to whoever may look there. It waits
// for these up to the timeout, also when ctx, whose values they get, is done before.
//
// The node's own bucket comes first and keeps what it gave: so however many ask, the shared buckets
// are not asked more often than the rate.
func (t *Throttle) Take(ctx context.Context, key string) (wait time.Duration) {
	if t.rate.IsUnlimited() {
		return 0
	}
	key = bounded(key)
	if wait = t.own.Take(key, time.Since(t.start)); wait > 0 || t.shared == nil {
		return wait
	}
	if wait = t.ask(ctx, key); wait <= 0 {
		return 0
	}
	return max(wait, t.own.Wait(key, time.Since(t.start)))
}

// ask takes an event from the shared buckets, and returns 0 also when they do not answer. A call goes
// on when its caller has left: it is short, and breaking it off would cost its connection.
func (t *Throttle) ask(ctx context.Context, key string) time.Duration {
	if !t.health.admit(time.Now()) {
		return 0
	}
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.options.Timeout)
	defer cancel()
	wait, err := t.shared.Take(attempt, t.options.Name+":"+key, t.rate)
	if err != nil {
		if t.health.failed(time.Now(), err) {
			t.options.Log.Warn("the shared rates do not answer; this node limits by itself", "rates", t.options.Name, "error", err)
		}
		return 0
	}
	if t.health.answered() {
		t.options.Log.Info("the shared rates answer again", "rates", t.options.Name)
	}
	return wait
}

// longKey is how many bytes of a key are kept, for every key that is known.
const longKey = 128

// bounded returns a key that is not long: in place of one that is, its hash.
func bounded(key string) string {
	if len(key) <= longKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
