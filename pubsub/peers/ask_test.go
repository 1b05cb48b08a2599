package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

// echo answers questions of the kind echo with the node's name and the question.
func echo(node string) map[string]Handler {
	return map[string]Handler{"echo": func(_ context.Context, q []byte) ([]byte, error) {
		return append([]byte(node+":"), q...), nil
	}}
}

func ask(t testing.TB, n *Node, kind, body string) []Answer {
	t.Helper()
	answers, err := n.Ask(t.Context(), kind, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// wantAnswers compares answers with lines such as "a=body" and "b!error".
func wantAnswers(t testing.TB, answers []Answer, want ...string) {
	t.Helper()
	var got []string
	for _, a := range answers {
		if a.Err != nil {
			got = append(got, a.Node+"!"+a.Err.Error())
		} else {
			got = append(got, a.Node+"="+string(a.Body))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("answers:\n%.500s\nwant:\n%.500s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryNodeAnswers(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		start(t, broker, Options{Node: "b", Handlers: echo("b")})
		start(t, broker, Options{Node: "c", Handlers: echo("c")})
		time.Sleep(3 * time.Second)
		began := time.Now()
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b=b:1", "c=c:1")
		wantAnswers(t, ask(t, a, "echo", ""), "a=a:", "b=b:", "c=c:")
		if took := time.Since(began); took != 0 {
			t.Errorf("the answers took %v", took)
		}
		synctest.Wait()
		if s := a.Stats(); s.Asked != 2 || s.Answered != 6 || s.Timeouts != 0 {
			t.Errorf("stats = %+v", s)
		}
	})
}

func TestOneNodeIsTold(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		b := start(t, broker, Options{Node: "b", Handlers: echo("b")})
		c := start(t, broker, Options{Node: "c", Handlers: echo("c")})
		time.Sleep(3 * time.Second)
		for node, want := range map[string]string{"a": "a:1", "b": "b:1"} {
			body, err := a.Tell(t.Context(), node, "echo", []byte("1"))
			if err != nil || string(body) != want {
				t.Errorf("%s answers %q, %v", node, body, err)
			}
		}
		if _, err := a.Tell(t.Context(), "d", "echo", nil); !errors.Is(err, ErrGone) {
			t.Errorf("nobody answers %v", err)
		}
		synctest.Wait()
		if b.Stats().Handled != 1 || c.Stats().Handled != 0 {
			t.Errorf("b handled %d questions and c %d", b.Stats().Handled, c.Stats().Handled)
		}
	})
}

func TestWhatIsNotAnswered(t *testing.T) {
	silent := func(ctx context.Context, _ []byte) ([]byte, error) {
		time.Sleep(5 * time.Second) // without a look at ctx
		return nil, ctx.Err()
	}
	body := func(n int) Handler {
		return func(context.Context, []byte) ([]byte, error) { return bytes.Repeat([]byte("x"), n), nil }
	}
	fails := func(text string) Handler {
		return func(context.Context, []byte) ([]byte, error) { return nil, errors.New(text) }
	}
	panics := func(context.Context, []byte) ([]byte, error) { panic("at the disco") }
	large := strings.Repeat("x", MaxBody)
	for name, test := range map[string]struct {
		handler Handler
		want    string // of each node
		is      error
		takes   time.Duration
	}{
		"a node that is silent costs the question's time":   {handler: silent, want: "!" + ErrSilent.Error(), is: ErrSilent, takes: time.Second},
		"a node without a handler says so":                  {want: "!" + ErrUnknown.Error(), is: ErrUnknown},
		"the largest answer arrives":                        {handler: body(MaxBody), want: "=" + large},
		"an answer that is larger is an error":              {handler: body(MaxBody + 1), want: "!" + ErrTooLarge.Error(), is: ErrTooLarge},
		"an empty answer is none of an error":               {handler: body(0), want: "="},
		"the text of an error arrives":                      {handler: fails("no such operation"), want: "!peers: node NODE: no such operation"},
		"the text of an error is cut":                       {handler: fails(strings.Repeat("é", 300)), want: "!peers: node NODE: " + strings.Repeat("é", 256)},
		"an error without a text is an error":               {handler: fails(""), want: "!peers: node NODE: "},
		"control characters in an error take no answer out": {handler: fails(strings.Repeat("\x00", 600)), want: "!peers: node NODE: " + strings.Repeat("\x00", 512)},
		"a handler that panics is an error":                 {handler: panics, want: "!peers: node NODE: the handler panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, broker *flaky) {
				handlers := map[string]Handler{}
				if test.handler != nil {
					handlers["what"] = test.handler
				}
				a, _, _ := three(t, broker, Options{Handlers: handlers})
				began := time.Now()
				answers := ask(t, a, "what", "")
				var want []string
				for _, node := range []string{"a", "b", "c"} {
					want = append(want, node+strings.ReplaceAll(test.want, "NODE", node))
				}
				wantAnswers(t, answers, want...)
				if took := time.Since(began); took != test.takes {
					t.Errorf("it took %v", took)
				}
				for _, answer := range answers {
					if !errors.Is(answer.Err, test.is) && test.is != nil {
						t.Errorf("err = %v", answer.Err)
					}
				}
			})
		})
	}
}

