package resolvers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

// A library is read by tests. Each reading takes as long, unless its caller leaves.
type library struct {
	turns
	takes time.Duration
	err   error
	panic bool

	readings, now, most atomic.Int64 // how many there were, are, and were at a time
}

// ask asks a question, and returns what it was told: the number of the reading.
func (l *library) ask(ctx context.Context, q question) (string, error) {
	return shared(ctx, &l.turns, q, func(ctx context.Context) (string, error) {
		n := l.readings.Add(1)
		l.most.Store(max(l.most.Load(), l.now.Add(1)))
		defer l.now.Add(-1)
		select {
		case <-time.After(l.takes):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if l.panic {
			panic("a page is torn")
		}
		return fmt.Sprint("reading ", n), l.err
	})
}

// wantIdle says that no turn is taken and so many answers are kept.
func (l *library) wantIdle(t *testing.T, answers int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all != (load{}) || len(l.of) != 0 || len(l.answers) != answers {
		t.Errorf("%+v and %+v are taken, %d answers are kept", l.all, l.of, len(l.answers))
	}
}

// isRefused reports whether no turn was left.
func isRefused(err error) bool { return operation.CodeOf(err) == operation.CodeRateLimited }

// ofShop is a question of one consumer, ofEach of a consumer of its own.
func ofShop(about any) question {
	return questionOf(&auth.Viewer{Consumer: "shop"}, "myTraffic").about(about)
}

func ofEach(name string, about any) question {
	return questionOf(&auth.Viewer{Consumer: name}, "myTraffic").about(about)
}

func everybodys(about any) question { return question{field: "traffic"}.about(about) }

func TestCallersWithOneQuestionShareItsAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		question question
		callers  int
	}{
		"a consumer's": {ofShop(1), mostOfOne.workers},
		"an operator's, of which there may be as many as there are": {everybodys(1), 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &library{takes: 300 * time.Millisecond}
				began := time.Now()
				var asking sync.WaitGroup
				for range test.callers {
					asking.Go(func() {
						if told, err := l.ask(t.Context(), test.question); told != "reading 1" || err != nil {
							t.Errorf("told %q, %v", told, err)
						}
					})
				}
				asking.Wait()
				if took := time.Since(began); took != l.takes || l.readings.Load() != 1 {
					t.Errorf("%d readings took %v", l.readings.Load(), took)
				}
				l.wantIdle(t, 1)
			})
		})
	}
}

func TestAnAnswerIsGoodForALittleLessThanASecondFromWhenItsReadingBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{takes: 300 * time.Millisecond}
		for _, step := range []struct {
			after time.Duration
			want  string
		}{
			{0, "reading 1"},                      // until 300 ms
			{599 * time.Millisecond, "reading 1"}, // at 899 ms
			{time.Millisecond, "reading 2"},
		} {
			time.Sleep(step.after)
			synctest.Wait()
			if told, err := l.ask(t.Context(), ofShop(1)); told != step.want || err != nil {
				t.Errorf("after %v: told %q, %v", step.after, told, err)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		l.wantIdle(t, 0)

		l.takes = time.Second // longer than it is good for
		for _, want := range []string{"reading 3", "reading 4"} {
			if told, _ := l.ask(t.Context(), ofShop(1)); told != want {
				t.Errorf("told %q, want %q", told, want)
			}
			l.wantIdle(t, 0)
		}
	})
}

func TestQuestionsThatDifferShareNothing(t *testing.T) {
	v := auth.Viewer{Consumer: "shop", Issuer: "https://id.example", Subject: "ann"}
	consumer, issuer, subject := v, v, v
	consumer.Consumer, issuer.Issuer, subject.Subject = "shop2", "", "bob"
	questions := []question{
		questionOf(&v, "myOperations"), questionOf(&consumer, "myOperations"), questionOf(&issuer, "myOperations"), questionOf(&subject, "myOperations"),
		questionOf(&v, "myTraffic"), questionOf(&v, "myOperations").about("x"), questionOf(&v, "myOperations").about("x").about("x"),
		questionOf(&v, "myOperations").about("x", "x"), questionOf(&v, "myOperations").about("x,x"), questionOf(&v, "myOperations").about(nil),
		{field: "myOperations"},
		{field: "operations"},
		questionOf(auth.Anonymous, "myOperations"),
	}
	l := new(library)
	for i, q := range questions {
		if told, err := l.ask(t.Context(), q); told != fmt.Sprint("reading ", i+1) || err != nil {
			t.Errorf("%d: told %q, %v", i, told, err)
		}
	}
}

func TestWhatConsumersReadIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		question func(i int) question
		callers  int
		served   int
		readings int64
	}{
		"of one, four readings":             {func(i int) question { return ofShop(i) }, 20, 4, 4},
		"of its end users together, four":   {func(i int) question { return ofEndUser(i) }, 20, 4, 4},
		"of one reading, six callers":       {func(int) question { return ofShop(1) }, 20, 6, 1},
		"of all together, eight readings":   {func(i int) question { return ofEach(fmt.Sprint(i), 1) }, 20, 8, 8},
		"and twelve callers":                {func(i int) question { return ofEach(fmt.Sprint(i%3), 1) }, 60, 12, 3},
		"of operators, as many as they ask": {func(i int) question { return everybodys(i) }, 20, 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &library{takes: 100 * time.Millisecond}
				var asking sync.WaitGroup
				var served atomic.Int64
				for i := range test.callers {
					asking.Go(func() {
						began := time.Now()
						switch _, err := l.ask(t.Context(), test.question(i)); {
						case err == nil:
							served.Add(1)
						case !isRefused(err) || time.Since(began) != 0:
							t.Errorf("after %v: %v", time.Since(began), err)
						}
					})
				}
				asking.Wait()
				if int(served.Load()) != test.served || l.most.Load() != test.readings {
					t.Errorf("%d are served, by %d readings at a time", served.Load(), l.most.Load())
				}
				if _, err := l.ask(t.Context(), test.question(1)); err != nil {
					t.Errorf("afterwards: %v", err)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				l.wantIdle(t, 0)
			})
		})
	}
}

func ofEndUser(i int) question {
	return questionOf(&auth.Viewer{Consumer: "shop", Subject: fmt.Sprint(i)}, "myOperations")
}

func TestARefusalSaysWhenToComeAgain(t *testing.T) {
	var one, another *gqlerror.Error
	if !errors.As(errTurn(), &one) || !errors.As(errTurn(), &another) || one == another {
		t.Fatal("it is none of GraphQL's, of the caller's own")
	}
	if ms, _ := one.Extensions["retryAfterMs"].(int64); ms != 1000 || !isRefused(one) {
		t.Errorf("it says %v", one.Extensions)
	}
}

func TestAKeptAnswerNeedsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{takes: 100 * time.Millisecond}
		if _, err := l.ask(t.Context(), ofShop("kept")); err != nil {
			t.Fatal(err)
		}
		var asking sync.WaitGroup
		for i := range mostOfOne.readings {
			asking.Go(func() { _, _ = l.ask(t.Context(), ofShop(i)) })
		}
		synctest.Wait()
		if told, err := l.ask(t.Context(), ofShop("kept")); told != "reading 1" || err != nil {
			t.Errorf("told %q, %v", told, err)
		}
		asking.Wait()
	})
}

func TestErrorsAreToldToThoseWhoWaitAndNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{takes: 100 * time.Millisecond, err: errors.New("the library is closed")}
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() {
				if _, err := l.ask(t.Context(), ofShop(1)); !errors.Is(err, l.err) {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		l.wantIdle(t, 0)
		l.err = nil
		if told, err := l.ask(t.Context(), ofShop(1)); told != "reading 2" || err != nil {
			t.Errorf("told %q, %v", told, err)
		}
	})
}

func TestACallerWhoLeavesDoesNotSpoilItForOthers(t *testing.T) {
	for name, test := range map[string]struct {
		leaves int // which caller, after half a reading
		want   string
		takes  time.Duration
	}{
		"the first, who reads: another reads": {leaves: 0, want: "reading 2", takes: 150 * time.Millisecond},
		"one who waits":                       {leaves: 1, want: "reading 1", takes: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &library{takes: 100 * time.Millisecond}
				began := time.Now()
				var asking sync.WaitGroup
				for i := range 4 {
					ctx, leave := context.WithCancel(t.Context())
					defer leave()
					if i == test.leaves {
						time.AfterFunc(50*time.Millisecond, leave)
					}
					asking.Go(func() {
						told, err := l.ask(ctx, ofShop(1))
						if i == test.leaves {
							if took := time.Since(began); !errors.Is(err, context.Canceled) || took != 50*time.Millisecond {
								t.Errorf("who left is told %q, %v after %v", told, err, took)
							}
							return
						}
						if took := time.Since(began); told != test.want || err != nil || took != test.takes {
							t.Errorf("%d is told %q, %v after %v", i, told, err, took)
						}
					})
					synctest.Wait() // they come one after the other
				}
				asking.Wait()
				l.wantIdle(t, 1)
			})
		})
	}
}

func TestAPanicGivesTheTurnBackAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &library{takes: 100 * time.Millisecond, panic: true}
		var asking sync.WaitGroup
		var panics atomic.Int64
		for range mostOfOne.workers {
			asking.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				_, err := l.ask(t.Context(), ofShop(1))
				t.Errorf("told of %v", err)
			})
		}
		asking.Wait()
		if int(panics.Load()) != mostOfOne.workers {
			t.Errorf("%d panics", panics.Load())
		}
		l.wantIdle(t, 0)
		l.panic = false
		if _, err := l.ask(t.Context(), ofShop(1)); err != nil {
			t.Error(err)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(library)
		for i := range mostAnswers + 10 {
			if _, err := l.ask(t.Context(), everybodys(i)); err != nil {
				t.Fatal(err)
			}
		}
		l.wantIdle(t, mostAnswers)
		for i, want := range map[int]string{0: "reading 1", mostAnswers: fmt.Sprint("reading ", mostAnswers+11)} {
			if told, err := l.ask(t.Context(), everybodys(i)); told != want || err != nil {
				t.Errorf("told %q, %v", told, err)
			}
		}
		time.Sleep(goodFor)
		synctest.Wait()
		l.wantIdle(t, 0)
	})
}
