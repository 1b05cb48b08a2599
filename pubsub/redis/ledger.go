package redis

import (
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/pubsub"
)

// batch is how many topics go into one command. It bounds how long writing keeps the reader waiting.
const batch = 512

// The commands of Pub/Sub, which are also the kinds of Redis' replies.
const (
	subscribe    = "subscribe"
	unsubscribe  = "unsubscribe"
	psubscribe   = "psubscribe"
	punsubscribe = "punsubscribe"
	ssubscribe   = "ssubscribe"
	sunsubscribe = "sunsubscribe"
)

// A waiter is told once whether its topic is subscribed. The channel holds one value.
type waiter chan error

// A ledger is the book of one connection: which topics are wanted, what was asked of Redis, and what
// Redis has confirmed. It does no I/O: a writer takes commands from it, a reader enters the replies.
//
// It never records a wish. When a topic may need something it is only marked, and what it needs is
// looked up when the next command is made. So subscribing and unsubscribing may cross in any way:
// the last look is right, and Redis executes a connection's commands in order.
type ledger struct {
	wanted  func(topic string) bool // may be called with mu held
	sharded bool                    // a Cluster's SSUBSCRIBE: one topic in a command, any name literally
	wake    chan struct{}           // holds one: something is marked

	mu     sync.Mutex // guards what follows; wanted's own lock comes after it
	topics map[string]*entry
	marked []string  // topics to look at, each once
	sent   []command // not completely answered, oldest first
	pinned string    // the probe's channel, wanted always
}

// An entry is one topic's line in the ledger.
type entry struct {
	asked   bool // the last command was to subscribe
	replies int  // answers that are still to come
	marked  bool
	alone   bool // wants a command of its own, because a command with it was refused
	proven  bool // has been confirmed once, so a refusal now is not the subscriber's mistake
	waiters []waiter
}

func (e *entry) confirmed() bool { return e.asked && e.replies == 0 }

func (e *entry) tell(err error) {
	for _, w := range e.waiters {
		w <- err
	}
	e.waiters = nil
}

// A command is something to write to Redis.
type command struct {
	kind   string
	topics []string // those without a reply yet
}

// A stray is a topic that this connection's server does not serve any more.
type stray struct {
	topic string
	entry *entry
}

func newLedger(wanted func(string) bool, sharded bool) *ledger {
	return &ledger{
		wanted:  wanted,
		sharded: sharded,
		wake:    make(chan struct{}, 1),
		topics:  make(map[string]*entry),
	}
}

// await returns a waiter for topic, which must be wanted by now, or nil if it is subscribed.
func (l *ledger) await(topic string) waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entryLocked(topic)
	if e.confirmed() {
		return nil
	}
	w := make(waiter, 1)
	e.waiters = append(e.waiters, w)
	l.markLocked(topic, e)
	return w
}

// giveUp forgets a waiter that nobody listens to any more.
func (l *ledger) giveUp(topic string, w waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.topics[topic]; e != nil {
		e.waiters = slices.DeleteFunc(e.waiters, func(other waiter) bool { return other == w })
	}
}

// review has topic looked at again, because it may not be wanted any more.
func (l *ledger) review(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.topics[topic]; e != nil {
		l.markLocked(topic, e)
	}
}

// pin makes topic the probe's channel.
func (l *ledger) pin(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.pinned
	l.pinned = topic
	if e := l.topics[old]; e != nil {
		l.markLocked(old, e)
	}
	l.markLocked(topic, l.entryLocked(topic))
}

// adopt takes over a topic that was another ledger's.
func (l *ledger) adopt(s stray) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entryLocked(s.topic)
	e.proven = e.proven || s.entry.proven
	e.waiters = append(e.waiters, s.entry.waiters...)
	if e.confirmed() {
		e.tell(nil)
		return
	}
	l.markLocked(s.topic, e)
}

// next returns the commands that bring Redis nearer to what is wanted, and notes them as sent. The
// caller writes them in this order. There is more to do while it returns any.
func (l *ledger) next() []command {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(batch, len(l.marked))
	var commands []command
	groups := make(map[string][]string)
	for _, topic := range l.marked[:n] {
		e := l.topics[topic]
		e.marked = false
		want := l.wantedLocked(topic)
		if want == e.asked {
			l.settleLocked(topic, e)
			continue
		}
		e.asked = want
		e.replies++
		if kind := l.kind(topic, want); l.sharded || e.alone {
			commands = append(commands, command{kind, []string{topic}})
		} else {
			groups[kind] = append(groups[kind], topic)
		}
	}
	l.marked = slices.Delete(l.marked, 0, n)
	// subscribe comes last: a link is up when its probe comes back, which then has overtaken nothing.
	for _, kind := range []string{unsubscribe, punsubscribe, psubscribe, subscribe} {
		if len(groups[kind]) > 0 {
			commands = append(commands, command{kind, groups[kind]})
		}
	}
	l.sent = append(l.sent, commands...)
	if len(commands) == 0 && len(l.marked) > 0 {
		l.wakeUp() // this batch happened to need nothing
	}
	return commands
}

