package peers

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(new(logging.VoidLogger)) // it tells of every failed dial
	goleak.VerifyTestMain(m)
}

// start returns a node that is closed with the test.
func start(t testing.TB, b pubsub.Broker, o Options) *Node {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	n, err := New(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// three returns the nodes a, b and c on one broker. They know each other.
func three(t testing.TB, broker pubsub.Broker, o Options) (a, b, c *Node) {
	t.Helper()
	var nodes []*Node
	for _, name := range []string{"a", "b", "c"} {
		o.Node = name
		nodes = append(nodes, start(t, broker, o))
	}
	time.Sleep(2 * time.Second)
	for _, n := range nodes {
		wantPeers(t, n, "a b c")
	}
	return nodes[0], nodes[1], nodes[2]
}

func names(n *Node) string {
	var list []string
	for _, p := range n.All() {
		list = append(list, p.Node)
	}
	return strings.Join(list, " ")
}

func wantPeers(t testing.TB, n *Node, want string) {
	t.Helper()
	if got := names(n); got != want {
		t.Errorf("%s knows %q, want %q", n.Name(), got, want)
	}
}

// publish has anybody say something on a topic of the nodes.
func publish(t testing.TB, b pubsub.Broker, topic string, message any) {
	t.Helper()
	payload, raw := message.(string)
	if !raw {
		text, err := encode(message)
		if err != nil {
			t.Fatal(err)
		}
		payload = string(text)
	}
	if err := b.Publish(t.Context(), topic, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

// onMemory plays in a bubble of time, on a broker in the process.
func onMemory(t *testing.T, play func(*testing.T, *flaky)) {
	synctest.Test(t, func(t *testing.T) { play(t, &flaky{Broker: memory.New()}) })
}

// flaky is a broker that can be away, or hang.
type flaky struct {
	*memory.Broker
	away, hangs atomic.Bool
	tries       atomic.Int64 // to subscribe while it was away
}

func (f *flaky) Subscribe(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	if f.away.Load() {
		f.tries.Add(1)
		return nil, pubsub.ErrUnavailable
	}
	return f.Broker.Subscribe(ctx, topic, r)
}

func (f *flaky) Publish(ctx context.Context, topic string, payload []byte) error {
	if f.hangs.Load() {
		<-ctx.Done()
		return fmt.Errorf("publish %q: %w", topic, context.Cause(ctx))
	}
	if f.away.Load() {
		return pubsub.ErrUnavailable
	}
	return f.Broker.Publish(ctx, topic, payload)
}

func (f *flaky) Health() pubsub.Health {
	return pubsub.Health{Up: !f.away.Load() && !f.hangs.Load()}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(l *lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestOptionsAreChecked(t *testing.T) {
	handler := func(context.Context, []byte) ([]byte, error) { return nil, nil }
	for name, test := range map[string]struct {
		options Options
		fails   bool
	}{
		"the zero Options work":                {},
		"a name of 64 characters works":        {options: Options{Node: strings.Repeat("x", 64)}},
		"a name of 65 characters does not":     {options: Options{Node: strings.Repeat("x", 65)}, fails: true},
		"a dot would be another topic":         {options: Options{Node: "a.b"}, fails: true},
		"a star would be a pattern":            {options: Options{Node: "*"}, fails: true},
		"a kind is a name":                     {options: Options{Handlers: map[string]Handler{"end-operation": handler}}},
		"a kind with a space is not":           {options: Options{Handlers: map[string]Handler{"end operation": handler}}, fails: true},
		"a kind of which nobody answers is no": {options: Options{Handlers: map[string]Handler{"end": nil}}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := New(memory.New(), test.options)
			if (err != nil) != test.fails {
				t.Fatalf("err = %v", err)
			}
			if err != nil {
				return
			}
			if !isName(n.Name()) {
				t.Errorf("the node's name is %q", n.Name())
			}
			for range 2 {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestExpireIsThreeAnnouncementsAtLeast(t *testing.T) {
	if o := (Options{Every: 10 * time.Second}).withDefaults(); o.Expire != 30*time.Second {
		t.Errorf("expire = %v", o.Expire)
	}
	if o := (Options{}).withDefaults(); o.Every != 2*time.Second || o.Expire != 15*time.Second || o.Timeout != time.Second {
		t.Errorf("defaults = %+v", o)
	}
}
