package peers

import (
	"context"
	"errors"
	"sync/atomic"
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

// In the first five seconds after a node was killed, whoever asked waited for it.
func TestOnlyTheFirstQuestionWaitsForANodeThatWasKilled(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a, _, _ := three(t, broker, Options{Handlers: echo("x")})
		alive := announcement{Node: "killed", Started: time.Now()}
		publish(t, broker, nodesTopic, alive)
		synctest.Wait()
		for i, takes := range []time.Duration{time.Second, 0, 0} {
			began := time.Now()
			wantAnswers(t, ask(t, a, "echo", "1"), "a=x:1", "b=x:1", "c=x:1", "killed!"+ErrSilent.Error())
			if took := time.Since(began); took != takes {
				t.Errorf("question %d took %v", i, took)
			}
		}
		publish(t, broker, nodesTopic, alive) // it was busy, no more
		synctest.Wait()
		began := time.Now()
		ask(t, a, "echo", "1")
		if took := time.Since(began); took != time.Second {
			t.Errorf("once it was heard again, it took %v", took)
		}
	})
}

func TestANodeThatHadNoTimeToAnswerIsWaitedForTheNextTime(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		slow := func(_ context.Context, q []byte) ([]byte, error) {
			time.Sleep(300 * time.Millisecond)
			return q, nil
		}
		a := start(t, broker, Options{Node: "a"})
		start(t, broker, Options{Node: "b", Handlers: map[string]Handler{"echo": slow}})
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if answers, err := a.Ask(ctx, "echo", []byte("1")); err != nil || !errors.Is(answers[1].Err, ErrSilent) {
			t.Errorf("%+v, %v", answers, err)
		}
		wantAnswers(t, ask(t, a, "echo", "1"), "a!"+ErrUnknown.Error(), "b=1")
	})
}

// One that takes longer than it has, and answers then, is there.
func TestANodeThatAnswersTooLateIsWaitedForTheNextTime(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		var takes atomic.Int64
		takes.Store(int64(1500 * time.Millisecond))
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		start(t, broker, Options{Node: "b", Timeout: time.Minute, Every: time.Hour, Handlers: map[string]Handler{
			"echo": func(_ context.Context, q []byte) ([]byte, error) {
				time.Sleep(time.Duration(takes.Load()))
				return q, nil
			},
		}})
		time.Sleep(time.Second)
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b!"+ErrSilent.Error())
		time.Sleep(time.Second)
		takes.Store(int64(500 * time.Millisecond))
		wantAnswers(t, ask(t, a, "echo", "2"), "a=a:2", "b=2")
	})
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