func TestTheAnswersOfOthersComeThroughWhenOneIsSilent(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		start(t, broker, Options{Node: "b", Handlers: echo("b")})
		time.Sleep(3 * time.Second)
		publish(t, broker, nodesTopic, announcement{Node: "killed", Started: time.Now()})
		synctest.Wait()
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b=b:1", "killed!"+ErrSilent.Error())
		synctest.Wait()
		if s := a.Stats(); s.Timeouts != 1 || s.Answered != 2 {
			t.Errorf("stats = %+v", s)
		}
	})
}

func TestTheCallersContextEndsAQuestionEarly(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		synctest.Wait()
		publish(t, broker, nodesTopic, announcement{Node: "killed", Started: time.Now()})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		answers, err := a.Ask(ctx, "echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		wantAnswers(t, answers, "a=a:", "killed!"+ErrSilent.Error())
		if took := time.Since(began); took != 300*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestHandlersSeeTheEndOfTheirTimeAndNothingOfTheCaller(t *testing.T) {
	type key struct{}
	onMemory(t, func(t *testing.T, broker *flaky) {
		var ended, told sync.WaitGroup
		handler := func(ctx context.Context, _ []byte) ([]byte, error) {
			defer ended.Done()
			if ctx.Value(key{}) != nil {
				t.Error("a handler sees the caller's context")
			}
			told.Done()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		a, _, _ := three(t, broker, Options{Handlers: map[string]Handler{"wait": handler}})
		ended.Add(3)
		told.Add(3)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "viewer"))
		go func() { told.Wait(); cancel() }()
		if answers, err := a.Ask(ctx, "wait", nil); err != nil || len(answers) != 3 {
			t.Errorf("answers = %v, %v", answers, err)
		}
		ended.Wait()
	})
}

func TestANodeThatLeavesKeepsNobodyWaiting(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		wait := func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		b := start(t, broker, Options{Node: "b", Handlers: map[string]Handler{"echo": wait}})
		time.Sleep(3 * time.Second)
		go func() {
			time.Sleep(100 * time.Millisecond)
			_ = b.Close()
		}()
		began := time.Now()
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b!"+ErrGone.Error())
		if took := time.Since(began); took != 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestCloseEndsQuestions(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		wait := func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		a := start(t, broker, Options{Node: "a", Handlers: map[string]Handler{"wait": wait}})
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := a.Ask(t.Context(), "wait", nil); !errors.Is(err, ErrClosed) {
				t.Errorf("ask: %v", err)
			}
		})
		synctest.Wait()
		_ = a.Close()
		asking.Wait()
		if _, err := a.Ask(t.Context(), "wait", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("ask after close: %v", err)
		}
	})
}

