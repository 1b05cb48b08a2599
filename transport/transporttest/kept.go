package transporttest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// kept is a subscription to messages whose topic can be read again.
const kept = `subscription { message: kept(rooms: ["1"]) { room text } }`

// keptCases are what readers may expect of topics that are kept, however slowly they read.
var keptCases = []testCase{
	{"a reader of what is kept that stalls has all of it in the end, alone", false, stalledKept},
}

func stalledKept(_ *testing.T, b *bench) {
	const events = 900
	slow, reader := b.client().Start(kept, nil), b.client().Start(kept, nil)
	b.members(2)
	for n := range events {
		b.keep(n)
		if got := b.message(reader); got.n != n || got.dropped != 0 {
			b.Fatalf("event %d of the fast reader is %+v", n, got)
		}
	}
	fast := reading(reader)
	time.Sleep(50 * time.Second)
	for n := range events {
		if got := b.message(slow); got.n != n || got.dropped != 0 {
			b.Fatalf("event %d of the slow reader is %+v", n, got)
		}
	}
	b.members(2)
	b.keep(events)
	if got := b.message(slow); got.n != events || got.dropped != 0 {
		b.Fatalf("afterwards the slow reader got %+v", got)
	}
	if event := <-fast; event.Result == nil {
		b.Fatalf("afterwards the fast reader got %+v", event)
	}
	if losses := b.Sessions.Losses(); losses.Conflated.Load()+losses.Dropped.Load() != 0 {
		b.Fatal("something counts as lost")
	}
}

// keep publishes the n-th message of a topic that is kept.
func (b *bench) keep(n int) {
	b.Helper()
	payload := mustJSON(map[string]string{"room": "1", "text": fmt.Sprint(n, " ", strings.Repeat("x", 400))})
	if err := b.Broker.Publish(context.Background(), "kept.1", payload); err != nil {
		b.Error(err)
	}
}
