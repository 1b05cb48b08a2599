package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// flaky is a broker that can be away.
type flaky struct {
	*memory.Broker
	away       atomic.Bool
	reconnects atomic.Uint64
}

func (f *flaky) Subscribe(ctx context.Context, topic string, r pubsub.Receiver) (pubsub.Subscription, error) {
	if f.away.Load() {
		return nil, pubsub.ErrUnavailable
	}
	return f.Broker.Subscribe(ctx, topic, r)
}

func (f *flaky) Health() pubsub.Health {
	return pubsub.Health{Up: !f.away.Load(), Reconnects: f.reconnects.Load()}
}

// holder remembers how its grant ended.
type holder struct{ why atomic.Pointer[error] }

func (h *holder) Changed(*auth.Viewer) {}
func (h *holder) Ended(why error)      { h.why.Store(&why) }

func (h *holder) ended() error {
	if why := h.why.Load(); why != nil {
		return *why
	}
	return nil
}

// slow is an authenticator whose rechecks wait.
type slow struct {
	*transporttest.Viewers
	wait chan struct{}
}

func (s slow) Recheck(ctx context.Context, v *auth.Viewer) (*auth.Viewer, error) {
	<-s.wait
	return s.Viewers.Recheck(ctx, v)
}

// lines counts lines of a log.
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

// A stage is a control with two sessions, of the keys k1 and k2.
type stage struct {
	*testing.T
	viewers *transporttest.Viewers
	broker  *flaky
	control *control
	one     holder
	two     holder
	log     lines
}

func onStage(t *testing.T, away bool, play func(*stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, viewers: transporttest.NewViewers(), broker: &flaky{Broker: memory.New()}}
		s.broker.away.Store(away)
		s.begin(s.viewers)
		defer s.control.close()
		play(s)
	})
}

func (s *stage) begin(authn auth.Authenticator) {
	grants := auth.NewGrants(authn)
	for key, h := range map[string]*holder{"k1": &s.one, "k2": &s.two} {
		viewer := &auth.Viewer{Consumer: "web", Key: key}
		s.viewers.Set(key, viewer)
		grant := grants.Open(viewer, h)
		s.Cleanup(grant.Close)
	}
	s.control = newControl(s.broker, grants, time.Minute, slog.New(slog.NewTextHandler(&s.log, nil)))
	synctest.Wait()
}

func (s *stage) announce(text string) {
	s.Helper()
	if err := s.broker.Publish(s.Context(), controlTopic, []byte(text)); err != nil {
		s.Fatal(err)
	}
	synctest.Wait()
}

// want checks who has ended for the revocation of its key.
func (s *stage) want(one, two bool) {
	s.Helper()
	synctest.Wait()
	if got := errors.Is(s.one.ended(), auth.ErrRevoked); got != one {
		s.Errorf("k1 has ended: %v, want %v", got, one)
	}
	if got := errors.Is(s.two.ended(), auth.ErrRevoked); got != two {
		s.Errorf("k2 has ended: %v, want %v", got, two)
	}
}

func TestAnAnnouncedKeyIsCheckedAtOnce(t *testing.T) {
	onStage(t, false, func(s *stage) {
		s.viewers.Set("k1", nil)
		s.viewers.Set("k2", nil)
		s.want(false, false)
		if err := AnnounceKey(s.Context(), s.broker, "k1"); err != nil {
			t.Error(err)
		}
		s.want(true, false)
	})
}

// A request whose body takes its time opens its session with a viewer from before.
func TestASessionThatOpensOnARevokedKeyEndsSoon(t *testing.T) {
	onStage(t, false, func(s *stage) {
		before := &auth.Viewer{Consumer: "web", Key: "k1"}
		s.viewers.Set("k1", nil)
		s.announce(`{"key":"k1"}`)
		time.Sleep(10 * time.Second)
		var late holder
		grant := s.control.grants.Open(before, &late)
		defer grant.Close()
		time.Sleep(time.Second)
		synctest.Wait()
		if !errors.Is(late.ended(), auth.ErrRevoked) {
			t.Errorf("it ended by %v", late.ended())
		}
		s.want(true, false)
		time.Sleep(controlMemory)
		synctest.Wait()
		if n := len(s.control.changed); n != 0 {
			t.Errorf("%d keys are still remembered", n)
		}
	})
}

func TestEverythingIsCheckedFromTimeToTime(t *testing.T) {
	onStage(t, false, func(s *stage) {
		s.viewers.Set("k1", nil)
		time.Sleep(50 * time.Second)
		s.want(false, false)
		time.Sleep(17 * time.Second)
		s.want(true, false)
		s.viewers.Set("k2", nil)
		time.Sleep(67 * time.Second)
		s.want(true, true)
	})
}

