package transport

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/operation"
)

// A crowd is told to end, and notes when.
type crowd struct {
	began time.Time
	ended []time.Duration
	held  map[int]time.Duration // for how long the end of the nth keeps everything waiting
}

// A face is one of a crowd.
type face struct{ *crowd }

func (f face) End(operation.Ending) {
	f.ended = append(f.ended, time.Since(f.began))
	time.Sleep(f.held[len(f.ended)])
}

func (face) Transport() string { return "test" }

// dismiss ends so many sessions over a window, in a bubble, and returns when each was ended.
func dismiss(t *testing.T, ctx func() context.Context, n int, window time.Duration, held map[int]time.Duration) *crowd {
	t.Helper()
	var c *crowd
	synctest.Test(t, func(*testing.T) {
		c = &crowd{began: time.Now(), held: held}
		all := make([]Session, n)
		for i := range all {
			all[i] = face{c}
		}
		pace(ctx(), all, operation.Restarting, window)
	})
	return c
}

// most is how many were ended within any 100 ms, and mean how many would be if all were as many.
func (c *crowd) most(window time.Duration) (most int, mean float64) {
	const bucket = 100 * time.Millisecond
	for from, to := 0, 0; to < len(c.ended); to++ {
		for c.ended[to]-c.ended[from] >= bucket {
			from++
		}
		most = max(most, to-from+1)
	}
	return most, float64(len(c.ended)) * float64(bucket) / float64(window)
}

func TestSessionsEndAtAnEvenPace(t *testing.T) {
	const second = time.Second
	for _, tt := range []struct {
		name     string
		sessions int
		window   time.Duration
		held     map[int]time.Duration
		times    float64 // of the mean, the most that end within 100 ms, but for two
		late     time.Duration
	}{
		{"ten thousand", 10_000, 20 * second, nil, 1.2, 0},
		{"many in a short time", 10_000, second, nil, 1.2, 0},
		{"a few", 20, 20 * second, nil, 1, 0},
		{"one", 1, 20 * second, nil, 1, 0},
		{"more than one in a nanosecond", 1000, 1, nil, 1000, beat},
		{"while the machine does not get to it for a time", 10_000, 20 * second, map[int]time.Duration{
			1: 300 * time.Millisecond, 2000: second, 5000: 90 * time.Millisecond, 5100: 250 * time.Millisecond, 7000: 2 * second,
		}, 1.8, 0},
		{"while it does not shortly before the end", 1000, 10 * second, map[int]time.Duration{950: second}, 1.8, 850 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dismiss(t, context.Background, tt.sessions, tt.window, tt.held)
			if most, mean := c.most(tt.window); float64(most) > tt.times*mean+2 {
				t.Errorf("%d end within 100 ms, %.0f on average", most, mean)
			}
			last := c.ended[len(c.ended)-1]
			if len(c.ended) != tt.sessions || last > tt.window+beat+tt.late {
				t.Errorf("%d have ended, the last one after %v", len(c.ended), last)
			}
			if !slices.IsSorted(c.ended) {
				t.Error("time went back")
			}
		})
	}
}

func TestNoTwoNodesEndTheirSessionsAtTheSameTimes(t *testing.T) {
	a, b := dismiss(t, context.Background, 100, time.Minute, nil), dismiss(t, context.Background, 100, time.Minute, nil)
	if slices.Equal(a.ended, b.ended) {
		t.Error("chance plays no part")
	}
}

func TestWithoutAWindowOrWithoutTimeAllEndAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name       string
		window, by time.Duration
		early      int // end before the time is up
	}{
		{"no window", 0, time.Hour, 0},
		{"the time is up from the beginning", time.Minute, 0, 0},
		{"the time is up halfway", time.Minute, 30 * time.Second, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dismiss(t, func() context.Context {
				ctx, cancel := context.WithTimeout(context.Background(), tt.by)
				context.AfterFunc(ctx, cancel)
				if tt.by == 0 {
					cancel()
				}
				return ctx
			}, 100, tt.window, nil)
			by := min(tt.by, tt.window)
			if last := c.ended[len(c.ended)-1]; len(c.ended) != 100 || last > by {
				t.Errorf("%d have ended, the last one after %v", len(c.ended), last)
			}
			early, _ := slices.BinarySearch(c.ended, by)
			if early < tt.early-2 || early > tt.early+2 {
				t.Errorf("%d have ended before", early)
			}
		})
	}
}

func TestNobodyIsWaitedForWhoHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(t, operation.Options{}, SessionLimits{})
		c := &crowd{began: time.Now()}
		all := []*face{{c}, {c}, {c}}
		for _, session := range all {
			s.Add(session)
		}
		time.AfterFunc(time.Millisecond, func() {
			for _, session := range all {
				s.Remove(session)
			}
		})
		if err := s.Close(t.Context(), operation.Restarting, time.Hour, time.Second); err != nil {
			t.Error(err)
		}
		if took := time.Since(c.began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
