package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	// controlTopic is where nodes tell each other of credentials. No subscription of a schema and no
	// publisher may name it.
	controlTopic = "_sluice.auth"
	// controlQueue is how many announcements wait for their turn. What is more is not remembered one by
	// one: then everything is checked.
	controlQueue = 256
	// controlBytes is the size of the largest announcement.
	controlBytes = 8 << 10
	// controlLook is how often the broker is asked whether it was away, and subscribed again where
	// that failed.
	controlLook = time.Second
	// controlMemory is for how long a key that has changed is checked again and again: sessions may be
	// about to open on what it was. It is longer than a request body may take.
	controlMemory = 15 * time.Second
	// controlPatience is how long checking one key may take, and subscribing.
	controlPatience = 10 * time.Second
)

// An announcement is a message of controlTopic: one of its members.
type announcement struct {
	Key     string        `json:"key,omitempty"`     // the id of a key that has changed
	Renewed *auth.Renewal `json:"renewed,omitempty"` // somebody has shown fresh credentials
}

var errAnnouncement = errors.New("gateway: no announcement")

// parseAnnouncement reads a message. Its error is errAnnouncement.
func parseAnnouncement(payload []byte) (a announcement, err error) {
	if len(payload) > controlBytes || json.Unmarshal(payload, &a) != nil {
		return announcement{}, errAnnouncement
	}
	switch r := a.Renewed; {
	case (a.Key == "") == (r == nil):
		return announcement{}, errAnnouncement
	case r != nil && (r.Consumer == "" || r.Identity == "" || r.Expires.IsZero()):
		return announcement{}, errAnnouncement
	}
	return a, nil
}

// AnnounceKey tells every node that the key with this id was changed or revoked: sessions that stand
// on it are checked at once. Nodes that the message does not reach find out when they check
// everything, see Options.Recheck.
func AnnounceKey(ctx context.Context, broker pubsub.Broker, id string) error {
	return announce(ctx, broker, announcement{Key: id})
}

func announce(ctx context.Context, broker pubsub.Broker, a announcement) error {
	payload, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("gateway: encode the announcement: %w", err)
	}
	if err := broker.Publish(ctx, controlTopic, payload); err != nil {
		return fmt.Errorf("gateway: announce to the other nodes: %w", err)
	}
	return nil
}

// A control is a node's ear for what happens to credentials elsewhere. It owns one goroutine, from
// newControl to close.
type control struct {
	broker     pubsub.Broker
	grants     *auth.Grants
	every      time.Duration
	log        *slog.Logger
	complaints complain.Log

	queue     chan []byte
	changed   map[string]time.Time // when a key was announced last, for controlMemory; of run
	overflow  atomic.Bool          // announcements were dropped
	malformed atomic.Uint64

	stop    context.CancelFunc
	running sync.WaitGroup
}

func newControl(broker pubsub.Broker, grants *auth.Grants, every time.Duration, log *slog.Logger) *control {
	c := &control{
		broker: broker, grants: grants, every: every, log: log,
		queue: make(chan []byte, controlQueue), changed: make(map[string]time.Time),
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.running.Go(func() { c.run(ctx) })
	return c
}

// close stops listening. It may be called twice.
func (c *control) close() {
	c.stop()
	c.running.Wait()
}

// Receive implements pubsub.Receiver.
func (c *control) Receive(e *pubsub.Event) {
	select {
	case c.queue <- e.Payload:
	default:
		c.overflow.Store(true)
	}
}

// run acts on announcements. It checks everything from time to time, and whenever it may have missed
// one.
func (c *control) run(ctx context.Context) {
	reconnects := c.broker.Health().Reconnects
	subscription := c.subscribe(ctx)
	look := time.NewTicker(controlLook)
	defer look.Stop()
	recheck := time.NewTimer(jitter(c.every))
	defer recheck.Stop()
	for {
		select {
		case payload := <-c.queue:
			c.act(ctx, payload)
		case <-recheck.C:
			c.recheckAll(ctx)
			recheck.Reset(jitter(c.every))
		case <-look.C:
			now, missed := c.broker.Health().Reconnects, c.overflow.Swap(false)
			if subscription == nil {
				subscription = c.subscribe(ctx)
			} else if now != reconnects || missed {
				c.recheckAll(ctx)
			}
			c.recheckChanged(ctx)
			reconnects = now
		case <-ctx.Done():
			if subscription != nil {
				subscription.Close()
			}
			return
		}
	}
}

// subscribe begins to listen, and checks what was announced before. It returns nil when the broker is
// away.
func (c *control) subscribe(ctx context.Context) pubsub.Subscription {
	within, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	subscription, err := c.broker.Subscribe(within, controlTopic, c)
	if err != nil {
		if ctx.Err() == nil {
			c.complaints.Warn(c.log, "this node does not hear of revoked keys until the broker is back", "error", err)
		}
		return nil
	}
	c.recheckAll(ctx)
	return subscription
}

func (c *control) act(ctx context.Context, payload []byte) {
	a, err := parseAnnouncement(payload)
	switch {
	case err != nil:
		c.malformed.Add(1)
		c.complaints.Warn(c.log, "an announcement of credentials was not understood", "bytes", len(payload))
	case a.Renewed != nil:
		c.grants.Extend(*a.Renewed)
	default:
		c.recheck(ctx, a.Key)
		if len(c.changed) < controlQueue {
			c.changed[a.Key] = time.Now()
		}
	}
}

// recheckChanged checks the keys once more that have changed a moment ago.
func (c *control) recheckChanged(ctx context.Context) {
	for key, at := range c.changed {
		c.recheck(ctx, key)
		if time.Since(at) > controlMemory {
			delete(c.changed, key)
		}
	}
}

func (c *control) recheck(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	c.checked(ctx, c.grants.Recheck(ctx, key))
}

func (c *control) recheckAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.every)
	defer cancel()
	c.checked(ctx, c.grants.RecheckAll(ctx))
}

// checked logs that keys could not be checked: whoever stands on them stays.
func (c *control) checked(ctx context.Context, err error) {
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		c.complaints.Warn(c.log, "keys of open sessions could not be checked", "error", err)
	}
}

// jitter moves a duration by up to 10 % either way, so that nodes do not act together.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}