func TestWhatWasMissedWithoutABrokerIsCheckedWhenItIsBack(t *testing.T) {
	t.Run("a broker that is away at the start", func(t *testing.T) {
		onStage(t, true, func(s *stage) {
			time.Sleep(5 * time.Second)
			s.viewers.Set("k1", nil)
			time.Sleep(5 * time.Second)
			s.want(false, false)
			s.broker.away.Store(false)
			time.Sleep(controlLook)
			s.want(true, false)
			s.viewers.Set("k2", nil)
			s.announce(`{"key":"k2"}`)
			s.want(true, true)
			if got := strings.Count(s.log.String(), "\n"); got > 2 {
				t.Errorf("%d lines in the log:\n%s", got, s.log.String())
			}
		})
	})
	t.Run("a connection that was lost", func(t *testing.T) {
		onStage(t, false, func(s *stage) {
			s.viewers.Set("k1", nil)
			s.broker.reconnects.Add(1)
			time.Sleep(controlLook)
			s.want(true, false)
			s.viewers.Set("k2", nil)
			time.Sleep(controlLook)
			s.want(true, false) // it was lost once
		})
	})
}

func TestMoreAnnouncementsThanAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, viewers: transporttest.NewViewers(), broker: &flaky{Broker: memory.New()}}
		store := slow{s.viewers, make(chan struct{}, 1000)}
		for range 2 { // the check of everything at the start
			store.wait <- struct{}{}
		}
		s.begin(store)
		defer s.control.close()
		s.viewers.Set("k2", nil)
		s.announce(`{"key":"k1"}`) // which is waited for
		for i := range controlQueue {
			s.announce(fmt.Sprintf(`{"key":"other %d"}`, i))
		}
		s.announce(`{"key":"k2"}`)
		close(store.wait)
		s.want(false, false)
		time.Sleep(controlLook)
		s.want(false, true)
	})
}

func TestWhatIsNoAnnouncementIsCounted(t *testing.T) {
	onStage(t, false, func(s *stage) {
		bad := []string{
			``, `null`, `[]`, `"key"`, `{}`, `{"key":1}`, `{"key":""}`, `{"renewed":{}}`,
			`{"renewed":{"consumer":"web","identity":"x"}}`,
			`{"key":"k1","renewed":{"consumer":"web","identity":"x","expires":"2030-01-01T00:00:00Z"}}`,
			`{"key":"` + strings.Repeat("x", controlBytes) + `"}`,
		}
		for i, text := range bad {
			s.announce(text)
			if got := s.control.malformed.Load(); got != uint64(i)+1 {
				t.Errorf("%.40s is understood", text)
			}
		}
		if got := strings.Count(s.log.String(), "\n"); got != 1 {
			t.Errorf("%d lines in the log:\n%s", got, s.log.String())
		}
		s.viewers.Set("k1", nil)
		s.announce(`{"key":"k1","new":"members are ignored"}`)
		s.want(true, false)
	})
}

func TestKeysThatCannotBeCheckedStay(t *testing.T) {
	onStage(t, false, func(s *stage) {
		s.viewers.Set("k1", nil)
		s.viewers.Away(errors.New("disk full"))
		for range 10 {
			s.announce(`{"key":"k1"}`)
		}
		s.want(false, false)
		if got := strings.Count(s.log.String(), "disk full"); got != 1 {
			t.Errorf("%d lines in the log:\n%s", got, s.log.String())
		}
		s.viewers.Away(nil)
		time.Sleep(67 * time.Second)
		s.want(true, false)
	})
}

func TestControlMayBeClosedTwice(t *testing.T) {
	onStage(t, false, func(s *stage) {
		s.control.close()
		s.viewers.Set("k1", nil)
		s.announce(`{"key":"k1"}`)
		s.want(false, false)
	})
}

func FuzzParseAnnouncement(f *testing.F) {
	renewal := (&auth.Viewer{Consumer: "web", Expires: time.Unix(1<<31, 0)}).Renewal()
	for _, a := range []announcement{{Key: "k1"}, {Renewed: &renewal}} {
		text, _ := json.Marshal(a)
		f.Add(text)
	}
	grants := auth.NewGrants(transporttest.NewViewers())
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := parseAnnouncement(payload)
		if err != nil {
			return
		}
		if (a.Key == "") == (a.Renewed == nil) {
			t.Errorf("%q is %+v", payload, a)
		}
		if a.Renewed != nil {
			grants.Extend(*a.Renewed)
		}
	})
}
