package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/pubsub"
	. "github.com/sluice-gateway/sluice/pubsub/pubsubtest"
	"github.com/sluice-gateway/sluice/pubsub/redis"
)

// awaitGap waits until each node's receiver was told once of a gap, and returns what it got behind it.
func (l *trial) awaitGap() (behind [2][]*pubsub.Event) {
	l.t.Helper()
	isGap := func(e *pubsub.Event) bool { return e.Gap != nil }
	for i, r := range l.received { // first of all, for what is in the log by then is passed over
		Until(l.t, func() error {
			if !slices.ContainsFunc(r.Events(), isGap) {
				return fmt.Errorf("node %d was told of no gap", i)
			}
			return nil
		})
	}
	l.settle()
	for i, r := range l.received {
		events := r.Events()
		at := slices.IndexFunc(events, isGap)
		CheckJoined(l.t, l.at[i], events[:at])
		gap := events[at]
		if gap.Topic != l.topic || gap.Payload != nil || gap.Received.IsZero() || gap.Gap.Topic != l.topic {
			l.t.Errorf("the gap is %+v", gap)
		}
		behind[i] = events[at+1:]
		CheckJoined(l.t, pubsub.Position{Epoch: gap.Gap.Epoch, Offset: gap.Gap.Top}, behind[i])
	}
	return behind
}

func TestALogThatIsFlushedIsAGap(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "before")
	l.received[1].Await(t, 1)
	server.Do("FLUSHALL")
	Publish(t, l.nodes[0], l.topic, "after")
	for i, behind := range l.awaitGap() {
		if last := behind[len(behind)-1].Position; last.Epoch == l.at[i].Epoch || last.Offset != 2 {
			t.Errorf("the new log is at %v", last)
		}
	}
}

func TestARedisThatKeepsNothingIsAGap(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "before")
	l.received[1].Await(t, 1)
	server.Restart()
	l.awaitGap()
}

// An older dump has the same epoch, and its offsets are used again for other events.
func TestARollbackIsAGap(t *testing.T) {
	for _, reused := range []int{0, 3, 5, 20} {
		t.Run(fmt.Sprintf("%d offsets are used again", reused), func(t *testing.T) {
			server := redistest.Start(t)
			proxy := startProxy(t, server.Addr())
			l := newTrial(t, "redis://"+proxy.addr())
			direct := open(t, server.URL(), kept)
			publish := func(n int) {
				for i := range n {
					Publish(t, direct, l.topic, fmt.Sprint(i))
				}
			}
			publish(10)
			server.Do("SAVE")
			publish(5)
			l.received[0].Await(t, 15)
			l.received[1].Await(t, 15)
			proxy.closed.Store(true)
			proxy.cut()
			server.Restart()
			UntilUp(t, direct)
			publish(reused)
			proxy.closed.Store(false)
			for i, behind := range l.awaitGap() {
				last := behind[len(behind)-1].Position
				if want := uint64(reused + 1); last.Epoch == l.at[i].Epoch || last.Offset != want {
					t.Errorf("behind the gap node %d is at %v, want offset %d of another epoch", i, last, want)
				}
			}
		})
	}
}

// Without an event nobody would notice, but for somebody who reads.
func TestALogThatIsFoundToBeAnotherOneIsAGapForItsFollowers(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "before")
	l.received[0].Await(t, 1)
	l.received[1].Await(t, 1)
	server.Do("FLUSHALL")
	elsewhere := open(t, server.URL(), kept)
	at := Subscribe(t, elsewhere, l.topic, new(Recorder)).Position()
	for i, b := range l.nodes {
		if past := Read(t, b, l.topic, at); past.Top != at {
			t.Errorf("node %d reads up to %v", i, past.Top)
		}
		if e := l.received[i].Await(t, 2)[1]; e.Gap == nil || e.Gap.Epoch != at.Epoch {
			t.Errorf("node %d gets %+v", i, e)
		}
	}
}

