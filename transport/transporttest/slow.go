package transporttest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/operation"
)

// Subscriptions to the messages of all rooms, whose slow readers lose some.
const (
	recent = `subscription { message: recent { room text } }` // the latest ten are kept
	latest = `subscription { message: latest { room text } }` // the latest of each room is kept
)

// slowCases are what readers may expect that are too slow for what they subscribed to.
var slowCases = []testCase{
	{"a reader of the latest that stalls ends on the newest of each room, alone", false, stalledLatest},
	{"a reader of the latest that is slow for ever ends on the newest of each room", false, slowLatest},
	{"a reader of the recent that stalls has the newest ten, alone", false, stalledRecent},
	{"a reader of the latest that never reads is given up after a while, alone", false, neverReads},
	{"a restart does not wait for a reader that stalls", false, stalledDrain},
}

const rooms = 10

// say publishes the n-th message; they go round the rooms.
func (b *bench) say(n int) {
	b.Helper()
	room := fmt.Sprint(n % rooms)
	payload := mustJSON(map[string]string{"room": room, "text": fmt.Sprint(n, " ", strings.Repeat("x", 400))})
	if err := b.Broker.Publish(context.Background(), "room."+room, payload); err != nil {
		b.Error(err)
	}
}

// A message is a result of the subscriptions above.
type message struct {
	n       int // its number
	dropped int // how many it says were lost before
}

// message reads the next result.
func (b *bench) message(op Operation) message {
	b.Helper()
	event := op.Next()
	if event.Result == nil {
		b.Fatalf("the operation ended: %+v", event)
	}
	var result struct {
		Data       struct{ Message struct{ Text string } }
		Extensions struct{ Dropped int }
	}
	mustParse(b.T, event.Result, &result)
	n, err := strconv.Atoi(strings.Fields(result.Data.Message.Text)[0])
	if err != nil {
		b.Fatal(err)
	}
	return message{n, result.Extensions.Dropped}
}

// stall has one of two subscribers read nothing of what is published, for longer than others may. The
// other one goes on reading.
func (b *bench) stall(query string, events int) (slow Operation, fast <-chan Event) {
	slow, reader := b.client().Start(query, nil), b.client().Start(query, nil)
	b.members(2)
	for n := range events {
		b.say(n)
		if got := b.message(reader); got.n != n || got.dropped != 0 {
			b.Fatalf("event %d of the fast reader is %+v", n, got)
		}
	}
	fast = reading(reader)
	time.Sleep(50 * time.Second)
	b.members(2)
	return slow, fast
}

// afterwards checks that both go on as if nothing had happened.
func (b *bench) afterwards(slow Operation, fast <-chan Event, n int) {
	b.Helper()
	b.say(n)
	if got := b.message(slow); got.n != n || got.dropped != 0 {
		b.Fatalf("afterwards the slow reader got %+v", got)
	}
	if event := <-fast; event.Result == nil {
		b.Fatalf("afterwards the fast reader got %+v", event)
	}
}

// all reads what is left of so many events, and checks that what is missing is told, once.
func (b *bench) all(op Operation, events int) (got []int) {
	b.Helper()
	dropped := 0
	for len(got)+dropped < events {
		m := b.message(op)
		got = append(got, m.n)
		dropped += m.dropped
	}
	if len(got)+dropped != events {
		b.Fatalf("%d events arrived and %d are told as lost, of %d", len(got), dropped, events)
	}
	if losses := b.Sessions.Losses(); losses.Conflated.Load()+losses.Dropped.Load() != uint64(dropped) {
		b.Fatalf("%d are told as lost, %d and %d counted", dropped, losses.Conflated.Load(), losses.Dropped.Load())
	}
	return got
}

// endsOnTheNewest checks that in each room nothing is older than what came before, and the last is the
// newest.
func (b *bench) endsOnTheNewest(got []int, events int) {
	b.Helper()
	last := slices.Repeat([]int{-1}, rooms)
	for _, n := range got {
		if n < last[n%rooms] {
			b.Fatalf("event %d came after %d", n, last[n%rooms])
		}
		last[n%rooms] = n
	}
	for n := events - rooms; n < events; n++ {
		if last[n%rooms] != n {
			b.Fatalf("room %d ends on %d, want %d", n%rooms, last[n%rooms], n)
		}
	}
}

func stalledLatest(t *testing.T, b *bench) {
	const events = 800
	slow, fast := b.stall(latest, events)
	got := b.all(slow, events)
	if len(got) == events {
		t.Fatal("nothing was lost: the reader was not slow")
	}
	b.endsOnTheNewest(got, events)
	b.afterwards(slow, fast, events)
}

func stalledRecent(t *testing.T, b *bench) {
	const events = 800
	slow, fast := b.stall(recent, events)
	got := b.all(slow, events)
	if len(got) == events || !slices.IsSorted(got) {
		t.Fatalf("%d of %d events arrived, in order: %v", len(got), events, slices.IsSorted(got))
	}
	for i, n := range got[len(got)-10:] {
		if n != events-10+i {
			t.Fatalf("the last ten are %v", got[len(got)-10:])
		}
	}
	b.afterwards(slow, fast, events)
}

// A message every two seconds, for three minutes: what the server writes in one piece takes longer to
// be read than a ping may take to be answered.
func slowLatest(_ *testing.T, b *bench) {
	slow := b.client().Start(latest, nil)
	b.members(1)
	const events = 1800
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range events {
			b.say(n)
			time.Sleep(100 * time.Millisecond)
		}
	}()
	defer func() { <-done }()
	var got []int
	dropped := 0
	for len(got)+dropped < events {
		m := b.message(slow)
		got = append(got, m.n)
		dropped += m.dropped
		time.Sleep(2 * time.Second)
	}
	b.endsOnTheNewest(got, events)
}

func neverReads(t *testing.T, b *bench) {
	slow, fast := b.client().Start(latest, nil), b.client().Start(latest, nil)
	b.members(2)
	for n := range 800 {
		b.say(n)
		b.message(fast)
	}
	next := reading(fast)
	time.Sleep(59 * time.Second)
	b.members(2)
	time.Sleep(40 * time.Second)
	b.members(1)
	if end := b.ended(slow); !end.Again {
		t.Fatalf("the reader got %+v", end)
	}
	b.say(800)
	if event := <-next; event.Result == nil {
		t.Fatalf("the fast reader got %+v", event)
	}
}

func stalledDrain(t *testing.T, b *bench) {
	client := b.client()
	client.Start(latest, nil)
	b.members(1)
	for n := range 800 {
		b.say(n)
		synctest.Wait()
	}
	time.Sleep(time.Second)
	if err := b.Sessions.Close(context.Background(), operation.Restarting, 0, 8*time.Second); err != nil {
		t.Fatal(err)
	}
	b.members(0)
}
