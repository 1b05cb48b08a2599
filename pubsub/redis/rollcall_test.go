package redis_test

import (
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// A rollback is a log that has lost events of which one node knows, who can be kept away, and another does not.
type rollback struct {
	server *redistest.Server
	way    *proxy // of the node that knows
	other  *redis.Broker
	topic  string
	stood  pubsub.Position // what is left joins it
	log    logBuffer
}

// newRollback has the node that knows kept away until its way is opened.
func newRollback(t *testing.T, patience time.Duration) *rollback {
	l := &rollback{server: redistest.Start(t), topic: LogTopic()}
	l.way = startProxy(t, l.server.Addr())
	o := kept
	o.CompareTimeout, o.SubscribeTimeout, o.Logger = patience, Patience, slog.New(slog.NewTextHandler(&l.log, nil))
	knows := open(t, "redis://"+l.way.addr(), o)
	l.other = open(t, l.server.URL(), o)
	Publish(t, knows, l.topic, "kept")
	for _, b := range []*redis.Broker{knows, l.other} {
		past, _ := b.Read(t.Context(), l.topic, pubsub.Position{}, 0) // nobody stands there
		l.stood = past.Top
	}
	l.server.Do("SAVE")
	Publish(t, knows, l.topic, "lost")
	l.way.closed.Store(true)
	l.way.cut()
	l.server.Restart()
	return l
}

func TestANodeThatDoesNotKnowWhatIsLostWaitsForTheOneThatDoes(t *testing.T) {
	l := newRollback(t, time.Hour)
	before := l.server.Do("HVALS", "sluice:log:nodes")
	answer := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		_, err := l.other.Read(t.Context(), l.topic, l.stood, 10)
		answer <- err
	})
	Until(t, func() error {
		if l.server.Do("HVALS", "sluice:log:nodes") == before {
			return errors.New("the node has not compared yet")
		}
		return nil
	})
	select {
	case err := <-answer:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	l.way.closed.Store(false)
	var gap *pubsub.GapError
	if err := <-answer; !errors.As(err, &gap) || gap.Epoch == l.stood.Epoch {
		t.Errorf("it reads %v", err)
	}
	reading.Wait()
	if want := "logs have begun anew"; !strings.Contains(l.log.String(), want) {
		t.Errorf("nobody is told that %s", want)
	}
}

// A failover to a replica that had not heard of the new epoch brings the old one back.
func TestALogThatGoesBackToAnEarlierEpochIsAGap(t *testing.T) {
	for _, ask := range []string{"read", "publish"} {
		t.Run(ask, func(t *testing.T) {
			l := newRollback(t, Patience)
			l.way.closed.Store(false)
			var gap *pubsub.GapError
			if _, err := l.other.Read(t.Context(), l.topic, l.stood, 10); !errors.As(err, &gap) {
				t.Fatalf("it reads %v", err)
			}
			Publish(t, l.other, l.topic, "in the new epoch")
			l.server.Restart()
			if ask == "publish" {
				Until(t, func() error { return l.other.Publish(t.Context(), l.topic, []byte("again")) })
			}
			before := gap.Epoch
			if _, err := l.other.Read(t.Context(), l.topic, l.stood, 10); !errors.As(err, &gap) || gap.Epoch <= before {
				t.Errorf("it reads %v\n%s", err, l.log.String())
			}
		})
	}
}

func TestWhoWaitedLongEnoughGoesOnAndIsToldLater(t *testing.T) {
	l := newRollback(t, time.Millisecond)
	if past := Read(t, l.other, l.topic, l.stood); past.Top != l.stood {
		t.Errorf("the log is at %v", past.Top)
	}
	if want := "has not compared its logs in time"; !strings.Contains(l.log.String(), want) {
		t.Errorf("nobody is told that a node %s", want)
	}
	var r Recorder
	at := Subscribe(t, l.other, l.topic, &r).Position()
	pattern := new(Recorder)
	Subscribe(t, l.other, "log.*", pattern)
	l.way.closed.Store(false)
	if e := r.Await(t, 1)[0]; e.Gap == nil || e.Gap.Epoch == at.Epoch || e.Gap.Top != 0 {
		t.Errorf("without an event, it is told %+v", e)
	}
	Publish(t, l.other, l.topic, "after")
	if e := r.Await(t, 2)[1]; e.Position.Offset != 1 || string(e.Payload) != "after" {
		t.Errorf("then comes %v", e)
	}
	if e := pattern.Await(t, 1)[0]; string(e.Payload) != "after" {
		t.Errorf("a pattern gets %q", e.Payload)
	}
}

func TestNodesWithoutPermissionForItDoNotWait(t *testing.T) {
	for _, missing := range []string{"info", "hset", "hgetall"} {
		t.Run(missing, func(t *testing.T) {
			server := redistest.Start(t, append(append([]string{}, alice...), withLogs...)...)
			server.Do("ACL", "SETUSER", "alice", "-"+missing)
			var log logBuffer
			o := kept
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			b := open(t, aliceInURL+server.Addr(), o)
			topic := LogTopic()
			var r Recorder
			Subscribe(t, b, topic, &r)
			Publish(t, b, topic, "1")
			r.Await(t, 1)
			if n := strings.Count(log.String(), "does not let nodes wait"); n != 1 {
				t.Errorf("%d warnings in\n%s", n, log.String())
			}
		})
	}
}