// Of what was lost, those know least who had not even read what was kept: their place is still there.
func TestARollbackIsAGapForWhoStoodBeforeIt(t *testing.T) {
	for _, tt := range []struct {
		name    string
		asks    int // the node that is asked
		publish bool
	}{
		{"on the node that has published", 0, false},
		{"on another one", 1, false},
		{"when events came since", 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := redistest.Start(t)
			nodes := []*redis.Broker{open(t, server.URL(), kept), open(t, server.URL(), kept)}
			topic := LogTopic()
			publish := func(n int) {
				for i := range n {
					Publish(t, nodes[0], topic, fmt.Sprint(i))
				}
			}
			publish(10)
			var r Recorder
			at := Subscribe(t, nodes[1], topic, &r)
			stood := at.Position()
			at.Close()
			server.Do("SAVE")
			publish(5)
			server.Restart()
			for _, b := range nodes {
				UntilUp(t, b)
			}
			if tt.publish {
				publish(8)
			}
			var gap *pubsub.GapError
			if past, err := nodes[tt.asks].Read(t.Context(), topic, stood, 10); !errors.As(err, &gap) {
				t.Errorf("it reads %d events, and %v", len(past.Events), err)
			}
			if err := nodes[0].Publish(t.Context(), topic, []byte("1")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAWindowThatMovedOnIsAGap(t *testing.T) {
	server := redistest.Start(t)
	proxy := startProxy(t, server.Addr())
	o := kept
	o.Retain = Retain
	away, direct := open(t, "redis://"+proxy.addr(), o), open(t, server.URL(), o)
	UntilUp(t, away)
	var r Recorder
	topic := LogTopic()
	Subscribe(t, away, topic, &r)
	Publish(t, direct, topic, "1")
	r.Await(t, 1)
	proxy.closed.Store(true)
	proxy.cut()
	for i := range Window + 1 {
		Publish(t, direct, topic, fmt.Sprint(i))
	}
	proxy.closed.Store(false)
	gap := r.Await(t, 2)[1].Gap
	if gap == nil || gap.First != 3 || gap.Top != Window+2 {
		t.Fatalf("the second event is no gap, but %v", gap)
	}
	Publish(t, direct, topic, "end")
	if e := r.Await(t, 3)[2]; e.Position.Offset != Window+3 {
		t.Errorf("behind the gap comes %v", e.Position)
	}
}

// What nobody has published for long expires; who has read all of it joins all the same.
func TestALogThatHasExpiredJoinsWhoeverHasAllOfIt(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	Publish(t, l.nodes[0], l.topic, "1")
	Publish(t, l.nodes[0], l.topic, "2")
	events := l.received[0].Await(t, 2)
	server.Do("DEL", "sluice:log:{"+l.topic+"}")
	if past := Read(t, l.nodes[1], l.topic, events[1].Position); len(past.Events) != 0 || past.Top != events[1].Position {
		t.Errorf("after the top there is %v", past)
	}
	var gap *pubsub.GapError
	if _, err := l.nodes[1].Read(t.Context(), l.topic, events[0].Position, 10); !errors.As(err, &gap) || gap.First != 0 || gap.Top != 2 {
		t.Errorf("before the top: %v", err)
	}
	server.Do("CLIENT", "KILL", "TYPE", "pubsub")
	for _, b := range l.nodes { // what is published while a node is away does not join then: that is a gap
		Until(t, func() error {
			if h := b.Health(); !h.Up || h.Reconnects < 2 {
				return fmt.Errorf("health = %+v", h)
			}
			return nil
		})
		Subscribe(t, b, l.topic, new(Recorder)).Close() // which waits until the log was read again
	}
	l.check()
}

func TestWhatIsMissingInTheMiddleOfALogIsAGap(t *testing.T) {
	server := redistest.Start(t)
	l := newTrial(t, server.URL())
	for range 5 {
		Publish(t, l.nodes[0], l.topic, "x")
	}
	server.Do("XDEL", "sluice:log:{"+l.topic+"}", "3-0")
	past := Read(t, l.nodes[0], l.topic, l.at[0])
	if len(past.Events) != 2 {
		t.Fatalf("%d events before the hole", len(past.Events))
	}
	var gap *pubsub.GapError
	if _, err := l.nodes[0].Read(t.Context(), l.topic, past.Events[1].Position, 10); !errors.As(err, &gap) || gap.Top != 5 {
		t.Errorf("read over the hole: %v", err)
	}
}