// confirm enters a reply of kind for topic. It returns a topic that the server has dropped by
// itself, as it does when a slot moves, and false for a reply that nothing was sent for.
func (l *ledger) confirm(kind, topic string) (dropped *stray, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) > 0 && l.sent[0].kind == kind && l.sent[0].topics[0] == topic {
		head := &l.sent[0]
		if head.topics = head.topics[1:]; len(head.topics) == 0 {
			l.sent = l.sent[1:]
		}
		e := l.topics[topic]
		e.replies--
		l.settleLocked(topic, e)
		return nil, true
	}
	if kind != sunsubscribe {
		return nil, false
	}
	if e := l.topics[topic]; e != nil && e.confirmed() {
		return l.takeLocked(topic), true
	}
	return nil, true // the answer to a later command decides
}

// refuse enters an error as the reply to the oldest command. It returns topics that another server
// serves, or an error that means the connection is of no use.
func (l *ledger) refuse(reason error) ([]stray, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 {
		return nil, reason
	}
	head := l.sent[0]
	l.sent = l.sent[1:]
	moved := l.sharded && isMoved(reason)
	switch {
	case moved:
	case !goredis.HasErrorPrefix(reason, "NOPERM"):
		return nil, reason
	case l.allProvenLocked(head.topics): // allowed before: Redis has changed its mind about all of us
		return nil, reason
	}
	var strays []stray
	for _, topic := range head.topics {
		e := l.topics[topic]
		e.replies--
		if e.replies > 0 || !e.asked {
			l.settleLocked(topic, e)
			continue // the answer to a later command decides
		}
		e.asked = false
		switch {
		case topic == l.pinned && (moved || len(head.topics) == 1):
			return strays, reason
		case moved:
			strays = append(strays, *l.takeLocked(topic))
		case len(head.topics) > 1: // one of them is forbidden; find out which
			e.alone = true
			l.markLocked(topic, e)
		default:
			e.tell(reason)
			l.takeLocked(topic) // and its mark: somebody else may have asked meanwhile
		}
	}
	return strays, nil
}

func (l *ledger) allProvenLocked(topics []string) bool {
	return !slices.ContainsFunc(topics, func(topic string) bool {
		return topic != l.pinned && !l.topics[topic].proven
	})
}

// restart begins a new connection: nothing is asked yet, everything that is wanted is marked.
func (l *ledger) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent, l.marked, l.pinned = nil, nil, ""
	for topic, e := range l.topics {
		e.asked, e.replies, e.marked, e.alone = false, 0, false, false
		if l.wanted(topic) {
			l.markLocked(topic, e)
		} else {
			delete(l.topics, topic)
		}
	}
}

// leave gives away every topic, because the connection is lost and another server may have them.
func (l *ledger) leave() []stray {
	l.restart()
	l.mu.Lock()
	defer l.mu.Unlock()
	strays := make([]stray, 0, len(l.topics))
	for topic, e := range l.topics {
		strays = append(strays, stray{topic, e})
	}
	clear(l.topics)
	l.marked = nil
	return strays
}

func (l *ledger) entryLocked(topic string) *entry {
	e := l.topics[topic]
	if e == nil {
		e = new(entry)
		l.topics[topic] = e
	}
	return e
}

func (l *ledger) markLocked(topic string, e *entry) {
	if !e.marked {
		e.marked = true
		l.marked = append(l.marked, topic)
		l.wakeUp()
	}
}

func (l *ledger) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *ledger) wantedLocked(topic string) bool { return topic == l.pinned || l.wanted(topic) }

// settleLocked draws the conclusion when nothing is under way for topic.
func (l *ledger) settleLocked(topic string, e *entry) {
	switch {
	case e.confirmed():
		e.proven = true
		e.tell(nil)
	case e.replies == 0 && !e.marked && len(e.waiters) == 0:
		delete(l.topics, topic)
	}
}

// takeLocked removes topic's line and returns it.
func (l *ledger) takeLocked(topic string) *stray {
	e := l.topics[topic]
	delete(l.topics, topic)
	if e.marked {
		l.marked = slices.DeleteFunc(l.marked, func(other string) bool { return other == topic })
	}
	return &stray{topic, e}
}

func (l *ledger) kind(topic string, want bool) string {
	pattern := pubsub.IsPattern(topic)
	switch {
	case l.sharded && want:
		return ssubscribe
	case l.sharded:
		return sunsubscribe
	case pattern && want:
		return psubscribe
	case pattern:
		return punsubscribe
	case want:
		return subscribe
	}
	return unsubscribe
}

// isMoved reports whether another server of the Cluster serves the slot, or none at the moment.
func isMoved(err error) bool {
	return slices.ContainsFunc([]string{"MOVED ", "ASK ", "CLUSTERDOWN ", "TRYAGAIN "}, func(prefix string) bool {
		return strings.HasPrefix(err.Error(), prefix)
	})
}
