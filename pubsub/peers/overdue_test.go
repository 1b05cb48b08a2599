package peers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestANodeThatHasMissedTwoAnnouncementsIsNotWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		quiet time.Duration
		takes time.Duration
	}{
		"one that was heard lately is waited for":       {quiet: 4900 * time.Millisecond, takes: time.Second},
		"one that was not heard for 2.5 x Every is not": {quiet: 5 * time.Second},
		"nor is one that is about to expire":            {quiet: 14900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, broker *flaky) {
				a, _, _ := three(t, broker, Options{Handlers: echo("x")})
				publish(t, broker, nodesTopic, announcement{Node: "killed", Started: time.Now()})
				synctest.Wait()
				time.Sleep(test.quiet)
				began := time.Now()
				wantAnswers(t, ask(t, a, "echo", "1"), "a=x:1", "b=x:1", "c=x:1", "killed!"+ErrSilent.Error())
				if took := time.Since(began); took != test.takes {
					t.Errorf("it took %v", took)
				}
				if s := a.Stats(); s.Timeouts != 1 {
					t.Errorf("stats = %+v", s)
				}
			})
		})
	}
}

// quiet is a node that is alive, but announces itself so rarely that the others take it for killed.
func quiet(t *testing.T, broker *flaky) *Node {
	t.Helper()
	n := start(t, broker, Options{Node: "quiet", Every: time.Hour, Handlers: echo("quiet")})
	time.Sleep(6 * time.Second)
	return n
}

func TestANodeThatIsNotWaitedForMayAnswerMeanwhile(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		slow := func(_ context.Context, q []byte) ([]byte, error) {
			time.Sleep(300 * time.Millisecond)
			return q, nil
		}
		a := start(t, broker, Options{Node: "a", Handlers: map[string]Handler{"echo": slow}})
		quiet(t, broker)
		began := time.Now()
		wantAnswers(t, ask(t, a, "echo", "1"), "a=1", "quiet=quiet:1")
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestANodeThatIsToldSomethingIsWaitedForInAnyCase(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a"})
		quiet(t, broker)
		if body, err := a.Tell(t.Context(), "quiet", "echo", []byte("1")); err != nil || string(body) != "quiet:1" {
			t.Errorf("it answers %q, %v", body, err)
		}
		publish(t, broker, nodesTopic, announcement{Node: "killed", Started: time.Now()})
		time.Sleep(6 * time.Second)
		began := time.Now()
		if _, err := a.Tell(t.Context(), "killed", "echo", nil); !errors.Is(err, ErrSilent) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
