package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/pubsub/pubsubtest"
)

func TestNodesKnowEachOther(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		var sessions atomic.Int64
		a := start(t, broker, Options{Node: "a", State: func() []byte { return fmt.Appendf(nil, `{"sessions":%d}`, sessions.Load()) }})
		time.Sleep(10 * time.Second)
		b := start(t, broker, Options{Node: "b"})
		c := start(t, broker, Options{Node: "c"})
		time.Sleep(time.Second) // before a's next announcement is due, perhaps
		synctest.Wait()
		for _, n := range []*Node{a, b, c} {
			wantPeers(t, n, "a b c")
			if s := n.Stats(); s.Peers != 3 || s.Malformed+s.Dropped != 0 {
				t.Errorf("stats = %+v", s)
			}
		}

		sessions.Store(42)
		if p := a.All()[0]; !p.Self || string(p.State) != `{"sessions":42}` || !p.Seen.Equal(time.Now()) {
			t.Errorf("a lists itself as %+v, with the state %s", p, p.State)
		}
		if p := b.All()[0]; p.Self || string(p.State) != `{"sessions":0}` || time.Since(p.Seen) > 3*time.Second {
			t.Errorf("b lists a as %+v, with the state %s", p, p.State)
		}
		time.Sleep(3 * time.Second)
		if p := b.All()[0]; string(p.State) != `{"sessions":42}` || !p.Started.Equal(a.started) {
			t.Errorf("b lists a as %+v, with the state %s", p, p.State)
		}
	})
}

func TestANodeThatIsKilledExpires(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a, _, _ := three(t, broker, Options{})
		publish(t, broker, nodesTopic, announcement{Node: "killed", Started: time.Now()})
		time.Sleep(14 * time.Second)
		wantPeers(t, a, "a b c killed")
		time.Sleep(time.Second)
		wantPeers(t, a, "a b c")
		if _, err := a.Tell(t.Context(), "killed", "what", nil); !errors.Is(err, ErrGone) {
			t.Errorf("tell: %v", err)
		}
	})
}

func TestANodeThatClosesIsGoneAtOnce(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a, b, c := three(t, broker, Options{})
		_ = b.Close()
		synctest.Wait()
		wantPeers(t, a, "a c")
		wantPeers(t, c, "a c")
	})
}

func TestTheGoodbyeOfAProcessDoesNotTakeItsSuccessorAway(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		n := start(t, broker, Options{Node: "a"})
		synctest.Wait()
		old := announcement{Node: "b", Started: time.Now()}
		successor := announcement{Node: "b", Started: time.Now().Add(time.Minute)}
		publish(t, broker, nodesTopic, old)
		publish(t, broker, nodesTopic, successor)
		old.Gone = true
		publish(t, broker, nodesTopic, old)
		synctest.Wait()
		wantPeers(t, n, "a b")
		successor.Gone = true
		publish(t, broker, nodesTopic, successor)
		synctest.Wait()
		wantPeers(t, n, "a")
	})
}

func TestTwoProcessesOfOneNameAreComplainedOf(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		var log lines
		first := start(t, broker, Options{Node: "a", Log: logTo(&log)})
		time.Sleep(time.Minute)
		start(t, broker, Options{Node: "a"})
		time.Sleep(5 * time.Second)
		wantPeers(t, first, "a")
		if n := strings.Count(log.String(), "another process uses the name"); n != 1 {
			t.Errorf("%d complaints:\n%s", n, &log)
		}
	})
}

func TestANewcomerIsGreetedOnceASecondAtMost(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		start(t, broker, Options{Node: "a", Every: time.Hour})
		time.Sleep(time.Minute)
		var heard pubsubtest.Recorder
		pubsubtest.Subscribe(t, broker, nodesTopic, &heard)
		spoken := func() (n int) {
			for _, p := range heard.Payloads() {
				n += strings.Count(p, `{"node":"a"`)
			}
			return n
		}
		publish(t, broker, nodesTopic, announcement{Node: "first", Started: time.Now()})
		synctest.Wait()
		if n := spoken(); n != 1 {
			t.Errorf("the first newcomer made a speak %d times", n)
		}
		for i := range 100 { // for 10 s
			publish(t, broker, nodesTopic, announcement{Node: fmt.Sprint("flood-", i), Started: time.Now()})
			time.Sleep(100 * time.Millisecond)
		}
		if n := spoken(); n < 10 || n > 11 {
			t.Errorf("newcomers for 10 s made a speak %d times", n)
		}
	})
}

func TestABadStateIsNotTold(t *testing.T) {
	for name, state := range map[string]string{
		"it is too large":                `"` + strings.Repeat("x", MaxState) + `"`,
		"it is no JSON":                  `{"sessions":`,
		"it is more than one JSON value": `{} {}`,
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, broker *flaky) {
				var log lines
				start(t, broker, Options{Node: "a", State: func() []byte { return []byte(state) }, Log: logTo(&log)})
				b := start(t, broker, Options{Node: "b"})
				time.Sleep(3 * time.Second)
				if p := b.All()[0]; p.Node != "a" || p.State != nil {
					t.Errorf("b lists %+v", p)
				}
				if !strings.Contains(log.String(), "is not told") {
					t.Errorf("the log is %q", &log)
				}
			})
		})
	}
}

func TestTheLargestStateArrives(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		state, _ := json.Marshal(strings.Repeat("x", MaxState-2))
		for i := 1; i < MaxState-1; i++ {
			state[i] = '<' // which escaping would make six bytes of
		}
		start(t, broker, Options{Node: "a", State: func() []byte { return state }})
		b := start(t, broker, Options{Node: "b"})
		time.Sleep(3 * time.Second)
		if p := b.All()[0]; p.Node != "a" || string(p.State) != string(state) {
			t.Errorf("b lists %s with a state of %d bytes", p.Node, len(p.State))
		}
	})
}

func TestPresenceResumesWithTheBroker(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a, b, _ := three(t, broker, Options{})
		broker.away.Store(true)
		time.Sleep(time.Minute)
		wantPeers(t, a, "a")
		broker.away.Store(false)
		time.Sleep(2200 * time.Millisecond)
		wantPeers(t, a, "a b c")
		wantPeers(t, b, "a b c")
	})
}

func TestANodeMayStartBeforeItsBroker(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		broker.away.Store(true)
		var log lines
		a := start(t, broker, Options{Node: "a", Log: logTo(&log)})
		b := start(t, broker, Options{Node: "b"})
		time.Sleep(time.Minute)
		if n := broker.tries.Load(); n < 20 || n > 60 { // two nodes, 0.1 s to 5 s apart
			t.Errorf("%d tries to subscribe in a minute", n)
		}
		if n := strings.Count(log.String(), "until the broker is back"); n < 2 || n > 7 {
			t.Errorf("%d complaints in a minute:\n%s", n, &log)
		}
		broker.away.Store(false)
		time.Sleep(10 * time.Second)
		wantPeers(t, a, "a b")
		wantPeers(t, b, "a b")
	})
}

func TestCloseWaitsTwoSecondsForABrokerThatHangs(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a, _, _ := three(t, broker, Options{})
		broker.hangs.Store(true)
		time.Sleep(10 * time.Second)
		began := time.Now()
		_ = a.Close()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("close took %v", took)
		}
	})
}

func TestANodeOfAClosedBrokerIsAlone(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		_ = broker.Close()
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		time.Sleep(time.Minute)
		wantPeers(t, a, "a")
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1")
	})
}