func TestThisNodeAnswersWithoutTheBroker(t *testing.T) {
	for name, test := range map[string]struct {
		trouble func(*flaky)
		takes   time.Duration
	}{
		"when it is away, at once":      {trouble: func(f *flaky) { f.away.Store(true) }},
		"when it hangs, after a moment": {trouble: func(f *flaky) { f.hangs.Store(true) }, takes: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, broker *flaky) {
				a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
				start(t, broker, Options{Node: "b", Handlers: echo("b")})
				time.Sleep(3 * time.Second)
				test.trouble(broker)
				began := time.Now()
				answers := ask(t, a, "echo", "1")
				wantAnswers(t, answers[:1], "a=a:1")
				if b := answers[1]; b.Node != "b" || !errors.Is(b.Err, pubsub.ErrUnavailable) {
					t.Errorf("b answers %+v", b)
				}
				if took := time.Since(began); took != test.takes {
					t.Errorf("it took %v", took)
				}
				time.Sleep(20 * time.Second) // b has expired: nobody is asked but this node
				wantAnswers(t, ask(t, a, "echo", "2"), "a=a:2")
			})
		})
	}
}

func TestHandlersAreBounded(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		wait := func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, nil }
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		b := start(t, broker, Options{Node: "b", Handlers: map[string]Handler{"wait": wait, "echo": echo("b")["echo"]}})
		time.Sleep(3 * time.Second)
		for i := range maxHandlers {
			publish(t, broker, askTopic, question{ID: fmt.Sprint(i), From: "stranger", Kind: "wait"})
		}
		synctest.Wait()
		if _, err := a.Tell(t.Context(), "b", "wait", nil); !errors.Is(err, ErrBusy) {
			t.Errorf("b answers %v", err)
		}
		if _, err := a.Tell(t.Context(), "b", "echo", nil); err != nil {
			t.Errorf("b answers %v to a question of another kind", err)
		}
		wantAnswers(t, ask(t, b, "echo", "1"), "a=a:1", "b=b:1") // its own questions have seats of their own
		if s := b.Stats(); s.Refused != 1 {
			t.Errorf("stats = %+v", s)
		}
		time.Sleep(2 * time.Second)
		if len(b.seats["wait"]) != 0 {
			t.Errorf("%d seats are taken by nobody", len(b.seats["wait"]))
		}
	})
}

func TestANodesOwnQuestionsWaitForASeat(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		var working, most atomic.Int64
		handlers := echo("a")
		handlers["slow"] = func(context.Context, []byte) ([]byte, error) {
			most.Store(max(most.Load(), working.Add(1)))
			defer working.Add(-1)
			time.Sleep(300 * time.Millisecond)
			return []byte("done"), nil
		}
		a := start(t, broker, Options{Node: "a", Handlers: handlers})
		var asking sync.WaitGroup
		var done, silent atomic.Int64
		for range 4 * maxHandlers {
			asking.Go(func() {
				switch _, err := a.Tell(t.Context(), "a", "slow", nil); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, ErrSilent):
					silent.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1") // at once: another kind has other seats
		asking.Wait()
		if done.Load() != 3*maxHandlers || silent.Load() != maxHandlers || most.Load() != maxHandlers {
			t.Errorf("%d are done, %d had no seat in time, %d have worked at a time", done.Load(), silent.Load(), most.Load())
		}
		time.Sleep(time.Second)
		if len(a.ownSeats["slow"]) != 0 {
			t.Errorf("%d seats are taken by nobody", len(a.ownSeats["slow"]))
		}
	})
}

func TestBadQuestionsAreNotAsked(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		for name, test := range map[string]struct {
			kind, body string
			want       error
		}{
			"a kind that is no name": {kind: "end operation", want: ErrInvalid},
			"no kind":                {want: ErrInvalid},
			"a body too large":       {kind: "echo", body: strings.Repeat("x", MaxBody+1), want: ErrTooLarge},
		} {
			if _, err := a.Ask(t.Context(), test.kind, []byte(test.body)); !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
