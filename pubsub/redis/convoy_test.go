package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A harbour is a server that answers a convoy when it is told to.
type harbour struct {
	goredis.Scripter

	t       *testing.T
	convoys convoys
	sending sync.WaitGroup

	mu   sync.Mutex
	came []string             // what each convoy had, in the order in which they left
	hold []chan struct{}      // closed for each to be answered
	ctxs []context.Context    // of each
	got  map[string]outcome   // of whoever has returned
	left map[string]time.Time // when
}

func newHarbour(t *testing.T) *harbour {
	h := &harbour{t: t, got: make(map[string]outcome), left: make(map[string]time.Time)}
	h.convoys.deliver = h.deliver
	return h
}

func (h *harbour) Pipeline() goredis.Pipeliner { return nil }

func (h *harbour) deliver(ctx context.Context, _ pipeliner, all []*rider) {
	names, hold := make([]string, len(all)), make(chan struct{})
	for i, r := range all {
		names[i] = string(r.message[:min(2, len(r.message))])
	}
	h.mu.Lock()
	h.came = append(h.came, strings.Join(names, " "))
	h.hold = append(h.hold, hold)
	h.ctxs = append(h.ctxs, ctx)
	h.mu.Unlock()
	select {
	case <-hold:
	case <-ctx.Done():
	}
	for i, r := range all {
		r.outcome = outcome{at: pubsub.Position{Epoch: 1, Offset: uint64(i + 1)}, err: ctx.Err()}
	}
}

// publish sends events, each named by its topic and a digit, one a microsecond.
func (h *harbour) publish(ctx context.Context, names ...string) {
	for _, name := range names {
		h.sending.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			got := h.convoys.bring(ctx, h, &shipment{topic: name[:1], message: []byte(name)})
			h.mu.Lock()
			defer h.mu.Unlock()
			h.got[name[:2]], h.left[name[:2]] = got, time.Now()
		})
		time.Sleep(time.Microsecond)
		synctest.Wait()
	}
}

// answer answers the convoys that have left so far, but for the first few.
func (h *harbour) answer(but int) {
	h.mu.Lock()
	for _, hold := range h.hold[but:] {
		select {
		case <-hold:
		default:
			close(hold)
		}
	}
	h.mu.Unlock()
	synctest.Wait()
}

func (h *harbour) expect(want ...string) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Equal(h.came, want) {
		h.t.Errorf("the convoys are %q, want %q", h.came, want)
	}
}

// end answers everything, and checks that nothing is left.
func (h *harbour) end() {
	h.t.Helper()
	for range 5 {
		h.answer(0)
	}
	h.sending.Wait()
	if n := len(h.convoys.byServer); n > 0 {
		h.t.Errorf("%d servers are remembered", n)
	}
}

