package peers

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"
)

const (
	// MaxState is the size of the largest state, in bytes.
	MaxState = 256 << 10
	// MaxBody is the size of the largest question and of the largest answer, in bytes.
	MaxBody = 256 << 10
	// MaxPeers is how many other nodes are known at most. Those that come later are not listed.
	MaxPeers = 1000
	// MaxQuestions is how many questions of one node and kind are open at most. More are refused.
	MaxQuestions = 1000

	maxNameLength = 64
	// maxHandlers is how many handlers of one kind work at a time for the others, and as many for the
	// node itself.
	maxHandlers = 16
	// maxRefusals is how many refusals wait to be sent. The questions of those that are more are not
	// answered.
	maxRefusals = 64

	// minExpire is how many announcements must be missed at least before a node is gone.
	minExpire = 3
	// overdueAfter is after how many times Every a node is not waited for any more: it has missed two
	// announcements, as late as they may be.
	overdueAfter = 2.5
	// greetingGap is the time between two announcements that newcomers are the reason for.
	greetingGap = time.Second
	// publishPatience is how long one message may take to be sent.
	publishPatience = time.Second
	// subscribePatience is how long one try to subscribe may take.
	subscribePatience = 10 * time.Second
)

// A Handler answers questions of one kind. It may be called by several goroutines, and must honour
// ctx, which ends with the time that the question has: Close waits for it. It must not change the
// question. The text of its error is told to the node that asks, cut at 512 bytes, so it holds no
// secret. A panic of it is an error to the one who asks, and stands in the log.
type Handler func(ctx context.Context, question []byte) (answer []byte, err error)

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Node is the name of this node among the others, of 1 to 64 letters, digits, _ and -. No two
	// processes may use one name. Empty means a random name.
	Node string

	// Every is the time between two announcements, give or take a tenth. 0 means 2 s. It is taken to
	// be that of the others, too.
	Every time.Duration

	// Expire is for how long a node is present that is not heard. 0 means 15 s. Less than three
	// times Every is raised to that.
	Expire time.Duration

	// Timeout is how long a question may take, and how long a handler may work on it. 0 means 1 s.
	Timeout time.Duration

	// State returns what is announced of this node: JSON, of at most MaxState bytes. What is not
	// is left out, and complained of. It is called at every announcement and by All, must return at
	// once, and may be called by several goroutines. Nil means no state.
	State func() []byte

	// Handlers answer questions, by kind; kinds are spelt as Node is. The map must not be changed
	// afterwards.
	Handlers map[string]Handler

	// Log is told of what is wrong, now and then. Nil means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Node == "" {
		o.Node = rand.Text()[:10]
	}
	orDefault(&o.Every, 2*time.Second)
	orDefault(&o.Expire, 15*time.Second)
	orDefault(&o.Timeout, time.Second)
	o.Expire = max(o.Expire, minExpire*o.Every)
	if o.State == nil {
		o.State = func() []byte { return nil }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func (o Options) validate() error {
	if !isName(o.Node) {
		return fmt.Errorf("peers: Options.Node %q is no name; use up to 64 letters, digits, _ and -", short(o.Node))
	}
	for kind, handler := range o.Handlers {
		if !isName(kind) || handler == nil {
			return fmt.Errorf("peers: Options.Handlers[%q] has no name of up to 64 letters, digits, _ and -, or is nil", short(kind))
		}
	}
	return nil
}

func orDefault(d *time.Duration, fallback time.Duration) {
	if *d <= 0 {
		*d = fallback
	}
}

// overdue is the age of a node's latest announcement from which on it is not waited for.
func (o *Options) overdue() time.Duration { return time.Duration(overdueAfter * float64(o.Every)) }

// isName reports whether s can be a segment of a topic, and a word in a log.
func isName(s string) bool {
	if s == "" || len(s) > maxNameLength {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// short is enough of s to recognise it.
func short(s string) string { return s[:min(len(s), maxNameLength)] }
