package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// overRedis returns a node with a broker of its own, as in a process of its own.
func overRedis(t testing.TB, url, name string) *Node {
	t.Helper()
	broker, err := redis.New(url, redis.Options{
		Node: name, ProbeInterval: 200 * time.Millisecond, SubscribeTimeout: time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	return start(t, broker, Options{Node: name, Every: 100 * time.Millisecond, Expire: 2 * time.Second, Handlers: echo(name)})
}

func untilPeers(t testing.TB, n *Node, want string) {
	t.Helper()
	pubsubtest.Until(t, func() error {
		if got := names(n); got != want {
			return fmt.Errorf("%s knows %q, want %q", n.Name(), got, want)
		}
		return nil
	})
}

func TestNodesOverRedis(t *testing.T) {
	for name, begin := range map[string]func(testing.TB) string{
		"a single Redis":             func(t testing.TB) string { return redistest.Start(t).URL() },
		"a Cluster of three masters": func(t testing.TB) string { return redistest.StartCluster(t, 3).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			url := begin(t)
			a, b, c := overRedis(t, url, "a"), overRedis(t, url, "b"), overRedis(t, url, "c")
			for _, n := range []*Node{a, b, c} {
				untilPeers(t, n, "a b c")
			}
			wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b=b:1", "c=c:1")
			body, err := b.Tell(t.Context(), "c", "echo", []byte("2"))
			if err != nil || string(body) != "c:2" {
				t.Errorf("c answers %q, %v", body, err)
			}
			large := strings.Repeat("x", MaxBody-2)
			wantAnswers(t, ask(t, a, "echo", large), "a=a:"+large, "b=b:"+large, "c=c:"+large)
			_ = c.Close()
			untilPeers(t, a, "a b")
		})
	}
}

func TestNodesFindEachOtherAgainAfterRedisWasAway(t *testing.T) {
	server := redistest.Start(t)
	a, b := overRedis(t, server.URL(), "a"), overRedis(t, server.URL(), "b")
	untilPeers(t, a, "a b")

	server.Kill()
	began := time.Now()
	answers := ask(t, a, "echo", "1")
	wantAnswers(t, answers[:1], "a=a:1")
	if len(answers) == 2 && !errors.Is(answers[1].Err, pubsub.ErrUnavailable) {
		t.Errorf("b answers %+v", answers[1])
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("without Redis a question took %v", took)
	}
	untilPeers(t, a, "a")

	server.Restart()
	untilPeers(t, a, "a b")
	untilPeers(t, b, "a b")
	pubsubtest.Until(t, func() error {
		answers, err := a.Ask(t.Context(), "echo", nil)
		if err != nil || answers[1].Err != nil {
			return fmt.Errorf("answers %+v, %w", answers, err)
		}
		return nil
	})
}

func TestRedisMayComeAfterTheNodes(t *testing.T) {
	server := redistest.New(t)
	a, b := overRedis(t, server.URL(), "a"), overRedis(t, server.URL(), "b")
	wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1")
	server.Restart()
	untilPeers(t, a, "a b")
	untilPeers(t, b, "a b")
}

func TestAFrozenRedisHoldsNobodyUp(t *testing.T) {
	server := redistest.Start(t)
	a, _ := overRedis(t, server.URL(), "a"), overRedis(t, server.URL(), "b")
	untilPeers(t, a, "a b")
	server.Stop()
	defer server.Cont()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), pubsubtest.Patience)
	defer cancel()
	answers, err := a.Ask(ctx, "echo", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	wantAnswers(t, answers[:1], "a=a:1")
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("with a frozen Redis a question took %v", took)
	}
}

func TestWhatAnybodySaysOverRedisIsPassedOver(t *testing.T) {
	server := redistest.Start(t)
	a, _ := overRedis(t, server.URL(), "a"), overRedis(t, server.URL(), "b")
	untilPeers(t, a, "a b")
	said := 0
	for _, topic := range []string{nodesTopic, askTopic, answersTopic + "a"} {
		for _, text := range []string{"", "~1 t=1\n", "null", `{"node":"*"}`, "\x00\xff", strings.Repeat("[", 1<<20)} {
			server.Do("PUBLISH", topic, text)
			said++
		}
	}
	pubsubtest.Until(t, func() error {
		if s := a.Stats(); s.Malformed != uint64(said) {
			return fmt.Errorf("stats = %+v", s)
		}
		return nil
	})
	wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b=b:1")
}

func BenchmarkAskThreeNodesOverRedis(b *testing.B) {
	url := redistest.Start(b).URL()
	n := overRedis(b, url, "a")
	overRedis(b, url, "b")
	overRedis(b, url, "c")
	untilPeers(b, n, "a b c")
	b.ReportAllocs()
	for b.Loop() {
		if answers := ask(b, n, "echo", "1"); answers[2].Err != nil {
			b.Fatal(answers[2].Err)
		}
	}
}