func TestConvoys(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, h *harbour){
		"events of some topics go at once": func(t *testing.T, h *harbour) {
			h.publish(t.Context(), "a1", "b1", "c1", "d1")
			h.expect("a1", "b1", "c1", "d1")
		},
		"an event waits for that of its topic": func(t *testing.T, h *harbour) {
			h.publish(t.Context(), "a1", "a2", "b1", "a3")
			h.expect("a1", "b1")
			h.answer(1)
			h.expect("a1", "b1")
			h.answer(0)
			h.expect("a1", "b1", "a2 a3")
		},
		"events of many topics go together": func(t *testing.T, h *harbour) {
			h.publish(t.Context(), "a1", "b1", "c1", "d1", "e1", "a2", "f1", "e2")
			h.expect("a1", "b1", "c1", "d1")
			h.answer(3) // of d
			h.expect("a1", "b1", "c1", "d1", "e1 f1 e2")
			h.answer(3)
			h.expect("a1", "b1", "c1", "d1", "e1 f1 e2")
			h.answer(0)
			h.expect("a1", "b1", "c1", "d1", "e1 f1 e2", "a2")
		},
		"each is told what has become of it": func(t *testing.T, h *harbour) {
			h.publish(t.Context(), "a1", "a2", "a3")
			h.end()
			if h.got["a2"].at.Offset != 1 || h.got["a3"].at.Offset != 2 || h.got["a3"].err != nil {
				t.Errorf("became %v", h.got)
			}
		},
		"nobody waits for long for a convoy that is held up": func(t *testing.T, h *harbour) {
			begun := time.Now()
			h.publish(t.Context(), "a1", "a2", "b1", "a3")
			time.Sleep(mostWait)
			synctest.Wait()
			h.expect("a1", "b1", "a2 a3")
			h.answer(1)
			if took := h.left["a3"].Sub(begun); took >= 2*mostWait {
				t.Errorf("it took %v", took)
			}
		},
		"so many are held up at most": func(t *testing.T, h *harbour) {
			for i := range mostConvoys + 4 {
				h.publish(t.Context(), fmt.Sprintf("a%c", 'a'+i))
				time.Sleep(mostWait)
				synctest.Wait()
			}
			if n := len(h.came); n != mostConvoys {
				t.Errorf("%d convoys", n)
			}
		},
		"a convoy has room for so many": func(t *testing.T, h *harbour) {
			h.publish(t.Context(), "a1")
			h.publish(t.Context(), slices.Repeat([]string{"a2"}, mostRiders+1)...)
			h.answer(0)
			if n := len(strings.Fields(h.came[1])); n != mostRiders {
				t.Errorf("%d riders", n)
			}
			h.answer(0)
			h.expect("a1", h.came[1], "a2")
		},
		"what is large goes by itself": func(t *testing.T, h *harbour) {
			large := "a2" + strings.Repeat(".", mostBytes)
			h.publish(t.Context(), "a1", large, "a3", "a4", "b1")
			h.answer(0)
			h.expect("a1", "b1", "a2")
			h.answer(0)
			h.expect("a1", "b1", "a2", "a3 a4")
		},
		"who leaves while it waits is not sent": func(t *testing.T, h *harbour) {
			ctx, leave := context.WithCancelCause(t.Context())
			h.publish(t.Context(), "a1")
			h.publish(ctx, "a2")
			h.publish(t.Context(), "a3")
			gone := errors.New("gone")
			leave(gone)
			synctest.Wait()
			if err := h.got["a2"].err; !errors.Is(err, gone) {
				t.Errorf("it returned %v", err)
			}
			h.answer(0)
			h.expect("a1", "a3")
		},
		"who leaves on the way does not hold up itself, nor others": func(t *testing.T, h *harbour) {
			ctx, leave := context.WithCancel(t.Context())
			h.publish(t.Context(), "a1")
			h.publish(ctx, "a2")
			h.publish(t.Context(), "a3") // has the most time
			h.answer(0)
			leave()
			synctest.Wait()
			if err := h.got["a2"].err; !errors.Is(err, context.Canceled) {
				t.Errorf("it returned %v", err)
			}
			h.end()
			h.expect("a1", "a2 a3")
			if h.got["a3"].err != nil {
				t.Errorf("the other returned %v", h.got["a3"].err)
			}
		},
		"a convoy whose leader is not wanted any more goes on": func(t *testing.T, h *harbour) {
			ctx, leave := context.WithCancel(t.Context())
			h.publish(t.Context(), "a1", "a2")
			h.publish(ctx, "a3") // has the most time
			h.answer(0)
			leave()
			synctest.Wait()
			h.expect("a1", "a2 a3")
			if err := h.ctxs[1].Err(); err != nil {
				t.Errorf("it was ended: %v", err)
			}
			h.end()
			if h.got["a2"].err != nil {
				t.Errorf("the other returned %v", h.got["a2"].err)
			}
		},
		"a convoy that nobody answers ends with its leader's time": func(t *testing.T, h *harbour) {
			begun := time.Now()
			h.publish(t.Context(), "a1", "a2")
			h.sending.Wait()
			if took := time.Since(begun); took >= time.Second+mostWait || h.got["a1"].err == nil || h.got["a2"].err == nil {
				t.Errorf("after %v: %v", took, h.got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarbour(t)
				test(t, h)
				h.end()
			})
		})
	}
}
